"""Those parts of clinical extent scores that pictures can give: PDAI, ABSIS, ODSS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from oral_lesion.endpoint.estimates import Figure, Missing
from oral_lesion.endpoint.regions import ABSIS_ORAL_SITES, ODSS_SITES, PDAI_ORAL_SITES, REGIONS_OF_SITE, ScoreSite
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.rows import rows_of
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.records import ALL, EndpointRow, LesionSize, NotDone, Parameter, UncertaintyGap

__all__ = ["absis_extent", "extent_endpoints", "odss_ulceration", "pdai_points"]

_PDAI_LARGE_MM = 20.0
_PDAI_SEVERAL_LARGE = 2
_PDAI_FEW, _PDAI_MANY = 2, 4
_ODSS_ULCERATION_POINTS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """What the protocol's sites show of one site of a score."""

    lesions: tuple[LesionSize, ...]
    not_covered: tuple[str, ...]
    ambiguous: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    name: str
    sites: tuple[ScoreSite, ...]
    points: Callable[[tuple[LesionSize, ...]], Figure]
    any_lesion_decides: bool
    parameters: tuple[Parameter, Parameter, Parameter]


def pdai_points(lesions: tuple[LesionSize, ...]) -> Figure:
    """
    Return the points of one mucosal site of the Pemphigus Disease Area Index, as far as count and size tell.

    0 none, 1 one lesion, 2 two or three, 5 four or more or two or more above 2 cm. The 10 points of a site that is
    affected as a whole need the site's outline, so that any value above 0 is a lower limit. Diameters are those of
    circles of the same area, which no longest diameter is below.

    Parameters
    ----------
    lesions : tuple of LesionSize
        Of the site.

    Returns
    -------
    Figure

    References
    ----------
    .. [1] Rosenbach et al. 2009, J Invest Dermatol, and the Japanese full version of the form.
       Checked: tests/unit/endpoint/test_extent.py, on each line of the form.
    """
    large = sum(lesion.equivalent_diameter_mm > _PDAI_LARGE_MM for lesion in lesions)
    if not lesions:
        return Figure(value=0.0, u_reason=UncertaintyGap.NOT_ESTIMATED)
    if len(lesions) >= _PDAI_MANY or large >= _PDAI_SEVERAL_LARGE:
        points = 5.0
    else:
        points = 2.0 if len(lesions) >= _PDAI_FEW else 1.0
    return Figure(value=points, u_reason=UncertaintyGap.WHOLE_AREA_NOT_ASSESSED)


def absis_extent(lesions: tuple[LesionSize, ...]) -> Figure:
    """
    Return the point of one oral site of the Autoimmune Bullous Skin Disorder Intensity Score: 1 where it has a lesion.

    Parameters
    ----------
    lesions : tuple of LesionSize
        Of the site.

    Returns
    -------
    Figure

    References
    ----------
    .. [1] Pfütze et al. 2007, Eur J Dermatol. Checked: tests/unit/endpoint/test_extent.py.
    """
    return Figure(value=float(bool(lesions)), u_reason=UncertaintyGap.NOT_ESTIMATED)


def odss_ulceration(lesions: tuple[LesionSize, ...]) -> Figure:
    """
    Return the activity that ulceration gives one site of the Oral Disease Severity Score: 3 where it has a lesion.

    0 does not say that the site's activity is 0: mild and moderate inflammation (1 and 2) are not measured.

    Parameters
    ----------
    lesions : tuple of LesionSize
        Of the site.

    Returns
    -------
    Figure

    References
    ----------
    .. [1] Ormond et al. 2018, doi:10.1111/bjd.16265. Checked: tests/unit/endpoint/test_extent.py.
    """
    return Figure(value=_ODSS_ULCERATION_POINTS * bool(lesions), u_reason=UncertaintyGap.PART_OF_SCORE)


