"""Which parts of the mouth a site code shows, and which parts each clinical score counts as one site: data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ABSIS_ORAL_SITES", "ODSS_SITES", "PDAI_ORAL_SITES", "REGIONS_OF_SITE", "ScoreSite"]

_SINGLE = (
    "buccal-left", "buccal-right", "tongue-dorsal", "tongue-ventral-left", "tongue-ventral-right",
    "tongue-lateral-left", "tongue-lateral-right", "tongue-tip", "palate-hard", "palate-soft", "gingiva-upper-left",
    "gingiva-upper-anterior", "gingiva-upper-right", "gingiva-lower-left", "gingiva-lower-anterior",
    "gingiva-lower-right", "floor-of-mouth", "lip-upper-inner", "lip-lower-inner", "lips-outer", "oropharynx",
    "retromolar-left", "retromolar-right",
)  # fmt: skip
_UPPER_GINGIVA = frozenset({"gingiva-upper-left", "gingiva-upper-anterior", "gingiva-upper-right"})
_LOWER_GINGIVA = frozenset({"gingiva-lower-left", "gingiva-lower-anterior", "gingiva-lower-right"})
_VENTRAL_TONGUE = frozenset({"tongue-ventral-left", "tongue-ventral-right"})
_INNER_LIPS = frozenset({"lip-upper-inner", "lip-lower-inner"})
_TONGUE_BORDERS = frozenset({"tongue-lateral-left", "tongue-lateral-right", "tongue-tip"})

REGIONS_OF_SITE: dict[str, frozenset[str]] = {code: frozenset({code}) for code in _SINGLE} | {
    "tongue-ventral": _VENTRAL_TONGUE,
    "gingiva-upper": _UPPER_GINGIVA,
    "gingiva-lower": _LOWER_GINGIVA,
    "lips-inner": _INNER_LIPS,
}
"""Parts of the mouth that each code of docs/sites.md names; codes that share a part overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSite:
    """
    One site of a clinical score.

    Parameters
    ----------
    name : str
        As in docs/sites.md.
    required : frozenset of str
        Parts that must have been photographed before the site can be called free of lesions.
    also : frozenset of str
        Parts that count for the site where they were photographed, but need not have been.
    """

    name: str
    required: frozenset[str]
    also: frozenset[str] = frozenset()

    @property
    def regions(self) -> frozenset[str]:
        """All parts that count for the site."""
        return self.required | self.also


def _site(name: str, *required: str) -> ScoreSite:
    return ScoreSite(name=name, required=frozenset(required))


PDAI_ORAL_SITES = (
    _site("buccal mucosa", "buccal-left", "buccal-right"),
    _site("hard palate", "palate-hard"),
    _site("soft palate", "palate-soft"),
    ScoreSite(name="upper gingiva", required=_UPPER_GINGIVA),
    ScoreSite(name="lower gingiva", required=_LOWER_GINGIVA),
    ScoreSite(name="tongue", required=frozenset({"tongue-dorsal"}) | _VENTRAL_TONGUE, also=_TONGUE_BORDERS),
    _site("floor of mouth", "floor-of-mouth"),
    ScoreSite(name="labial", required=_INNER_LIPS, also=frozenset({"lips-outer"})),
    _site("posterior pharynx", "oropharynx"),
)
"""The nine oral ones of the twelve mucosal sites of the Pemphigus Disease Area Index."""

ABSIS_ORAL_SITES = (
    ScoreSite(name="upper gingival mucosa", required=_UPPER_GINGIVA),
    ScoreSite(name="lower gingival mucosa", required=_LOWER_GINGIVA),
    _site("upper lip mucosa", "lip-upper-inner"),
    _site("lower lip mucosa", "lip-lower-inner"),
    _site("left buccal mucosa", "buccal-left"),
    _site("right buccal mucosa", "buccal-right"),
    ScoreSite(name="tongue", required=frozenset({"tongue-dorsal"}) | _VENTRAL_TONGUE, also=_TONGUE_BORDERS),
    _site("floor of mouth", "floor-of-mouth"),
    _site("hard palate", "palate-hard"),
    _site("soft palate", "palate-soft"),
    _site("pharynx", "oropharynx"),
)
"""The eleven oral sites of the Autoimmune Bullous Skin Disorder Intensity Score; lists differ between sources."""

ODSS_SITES = (
    _site("outer lips", "lips-outer"),
    ScoreSite(name="inner lips", required=_INNER_LIPS),
    _site("left buccal", "buccal-left"),
    _site("right buccal", "buccal-right"),
    _site("upper left gingival", "gingiva-upper-left"),
    _site("upper anterior gingival", "gingiva-upper-anterior"),
    _site("upper right gingival", "gingiva-upper-right"),
    _site("lower left gingival", "gingiva-lower-left"),
    _site("lower anterior gingival", "gingiva-lower-anterior"),
    _site("lower right gingival", "gingiva-lower-right"),
    _site("hard palate", "palate-hard"),
    _site("soft palate", "palate-soft"),
    _site("dorsum", "tongue-dorsal"),
    _site("left ventral tongue", "tongue-ventral-left"),
    _site("right ventral tongue", "tongue-ventral-right"),
    _site("floor", "floor-of-mouth"),
    _site("oropharynx", "oropharynx"),
)
"""The seventeen sites of the Oral Disease Severity Score."""
