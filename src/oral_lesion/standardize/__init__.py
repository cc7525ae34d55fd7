"""Find and read the colour card; bring the photo to a fixed scale and to standard colour."""

from oral_lesion.standardize.quality import measure_quality, require_quality
from oral_lesion.standardize.reading import read_card
from oral_lesion.standardize.stage import require_acceptable, standardize

__all__ = ["measure_quality", "read_card", "require_acceptable", "require_quality", "standardize"]