_SCORES = (
    _Score(
        name="pdai",
        sites=PDAI_ORAL_SITES,
        points=pdai_points,
        any_lesion_decides=False,
        parameters=(Parameter.PDAI_POINTS, Parameter.PDAI_POINTS_ASSESSED, Parameter.PDAI_SITES_ASSESSED),
    ),
    _Score(
        name="absis",
        sites=ABSIS_ORAL_SITES,
        points=absis_extent,
        any_lesion_decides=True,
        parameters=(Parameter.ABSIS_EXTENT, Parameter.ABSIS_EXTENT_ASSESSED, Parameter.ABSIS_SITES_ASSESSED),
    ),
    _Score(
        name="odss",
        sites=ODSS_SITES,
        points=odss_ulceration,
        any_lesion_decides=True,
        parameters=(Parameter.ODSS_ULCERATION, Parameter.ODSS_ULCERATION_ASSESSED, Parameter.ODSS_SITES_ASSESSED),
    ),
)


def extent_endpoints(subject: SubjectValues, visit: str) -> list[EndpointRow]:
    """
    Return the extent scores of one visit: of each of a score's own sites, and summed.

    Parameters
    ----------
    subject : SubjectValues
        Whose visit it is. Only the protocol's sites count.
    visit : str
        Its name.

    Returns
    -------
    list of EndpointRow
        The sum over all of a score's sites, which needs all of them; the sum over those that could be assessed; and
        their number.
    """
    rows: list[EndpointRow] = []
    for score in _SCORES:
        outcomes = {site.name: _outcome(subject, visit, score, site) for site in score.sites}
        for name, outcome in outcomes.items():
            rows += rows_of(subject, (f"{score.name}:{name}", visit), {score.parameters[0]: outcome})
        rows += rows_of(subject, (ALL, visit), _sums(score, outcomes))
    return rows


def _sums(score: _Score, outcomes: dict[str, Figure | Missing]) -> dict[Parameter, Figure | Missing]:
    known = [outcome for outcome in outcomes.values() if isinstance(outcome, Figure)]
    lacking = [name for name, outcome in outcomes.items() if isinstance(outcome, Missing)]
    reasons = {outcome.reason for outcome in outcomes.values() if isinstance(outcome, Missing)}
    if reasons == {NotDone.VISIT_MISSING}:
        return dict.fromkeys(score.parameters, Missing(reason=NotDone.VISIT_MISSING))
    incomplete = Missing(reason=NotDone.SITES_INCOMPLETE, detail="; ".join(lacking))
    gaps = {figure.u_reason for figure in known}
    lower_limit = UncertaintyGap.WHOLE_AREA_NOT_ASSESSED
    total = Figure(
        value=math.fsum(figure.value for figure in known),
        u_reason=lower_limit if lower_limit in gaps else next(iter(gaps), None),
    )
    whole, assessed, count = score.parameters
    return {
        whole: incomplete if lacking else total,
        assessed: total if known else incomplete,
        count: Figure(value=float(len(known)), u_reason=UncertaintyGap.EXACT, detail=f"of {len(outcomes)}"),
    }


def _outcome(subject: SubjectValues, visit: str, score: _Score, site: ScoreSite) -> Figure | Missing:
    own = [code for code in subject.settings.sites if REGIONS_OF_SITE[code] & site.regions]
    values = [subject.values[code, visit] for code in subject.settings.sites]
    if all(isinstance(value, Missing) and value.reason is NotDone.VISIT_MISSING for value in values):
        return Missing(reason=NotDone.VISIT_MISSING)
    sighting = _sighting(subject, visit, site, own)
    if score.any_lesion_decides and sighting.lesions:
        return score.points(sighting.lesions)
    if sighting.ambiguous:
        return Missing(reason=NotDone.SITE_AMBIGUOUS, detail=" ".join(sighting.ambiguous))
    if sighting.not_covered:
        return Missing(reason=NotDone.SITE_NOT_COVERED, detail=" ".join(sighting.not_covered))
    return score.points(sighting.lesions)


def _sighting(subject: SubjectValues, visit: str, site: ScoreSite, codes: list[str]) -> _Sighting:
    lesions: list[LesionSize] = []
    ambiguous: list[str] = []
    covered: set[str] = set()
    for code in codes:
        value = subject.values[code, visit]
        if not isinstance(value, SiteValue):
            continue
        regions = REGIONS_OF_SITE[code]
        if regions <= site.regions:
            lesions += value.lesions
            covered |= regions
        elif value.lesions:
            ambiguous.append(code)
        else:
            covered |= regions
    return _Sighting(
        lesions=tuple(lesions), not_covered=tuple(sorted(site.required - covered)), ambiguous=tuple(ambiguous)
    )
