"""Endpoints of single lesions that were followed over the visits."""

from __future__ import annotations

from collections.abc import Sequence

from oral_lesion.endpoint.estimates import Figure, Missing, margin_advance
from oral_lesion.endpoint.rows import rows_of
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.records import (
    EndpointRow,
    LesionLink,
    LesionState,
    LesionTrack,
    NotDone,
    Parameter,
    UncertaintyGap,
)

__all__ = ["lesion_endpoints", "new_lesion_count"]

_REASONS = {
    LesionState.ABSENT: NotDone.LESION_ABSENT,
    LesionState.NOT_IN_VIEW: NotDone.LESION_NOT_IN_VIEW,
    LesionState.NOT_ASSESSED: NotDone.NOT_TRACKED,
    LesionState.MERGED: NotDone.LESION_MERGED,
}
_COMPARED = (Parameter.CHANGE, Parameter.CHANGE_PERCENT, Parameter.MARGIN_ADVANCE)


def new_lesion_count(
    subject: SubjectValues, site: str, visit: str, tracks: Sequence[LesionTrack] | None
) -> Figure | Missing:
    """
    Return how many lesions were first seen at a visit, at places that were in view and free of them before.

    Parameters
    ----------
    subject : SubjectValues
        Whose site it is.
    site, visit : str
        A follow-up.
    tracks : sequence of LesionTrack or None
        Of the site; empty where it never had a lesion; None where lesions were not followed.

    Returns
    -------
    Figure or Missing
        ``no-baseline``, the visit's own reason, ``not-tracked``.
    """
    pair = subject.pair(site, visit)
    if isinstance(pair, Missing):
        return pair
    if tracks is None:
        return Missing(reason=NotDone.NOT_TRACKED)
    links = [_link_at(track, visit) for track in tracks]
    if any(link is None or link.state is LesionState.NOT_ASSESSED for link in links):
        return Missing(reason=NotDone.NOT_TRACKED)
    new = sum(link is not None and link.state is LesionState.NEW for link in links)
    return Figure(value=float(new), u_reason=UncertaintyGap.NOT_ESTIMATED)


def lesion_endpoints(subject: SubjectValues, site: str, tracks: Sequence[LesionTrack]) -> list[EndpointRow]:
    """
    Return area, change and margin advance of each lesion of a site.

    Parameters
    ----------
    subject : SubjectValues
        Whose site it is.
    site : str
        Code.
    tracks : sequence of LesionTrack
        Of the site, over its best photos.

    Returns
    -------
    list of EndpointRow
        With the lesion's id. None of a visit that the track does not know.
    """
    rows: list[EndpointRow] = []
    for track in sorted(tracks, key=lambda one: one.lesion_id):
        first = _link_at(track, subject.settings.baseline_visit)
        for visit in subject.visits:
            link = _link_at(track, visit)
            if link is None:
                continue
            outcomes: dict[Parameter, Figure | Missing] = {Parameter.AREA: _area(link)}
            if subject.is_follow_up(visit):
                outcomes |= _changes(subject, site, first, link)
            rows += rows_of(subject, (site, visit), outcomes, subject.notes(site, visit), track.lesion_id)
    return rows


def _link_at(track: LesionTrack, visit: str) -> LesionLink | None:
    return next((link for link in track.links if link.visit == visit), None)


def _area(link: LesionLink) -> Figure | Missing:
    if link.area_mm2 is None:
        return Missing(reason=_REASONS.get(link.state, NotDone.NOT_TRACKED), detail=link.into or "")
    gap = UncertaintyGap.NOT_ESTIMATED if link.area_mm2 > 0 else UncertaintyGap.ZERO_AREA
    return Figure(value=link.area_mm2, u_reason=gap)


def _changes(
    subject: SubjectValues, site: str, first: LesionLink | None, link: LesionLink
) -> dict[Parameter, Figure | Missing]:
    after = _area(link)
    before = Missing(reason=NotDone.NO_BASELINE) if first is None else _area(first)
    if isinstance(before, Missing):
        reason = NotDone.LESION_NEW if before.reason is NotDone.LESION_ABSENT else NotDone.NO_BASELINE
        return dict.fromkeys(_COMPARED, Missing(reason=reason, detail=before.detail))
    if isinstance(after, Missing):
        return dict.fromkeys(_COMPARED, after)
    gap = UncertaintyGap.NOT_ESTIMATED
    change = after.value - before.value
    percent: Figure | Missing = Missing(reason=NotDone.BASELINE_ZERO)
    if before.value > 0:
        percent = Figure(value=100.0 * (change / before.value), u_reason=gap)
    lengths = (_perimeters(subject, site, first), _perimeters(subject, site, link))
    return {
        Parameter.CHANGE: Figure(value=change, u_reason=gap),
        Parameter.CHANGE_PERCENT: percent,
        Parameter.MARGIN_ADVANCE: (
            Missing(reason=NotDone.NOT_TRACKED, detail="labels of other photos")
            if lengths[0] is None or lengths[1] is None
            else margin_advance((before.value, after.value), [*lengths[0], *lengths[1]])
        ),
    }


def _perimeters(subject: SubjectValues, site: str, link: LesionLink | None) -> list[float] | None:
    """Return the perimeters of a link's lesions; None where the best photo has no such labels."""
    value = Missing(reason=NotDone.NO_BASELINE) if link is None else subject.values[site, link.visit]
    if link is None or isinstance(value, Missing):
        return None
    by_label = {lesion.label: lesion.perimeter_mm for lesion in value.lesions}
    if not set(link.labels) <= set(by_label):
        return None
    return [by_label[label] for label in link.labels]
