"""The part of the model card that says how the model was calibrated, and where it fails."""

from __future__ import annotations

from oral_lesion.io.bundle.calibrations import (
    BoundaryUncertainty,
    Domain,
    Int8Model,
    ProbabilityCalibration,
    ThresholdChoice,
)
from oral_lesion.io.bundle.metadata import BundleMetadata

__all__ = ["render_calibrations"]


def render_calibrations(metadata: BundleMetadata) -> str:
    """
    Return what the metadata say of calibration as a Markdown list; what was not done is said too.

    Parameters
    ----------
    metadata : BundleMetadata
        What is known of the model.

    Returns
    -------
    str
        Markdown, one entry a subject.
    """
    entries = (
        ("Probability", _probability(metadata.probability_calibration)),
        ("Threshold", _threshold(metadata.threshold, metadata.threshold_choice)),
        ("Uncertainty of the boundary", _boundary(metadata.boundary_uncertainty)),
        ("Foreign pictures", _domain(metadata.domain)),
        ("Eight-bit integers", _int8(metadata.int8)),
    )
    return "\n".join(f"- **{subject}.** {text}" for subject, text in entries)


def _probability(calibration: ProbabilityCalibration | None) -> str:
    if calibration is None:
        return "Not calibrated."
    return (
        f"Temperature {calibration.temperature:.3g}, inside model.onnx, chosen by the likelihood of the pixels of "
        f"{calibration.n} pictures ({calibration.data_set}). Negative log-likelihood "
        f"{calibration.nll_before:.4f} → {calibration.nll_after:.4f}, expected calibration error "
        f"{calibration.ece_before:.4f} → {calibration.ece_after:.4f}."
    )


def _threshold(threshold: float, choice: ThresholdChoice | None) -> str:
    if choice is None:
        return f"{threshold:g}, set by hand."
    return (
        f"{threshold:g}: {choice.rule}. On {choice.n} pictures ({choice.data_set}): Dice by image "
        f"{choice.dice_by_image:.3f} and area bias {choice.area_bias:+.1%}; at 0.5 they are "
        f"{choice.dice_by_image_at_half:.3f} and {choice.area_bias_at_half:+.1%}."
    )


def _boundary(boundary: BoundaryUncertainty | None) -> str:
    if boundary is None:
        return "The model's own, not calibrated."
    return (
        f"The model's own × {boundary.factor:.3g}, and {boundary.relative_floor:.1%} of the area in quadrature. "
        f"± 2u covers the reference area of {boundary.coverage:.1%} of {boundary.n} pictures with a lesion "
        f"({boundary.data_set}), of which {boundary.n_missed} were missed whole and cannot be covered; each picture "
        f"judged without itself: {boundary.coverage_left_out:.1%}; without calibration: "
        f"{boundary.coverage_uncalibrated:.1%}. Of all {boundary.n_of_all} pictures, those without lesion too: "
        f"{boundary.coverage_of_all:.1%}."
    )


def _domain(domain: Domain | None) -> str:
    if domain is None:
        return "The model cannot tell: no photo is flagged `out-of-domain`."
    outside = f"; other surfaces: {domain.n_outside} pictures ({domain.outside})" if domain.n_outside else ""
    checks = "".join(f"\n  - {check.data_set}: {check.flagged:.1%} of {check.n} flagged" for check in domain.checks)
    return (
        f"{domain.rule} Limits: distance {domain.distance_limit:.3g}, contrast {domain.contrast_limit:.3g}, each at "
        f"the {domain.percentile:g}th percentile of held-out mouths. Mouths: {domain.n_inside} pictures "
        f"({domain.inside}){outside}.{checks}"
    )


def _int8(int8: Int8Model | None) -> str:
    if int8 is None:
        return "Not tried."
    words = "in the bundle as model-int8.onnx" if int8.written else "not in the bundle"
    return (
        f"{int8.verdict} its gate, {words}: Dice by image lost {int8.dice_drop:+.4f} (limit {int8.max_dice_drop:g}), "
        f"area against the fp32 model {int8.area_bias:+.2%} (limit ± {int8.max_area_bias:.0%}), CPU time "
        f"{int8.speed_ratio:.2f} of the fp32 model's; on {int8.n} pictures ({int8.data_set})."
    )
