"""Reports for people: one HTML file each, which opens offline."""

from oral_lesion.adapters.html.blinded import blinded_page
from oral_lesion.adapters.html.change import write_change_page
from oral_lesion.adapters.html.page import REPORT_FILE, write_page
from oral_lesion.adapters.html.report import write_report
from oral_lesion.adapters.html.study import SUBJECTS_FOLDER, write_study_pages
from oral_lesion.adapters.html.visit import write_visit_page

__all__ = [
    "REPORT_FILE",
    "SUBJECTS_FOLDER",
    "blinded_page",
    "write_change_page",
    "write_page",
    "write_report",
    "write_study_pages",
    "write_visit_page",
]
