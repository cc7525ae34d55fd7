"""The columns of a study's tables are pinned, and each has its place in the docs."""

from pathlib import Path

import pytest

from oral_lesion.io.change_tables import change_columns, lesion_columns
from oral_lesion.io.endpoint_tables import endpoint_columns

DOCS = Path(__file__).parents[3] / "docs"
CHANGES = (
    "subject,centre,site,baseline_visit,visit,baseline_photos,photos,baseline_area_mm2,u_baseline_area_mm2,area_mm2,"
    "u_area_mm2,change_mm2,u_change_mm2,change_percent,u_change_percent,u_reason,repeatability_mm2,exceeds_repeatability,"
    "not_done_reason,detail,days,flags,notes,same_photo_as,registration,registration_failure,registration_observed,"
    "registration_limit,inliers,residual_mm,overlap_percent,correlation"
)
LESIONS = "subject,centre,site,lesion,visit,state,area_mm2,into,labels,photo_id"
ENDPOINTS = "subject,site,visit,parameter,value,unit,not_done_reason,u,u_reason,detail,notes,centre,lesion"


@pytest.mark.parametrize(
    ("columns", "pinned"),
    [(change_columns, CHANGES), (lesion_columns, LESIONS), (endpoint_columns, ENDPOINTS)],
)
def test_columns_are_pinned_with_the_strata_among_them(columns, pinned):
    assert ",".join(columns(("centre",))) == pinned


def test_each_column_is_explained():
    formats = (DOCS / "file-formats.md").read_text(encoding="utf-8")
    for column in {*change_columns(()), *lesion_columns(())} - {"u_baseline_area_mm2", "u_area_mm2"}:
        assert f"`{column}`" in formats, column
    endpoints = (DOCS / "endpoints.md").read_text(encoding="utf-8")
    for column in endpoint_columns(()):
        assert column in endpoints, column
