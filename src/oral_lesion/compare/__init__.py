"""Compare: align the photos of a site over its visits, follow its lesions, and say by how much its area changed."""

from oral_lesion.compare.change import compare_areas, is_same_photo, repeatability_mm2, u_change_mm2
from oral_lesion.compare.follow import FollowedSite, follow_lesions
from oral_lesion.compare.link import link_lesions
from oral_lesion.compare.mapping import compose, identity_registration, map_to_baseline, warp_to_baseline
from oral_lesion.compare.register import register
from oral_lesion.compare.settings import ChangeSettings, ComparisonSettings, LinkSettings, RegistrationSettings
from oral_lesion.compare.site import (
    label_lesions,
    lay_over_reference,
    may_be_mirrored,
    not_assessed,
    register_visits,
)

__all__ = [
    "ChangeSettings",
    "ComparisonSettings",
    "FollowedSite",
    "LinkSettings",
    "RegistrationSettings",
    "compare_areas",
    "compose",
    "follow_lesions",
    "identity_registration",
    "is_same_photo",
    "label_lesions",
    "lay_over_reference",
    "link_lesions",
    "map_to_baseline",
    "may_be_mirrored",
    "not_assessed",
    "register",
    "register_visits",
    "repeatability_mm2",
    "u_change_mm2",
    "warp_to_baseline",
]
