"""Numbers in words, for the person with the camera."""

import pytest

from oral_lesion.io.refusal_words import limit_words
from oral_lesion.io.texts import Language


@pytest.mark.parametrize(
    ("unit", "language", "words"),
    [
        ("patches", Language.ENGLISH, "found 22 patches, limit 3 patches"),
        ("patches", Language.GERMAN, "gefunden 22 Felder, Grenze 3 Felder"),
        ("mm per px", Language.GERMAN, "gefunden 22 mm/px, Grenze 3 mm/px"),
        ("percent", Language.CHINESE, "测得 22 %，限值 3 %"),
        ("", Language.ENGLISH, "found 22, limit 3"),
    ],
)
def test_units_are_read_in_the_language(unit, language, words):
    assert limit_words(22.0, 3.0, unit, language) == words
