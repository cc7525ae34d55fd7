"""Reports for people: one HTML file each, which opens offline."""

from oral_lesion.adapters.html.page import REPORT_FILE
from oral_lesion.adapters.html.visit import write_visit_page

__all__ = ["REPORT_FILE", "write_visit_page"]
