"""Records that endpoints are computed from, built by hand."""

import hashlib
import math

from oral_lesion.endpoint import EndpointSettings
from oral_lesion.records import LesionSize, Mirror, Parameter, ScoredPhoto, SiteVisit, Visit

SCHEDULE = (("week-00", 0), ("week-02", 14), ("week-04", 28))
SETTINGS = {
    "baseline_visit": "week-00",
    "visits": [
        {"name": name, "study_day": day, "window_before_days": 3, "window_after_days": 3} for name, day in SCHEDULE
    ],
    "days": "actual",
    "sites": ["buccal-left", "palate-soft"],
    "min_compared_sites_ratio": 0.5,
    "replicate_rule": "best-quality",
    "mirror_rule": "prefer-direct",
    "boundary_correlation": 0.5,
    "repeatability": [{"area_mm2": 10.0, "rc_mm2": 2.0}, {"area_mm2": 100.0, "rc_mm2": 8.0}],
    "responder_reduction_percent": 50.0,
    "healed_below_mm2": 1.0,
    "healing": "first",
    "max_missing_visits": 1,
    "strata": ["pemphigus_type"],
}


def settings_of(**changes):
    return EndpointSettings.model_validate(SETTINGS | changes)


def circles(*areas_mm2, at_edge=False):
    ordered = sorted(areas_mm2, reverse=True)
    return tuple(
        LesionSize(label=label, area_mm2=area, perimeter_mm=2 * math.sqrt(math.pi * area), at_edge=at_edge)
        for label, area in enumerate(ordered, start=1)
    )


def photo_of(photo_id, *areas_mm2, refusal=None, u_scale=0.0, u_boundary=0.0, used=0.5, **others):
    scored = refusal is None
    found = scored and math.fsum(areas_mm2) > 0
    return ScoredPhoto(
        photo_id=photo_id,
        sha256=others.pop("sha256", hashlib.sha256(photo_id.encode()).hexdigest()),
        refusal=refusal,
        area_mm2=math.fsum(areas_mm2) if scored else None,
        u_scale_mm2=u_scale if found else None,
        u_boundary_mm2=u_boundary if found else None,
        lesions=circles(*areas_mm2, at_edge=others.pop("at_edge", False)) if scored else (),
        nearest_limit_used=used,
        mirror=others.pop("mirror", Mirror.DIRECT),
        **others,
    )


def site_visit_of(visit, *photos, site="buccal-left", day="scheduled", subject="S01"):
    study_day = dict(SCHEDULE).get(visit) if day == "scheduled" else day
    return SiteVisit(subject_id=subject, site=site, visit=Visit(name=visit), study_day=study_day, photos=photos)


def site_history(site, *areas, subject="S01"):
    """Return a site's visits in the order of the schedule; None: no photo; a Reason: refused; numbers: an area."""
    visits = []
    for (visit, _), area in zip(SCHEDULE, areas, strict=True):
        if area is None:
            continue
        name = f"{subject}-{site}-{visit}"
        if isinstance(area, str):
            photo = photo_of(name, refusal=area)
        else:
            lesions = area if isinstance(area, tuple) else (area,) if area else ()
            photo = photo_of(name, *lesions)
        visits.append(site_visit_of(visit, photo, site=site, subject=subject))
    return visits


def find_row(rows, parameter, site="buccal-left", visit="week-02", lesion_id=None, subject="S01"):
    found = [
        row
        for row in rows
        if (row.subject_id, row.parameter, row.site, row.visit, row.lesion_id)
        == (subject, Parameter(parameter), site, visit, lesion_id)
    ]
    (row,) = found
    return row
