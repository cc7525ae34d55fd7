"""Sites of the oral mucosa: one code each, and the names by which clinics call them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

__all__ = ["SITES", "Site", "site_and_replicate_from_file_name", "site_from_text"]

_LARGEST_REPLICATE = 99
_WORDS = {
    "l": "left", "lt": "left", "lft": "left", "r": "right", "rt": "right", "rgt": "right",
    "cheek": "buccal", "cheeks": "buccal", "bucca": "buccal",
    "lingual": "tongue", "lingua": "tongue",
    "dorsum": "dorsal", "dorsally": "dorsal", "ventrum": "ventral", "ventrally": "ventral",
    "underside": "ventral", "undersurface": "ventral",
    "border": "lateral", "margin": "lateral", "apex": "tip",
    "palatum": "palate", "palatal": "palate", "durum": "hard", "molle": "soft",
    "gum": "gingiva", "gums": "gingiva", "gingival": "gingiva", "gingivae": "gingiva",
    "maxilla": "upper", "maxillary": "upper", "superior": "upper", "mandible": "lower",
    "mandibular": "lower", "inferior": "lower", "front": "anterior", "frontal": "anterior",
    "lips": "lip", "labial": "lip", "labium": "lip", "inside": "inner", "outside": "outer",
    "external": "outer", "vermilion": "outer", "vermillion": "outer",
    "fom": "floor", "mouthfloor": "floor", "pharynx": "oropharynx", "oropharyngeal": "oropharynx",
}  # fmt: skip
_FILLERS = frozenset({"the", "of", "in", "mucosa", "mucosal", "side", "surface", "mouth", "oral"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    One site of the oral mucosa.

    Parameters
    ----------
    code : str
        As in tables; never renamed or reused.
    title : str
        In words. Left and right are the patient's.
    odss : str
        Site of the Oral Disease Severity Score that it belongs to; empty where it has none.
    pdai : str
        Mucosal site of the Pemphigus Disease Area Index that it belongs to; empty where it has none.
    phrases : tuple of str
        Further names; the order of words does not matter.
    """

    code: str
    title: str
    odss: str
    pdai: str
    phrases: tuple[str, ...] = ()


SITES = (
    Site(code="buccal-left", title="Left buccal mucosa", odss="left buccal", pdai="buccal mucosa"),
    Site(code="buccal-right", title="Right buccal mucosa", odss="right buccal", pdai="buccal mucosa"),
    Site(code="tongue-dorsal", title="Dorsum of the tongue", odss="dorsum", pdai="tongue"),
    Site(
        code="tongue-ventral",
        title="Ventral tongue, both sides",
        odss="",
        pdai="tongue",
        phrases=("under the tongue",),
    ),
    Site(code="tongue-ventral-left", title="Left ventral tongue", odss="left ventral tongue", pdai="tongue"),
    Site(code="tongue-ventral-right", title="Right ventral tongue", odss="right ventral tongue", pdai="tongue"),
    Site(code="tongue-lateral-left", title="Left border of the tongue", odss="", pdai="tongue"),
    Site(code="tongue-lateral-right", title="Right border of the tongue", odss="", pdai="tongue"),
    Site(code="tongue-tip", title="Tip of the tongue", odss="", pdai="tongue"),
    Site(code="palate-hard", title="Hard palate", odss="hard palate", pdai="hard palate"),
    Site(
        code="palate-soft",
        title="Soft palate",
        odss="soft palate",
        pdai="soft palate",
        phrases=("velum", "velum palatinum"),
    ),
    Site(code="gingiva-upper", title="Upper gingiva, more than one part", odss="", pdai="upper gingiva"),
    Site(
        code="gingiva-upper-left",
        title="Upper left gingiva",
        odss="upper left gingival",
        pdai="upper gingiva",
    ),
    Site(
        code="gingiva-upper-anterior",
        title="Upper anterior gingiva",
        odss="upper anterior gingival",
        pdai="upper gingiva",
    ),
    Site(
        code="gingiva-upper-right",
        title="Upper right gingiva",
        odss="upper right gingival",
        pdai="upper gingiva",
    ),
    Site(code="gingiva-lower", title="Lower gingiva, more than one part", odss="", pdai="lower gingiva"),
    Site(
        code="gingiva-lower-left",
        title="Lower left gingiva",
        odss="lower left gingival",
        pdai="lower gingiva",
    ),
    Site(
        code="gingiva-lower-anterior",
        title="Lower anterior gingiva",
        odss="lower anterior gingival",
        pdai="lower gingiva",
    ),
    Site(
        code="gingiva-lower-right",
        title="Lower right gingiva",
        odss="lower right gingival",
        pdai="lower gingiva",
    ),
    Site(code="floor-of-mouth", title="Floor of the mouth", odss="floor", pdai="floor of mouth"),
    Site(code="lip-upper-inner", title="Inner upper lip", odss="inner lips", pdai="labial"),
    Site(code="lip-lower-inner", title="Inner lower lip", odss="inner lips", pdai="labial"),
    Site(code="lips-inner", title="Both inner lips", odss="inner lips", pdai="labial"),
    Site(code="lips-outer", title="Outer lips, vermilion", odss="outer lips", pdai="labial"),
    Site(
        code="oropharynx",
        title="Oropharynx",
        odss="oropharynx",
        pdai="posterior pharynx",
        phrases=("posterior pharynx", "throat", "posterior pharyngeal wall"),
    ),
    Site(
        code="retromolar-left",
        title="Left retromolar area",
        odss="",
        pdai="",
        phrases=("left retromolar trigone",),
    ),
    Site(
        code="retromolar-right",
        title="Right retromolar area",
        odss="",
        pdai="",
        phrases=("right retromolar trigone",),
    ),
)
"""The vocabulary, in the order of docs/sites.md."""


