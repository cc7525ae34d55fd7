"""Endpoints: from scored sites and visits to the numbers that a trial reports, or the reasons why there are none."""

from oral_lesion.endpoint.replicates import counted_photos, files_at_several_sites
from oral_lesion.endpoint.settings import EndpointSettings, RepeatabilityPoint, ScheduledVisit
from oral_lesion.endpoint.strata import read_strata_header, tells_treatment
from oral_lesion.endpoint.study import study_endpoints

__all__ = [
    "EndpointSettings",
    "RepeatabilityPoint",
    "ScheduledVisit",
    "counted_photos",
    "files_at_several_sites",
    "read_strata_header",
    "study_endpoints",
    "tells_treatment",
]
