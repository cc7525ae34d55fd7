"""The same examples and settings everywhere: a test that fails here fails everywhere."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

for variable in ("ORAL_LESION_HOME", "ORAL_LESION_AUDIT"):
    os.environ.pop(variable, None)