def site_from_text(text: str) -> str | None:
    """
    Return the code of the site that a text names.

    Case, order of words, spaces, hyphens and underscores do not matter; known synonyms count ("left cheek").
    Nothing is guessed: a text with a word too many or too few names no site.

    Parameters
    ----------
    text : str
        Such as a manifest's cell.

    Returns
    -------
    str or None
        Code of the vocabulary; None where the text names no site.
    """
    return _site_of_words(_words_of(text))


def site_and_replicate_from_file_name(name: str) -> tuple[str | None, int]:
    """
    Return the site and the replicate that a photo's file name tells.

    Parameters
    ----------
    name : str
        Such as ``"tongue-ventral_2.jpg"``; folders before it and its suffix do not count.

    Returns
    -------
    site : str or None
        Code of the vocabulary; None where the name tells no site.
    replicate : int
        The number at the end, 1 where there is none or no site.
    """
    stem = re.sub(r"\.[A-Za-z]+$", "", name.replace("\\", "/").rsplit("/", 1)[-1])
    words = _words_of(stem)
    replicate = 1
    if words and words[-1].isdecimal() and 1 <= int(words[-1]) <= _LARGEST_REPLICATE:
        replicate = int(words.pop())
    site = _site_of_words(words)
    return (site, replicate) if site else (None, 1)


def _words_of(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    return re.findall(r"[a-z]+|[0-9]+", spaced.lower())


def _site_of_words(words: list[str]) -> str | None:
    known = _codes_by_words()
    return known.get(_key_of(words)) or _codes_by_run_together_words().get("".join(words))


def _key_of(words: list[str]) -> frozenset[str]:
    meant = [_WORDS.get(word, word) for word in words]
    # a word that comes twice or contradicts ("left right") leads to no known key
    return frozenset(word for word in meant if word not in _FILLERS)


@cache
def _codes_by_words() -> dict[frozenset[str], str]:
    return {
        _key_of(_words_of(phrase)): site.code
        for site in SITES
        for phrase in (site.code, site.title, *site.phrases, *_short_forms(site))
    }


@cache
def _codes_by_run_together_words() -> dict[str, str]:
    forms: dict[str, str] = {}
    for site in SITES:
        parts = site.code.split("-")
        forms["".join(parts)] = site.code
        forms["".join(reversed(parts))] = site.code
        if len(parts) > 2:
            forms["".join([parts[-1], *parts[:-1]])] = site.code
    return forms


def _short_forms(site: Site) -> tuple[str, ...]:
    """Names of a site as the clinical scores write them, where they mean this site alone."""
    alone = [other for other in SITES if other.odss == site.odss]
    return (site.odss,) if site.odss and len(alone) == 1 else ()
