import numpy as np
import pytest

from oral_lesion.evaluation.counts import PictureCounts
from oral_lesion.numerics.overlap import LesionMatches


@pytest.fixture
def counted():
    """Make counts by hand: (true, predicted, overlap) pixels of 10 000."""

    def make(picture_id, true_px, predicted_px, overlap_px, **others):
        fields = {
            "group": picture_id,
            "split": "val",
            "longer_side_px": 512,
            "mm_per_px": None,
            "counted_px": 10_000,
            "ignored_px": 0,
            "surface_agreement": 0.5,
            "hausdorff_px": 4.0 if true_px and predicted_px else float("nan"),
            "lesions": LesionMatches(
                true=int(true_px > 0), predicted=int(predicted_px > 0), matched=int(overlap_px > 0)
            ),
            "fired": predicted_px >= 30,
            "calibration": np.array([[9000.0, 1000.0], [900.0, 800.0], [0.0, float(true_px)]]),
            "squared_error": 50.0,
            **others,
        }
        return PictureCounts(
            picture_id=picture_id, true_px=true_px, predicted_px=predicted_px, overlap_px=overlap_px, **fields
        )

    return make
