"""The same examples every time: a test that fails here fails everywhere."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
