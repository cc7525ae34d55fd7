"""changes.csv by site and follow-up, lesions_over_time.csv by lesion and visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oral_lesion.endpoint.estimates import Missing
from oral_lesion.endpoint.repeatability import repeatability_coefficient_mm2
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.site import site_endpoints
from oral_lesion.endpoint.subject_values import UNKNOWN_SITE, SubjectValues
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, Value
from oral_lesion.io.site_histories import SiteHistory
from oral_lesion.records import ChangeFlag, EndpointRow, NotDone, Parameter, Registration, UncertaintyGap

__all__ = ["change_columns", "change_rows", "lesion_columns", "lesion_rows"]

_CHANGE: Columns = {
    "site": TEXT, "baseline_visit": TEXT, "visit": TEXT, "baseline_photos": TEXT, "photos": TEXT,
    "baseline_area_mm2": 3, "u_baseline_area_mm2": 3, "area_mm2": 3, "u_area_mm2": 3, "change_mm2": 3,
    "u_change_mm2": 3, "change_percent": 3, "u_change_percent": 3, "u_reason": TEXT, "repeatability_mm2": 3,
    "exceeds_repeatability": WHOLE, "not_done_reason": TEXT, "detail": TEXT, "days": WHOLE, "flags": TEXT,
    "notes": TEXT, "same_photo_as": TEXT, "registration": TEXT, "registration_failure": TEXT,
    "registration_observed": 3, "registration_limit": 3, "inliers": WHOLE, "residual_mm": 3, "overlap_percent": 1,
    "correlation": 3,
}  # fmt: skip

_LESION: Columns = {
    "site": TEXT, "lesion": TEXT, "visit": TEXT, "state": TEXT, "area_mm2": 3, "into": TEXT, "labels": TEXT,
    "photo_id": TEXT,
}  # fmt: skip


def change_columns(strata: Sequence[str]) -> Columns:
    """
    Return the columns of changes.csv.

    Parameters
    ----------
    strata : sequence of str
        The protocol's.

    Returns
    -------
    mapping
        Names and kinds, in order.
    """
    return {"subject": TEXT, **dict.fromkeys(strata, TEXT), **_CHANGE}


def lesion_columns(strata: Sequence[str]) -> Columns:
    """
    Return the columns of lesions_over_time.csv.

    Parameters
    ----------
    strata : sequence of str
        The protocol's.

    Returns
    -------
    mapping
        Names and kinds, in order.
    """
    return {"subject": TEXT, **dict.fromkeys(strata, TEXT), **_LESION}


def change_rows(subject: SubjectValues, histories: Iterable[SiteHistory]) -> list[Row]:
    """
    Return the rows of changes.csv of one subject: each site at each follow-up.

    Parameters
    ----------
    subject : SubjectValues
        Areas, or the reasons why there are none.
    histories : iterable of SiteHistory
        Of the sites that were photographed.

    Returns
    -------
    list of mapping
        By site and visit, in the protocol's order.
    """
    by_site = {history.site: history for history in histories}
    rows: list[Row] = []
    for site in subject.sites:
        if site == UNKNOWN_SITE:
            continue
        # The endpoints' own rows: a change in this table is the one in endpoints.csv, to the last bit.
        none = Missing(reason=NotDone.NOT_TRACKED)
        stated = site_endpoints(subject, site, dict.fromkeys(subject.visits, none))
        for visit in subject.visits:
            if subject.is_follow_up(visit):
                of_visit = {row.parameter: row for row in stated if row.visit == visit}
                rows.append(_change_row(subject, (site, visit), of_visit, by_site.get(site)))
    return rows


def lesion_rows(history: SiteHistory, strata: Sequence[tuple[str, str | None]]) -> list[Row]:
    """
    Return the rows of lesions_over_time.csv of one site: each lesion at each visit.

    Parameters
    ----------
    history : SiteHistory
        Of the site.
    strata : sequence of (str, str or None)
        Of the subject.

    Returns
    -------
    list of mapping
        By lesion and visit.
    """
    return [
        {
            "subject": history.subject_id,
            **dict(strata),
            "site": track.site,
            "lesion": track.lesion_id,
            "visit": link.visit,
            "state": link.state.value,
            "area_mm2": link.area_mm2,
            "into": link.into,
            "labels": " ".join(str(label) for label in link.labels) or None,
            "photo_id": None if photo is None else photo.identity.photo_id,
        }
        for track in history.tracks or ()
        for link, photo in zip(track.links, history.photos, strict=True)
    ]


def _change_row(
    subject: SubjectValues, place: tuple[str, str], stated: dict[Parameter, EndpointRow], history: SiteHistory | None
) -> Row:
    site, visit = place
    first = subject.values[site, subject.settings.baseline_visit]
    then = subject.values[site, visit]
    change, percent = stated[Parameter.CHANGE], stated[Parameter.CHANGE_PERCENT]
    exceeds = stated[Parameter.EXCEEDS_REPEATABILITY].value
    days = subject.days_since_baseline(site, visit)
    registration = None if history is None else history.registration(visit)
    nothing_found = any(isinstance(value, SiteValue) and value.area.value_mm2 == 0 for value in (first, then))
    row: dict[str, Value] = dict.fromkeys(change_columns([name for name, _ in subject.strata]))
    return row | {
        "subject": subject.subject_id,
        **dict(subject.strata),
        "site": site,
        "baseline_visit": subject.settings.baseline_visit,
        "visit": visit,
        **_of_value(first, "baseline_"),
        **_of_value(then, ""),
        "change_mm2": change.value,
        "u_change_mm2": change.u,
        "change_percent": percent.value,
        "u_change_percent": percent.u,
        "u_reason": UncertaintyGap.ZERO_AREA.value if nothing_found else None,
        "repeatability_mm2": _repeatability_of(subject, first, then) if change.value is not None else None,
        "exceeds_repeatability": None if exceeds is None else int(exceeds),
        "not_done_reason": None if change.not_done_reason is None else change.not_done_reason.value,
        "detail": change.detail,
        "days": days if isinstance(days, int) else None,
        "flags": " ".join(_flags_of(history, visit, first, change)),
        "notes": " ".join(change.notes),
        "same_photo_as": None if history is None else history.same_photo_as(visit),
        **_of_registration(registration, is_reference=history is not None and history.reference_visit == visit),
    }


def _of_value(value: SiteValue | Missing, prefix: str) -> dict[str, Value]:
    if isinstance(value, Missing):
        return {}
    # An area of 0 has no uncertainty: the chance of a missed lesion is not in it.
    u_mm2 = value.area.u_mm2 if value.area.value_mm2 > 0 else None
    return {
        f"{prefix}photos": " ".join(photo.photo_id for photo in value.photos),
        f"{prefix}area_mm2": value.area.value_mm2,
        f"u_{prefix}area_mm2": u_mm2,
    }


def _repeatability_of(subject: SubjectValues, first: SiteValue | Missing, then: SiteValue | Missing) -> float | None:
    if isinstance(first, Missing) or isinstance(then, Missing):
        return None
    mean_mm2 = (first.area.value_mm2 + then.area.value_mm2) / 2.0
    found = repeatability_coefficient_mm2(subject.settings.repeatability, mean_mm2)
    return None if isinstance(found, Missing) else found


def _flags_of(
    history: SiteHistory | None, visit: str, first: SiteValue | Missing, change: EndpointRow
) -> list[ChangeFlag]:
    flags = set()
    registration = None if history is None else history.registration(visit)
    if registration is not None and not registration.registered:
        flags.add(ChangeFlag.NOT_REGISTERED)
    if registration is not None and registration.registered and registration.mirrored:
        flags.add(ChangeFlag.MIRRORED_PAIR)
    if change.not_done_reason is NotDone.SAME_PHOTO or (history is not None and history.same_photo_as(visit)):
        flags.add(ChangeFlag.SAME_PHOTO)
    if isinstance(first, SiteValue) and first.area.value_mm2 == 0:
        flags.add(ChangeFlag.BASELINE_ZERO)
    return sorted(flags)


def _of_registration(registration: Registration | None, *, is_reference: bool) -> dict[str, Value]:
    if registration is None:
        return {}
    if is_reference:  # aligned to itself, which says nothing of how well
        return {"registration": "reference"}
    overlap = registration.overlap_fraction
    return {
        "registration": registration.quality.value,
        "registration_failure": None if registration.failure is None else registration.failure.value,
        "registration_observed": registration.observed,
        "registration_limit": registration.limit,
        "inliers": registration.inliers,
        "residual_mm": registration.residual_mm,
        "overlap_percent": None if overlap is None else 100.0 * overlap,
        "correlation": registration.correlation,
    }
