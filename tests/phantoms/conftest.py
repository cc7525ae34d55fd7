import pytest

from oral_lesion.io.settings import load_card


@pytest.fixture(scope="session")
def nano():
    return load_card("colorchecker-classic-nano")
