"""Codes in tables are for ever, and each has its place in the docs."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

from oral_lesion.compare import LinkSettings, RegistrationSettings, identity_registration
from oral_lesion.errors import InputError
from oral_lesion.records import ChangeFlag, LesionState, RegistrationFailure, RegistrationQuality

DOCS = Path(__file__).parents[3] / "docs" / "change.md"


def test_the_codes_are_pinned_and_explained():
    assert {flag.value for flag in ChangeFlag} == {"same-photo", "not-registered", "baseline-zero", "mirrored-pair"}
    assert {quality.value for quality in RegistrationQuality} == {"good", "fair", "failed"}
    assert {state.value for state in LesionState} == {
        "first-seen", "new", "persistent", "healed", "merged", "split", "absent", "not-in-view", "not-assessed",
    }  # fmt: skip
    assert {failure.value for failure in RegistrationFailure} == {
        "few-features", "few-inliers", "inliers-clustered", "scale-implausible", "shear-implausible", "residual-large",
        "overlap-small", "pictures-differ",
    }  # fmt: skip
    text = DOCS.read_text(encoding="utf-8")
    for code in (*ChangeFlag, *LesionState, *RegistrationFailure):
        assert f"`{code}`" in text, code


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])  # noqa: S301
def test_a_registration_survives_a_copy(copied):
    again = copied(identity_registration())
    np.testing.assert_array_equal(again.baseline_xy_from_follow_up_xy, np.eye(3))
    with pytest.raises(ValueError, match="read-only"):
        again.baseline_xy_from_follow_up_xy[0, 0] = 2


@pytest.mark.parametrize(
    ("settings", "fields"),
    [(RegistrationSettings, {"min_inliers": -1}), (LinkSettings, {"max_gap_mm": float("nan")})],
)
def test_settings_out_of_range_are_input_errors(settings, fields):
    with pytest.raises(InputError, match=next(iter(fields))):
        settings(**fields)
