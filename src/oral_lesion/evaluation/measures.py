"""The figures: what each is, and over which pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oral_lesion.evaluation.counts import FIRING_COMPONENT_PX, PictureCounts
from oral_lesion.numerics.agreement import icc_2_1_resampled, limits_of_agreement_resampled
from oral_lesion.numerics.overlap import calibration_error, dice_coefficient, ratio
from oral_lesion.numerics.resampling import weighted_mean, weighted_median

__all__ = ["MEASURES", "Columns", "Measure", "Population"]

Weights = NDArray[np.float64]
Population = Literal["all", "pooled", "lesion", "both", "lesion-free"]
"""All pictures; all if one has a lesion; with a lesion; with a lesion and a prediction; known to be without lesion."""


@dataclass(frozen=True, slots=True)
class Columns:
    """
    Counts of many pictures, a column each.

    Parameters
    ----------
    counts : sequence of PictureCounts
        One a picture.
    in_mm : bool
        Whether lengths and areas are in mm and mm², as they are where every picture has a scale.
    """

    counts: Sequence[PictureCounts]
    in_mm: bool

    @classmethod
    def of(cls, counts: Sequence[PictureCounts]) -> Columns:
        """
        Return the columns of a whole set of pictures.

        Parameters
        ----------
        counts : sequence of PictureCounts
            One a picture.

        Returns
        -------
        Columns
            In mm where every picture has a scale.
        """
        return cls(counts, all(count.mm_per_px is not None for count in counts))

    def where(self, members: NDArray[np.bool_]) -> Columns:
        """
        Return the columns of some of the pictures, in the same units.

        Parameters
        ----------
        members : ndarray of bool, shape (pictures,)
            Which.

        Returns
        -------
        Columns
        """
        return Columns([count for count, kept in zip(self.counts, members, strict=True) if kept], self.in_mm)

    @property
    def area_unit(self) -> str:
        """Unit of areas."""
        return "mm²" if self.in_mm else "% of picture"

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(count, name) for count in self.counts], np.float64)

    def lesions(self, name: str) -> NDArray[np.float64]:
        """
        Return a column of lesion counts.

        Parameters
        ----------
        name : str
            ``"true"``, ``"predicted"`` or ``"matched"``.

        Returns
        -------
        ndarray of float64, shape (pictures,)
        """
        return np.array([getattr(count.lesions, name) for count in self.counts], np.float64)

    @property
    def hausdorff(self) -> NDArray[np.float64]:
        """Distances of the borders, in mm where every picture has a scale, else in pixels."""
        return self["hausdorff_px"] * (self["mm_per_px"] if self.in_mm else 1.0)

    def area(self, name: str) -> NDArray[np.float64]:
        """
        Return areas: in mm² where every picture has a scale, else in percent of the picture's counted pixels.

        Parameters
        ----------
        name : str
            ``"true_px"`` or ``"predicted_px"``.

        Returns
        -------
        ndarray of float64, shape (pictures,)
        """
        return self[name] * (self["mm_per_px"] ** 2 if self.in_mm else 100.0 * ratio(1.0, self["counted_px"]))

    @property
    def calibration(self) -> NDArray[np.float64]:
        """Calibration sums, shape (pictures, 3, bins)."""
        return np.stack([count.calibration for count in self.counts])

    def members(self, population: Population) -> NDArray[np.bool_]:
        """
        Return which pictures a figure is about.

        Parameters
        ----------
        population : str
            As `Population` says.

        Returns
        -------
        ndarray of bool, shape (pictures,)
        """
        true, predicted = self["true_px"] > 0, self["predicted_px"] > 0
        return {
            "all": np.ones(len(true), np.bool_),
            "pooled": np.full(len(true), true.any()),
            "lesion": true,
            "both": true & predicted,
            "lesion-free": self["lesion_free"] > 0,
        }[population]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """
    A figure.

    Parameters
    ----------
    key : str
        In summary.json.
    title : str
        For people, with the convention.
    population : str
        Over which pictures.
    compute : callable
        Takes the columns of these pictures and weights (resamples, pictures), gives (resamples,).
    unit : str
        Empty for a ratio; ``"area"`` for mm² or percent of the picture, ``"length"`` for mm or px.
    better : {"high", "low", "zero"}
        Which values are good.
    share : bool
        Whether it is a share of pictures or lesions, rather than a mean or a quotient of sums.
    """

    key: str
    title: str
    population: Population
    compute: Callable[[Columns, Weights], NDArray[np.float64]]
    unit: str = ""
    better: Literal["high", "low", "zero"] = "high"
    share: bool = False

    def unit_of(self, columns: Columns) -> str:
        """
        Return the unit on given pictures.

        Parameters
        ----------
        columns : Columns
            The pictures.

        Returns
        -------
        str
            Empty for a ratio.
        """
        return {"area": columns.area_unit, "length": "mm" if columns.in_mm else "px"}.get(self.unit, self.unit)


def _pooled(above: str, below: str) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    return lambda columns, weights: ratio(weights @ columns[above], weights @ columns[below])


def _mean_of(name: str) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    return lambda columns, weights: weighted_mean(columns[name], weights)


def _pooled_dice(columns: Columns, weights: Weights) -> NDArray[np.float64]:
    return dice_coefficient(*(weights @ columns[name] for name in ("true_px", "predicted_px", "overlap_px")))


def _pooled_iou(columns: Columns, weights: Weights) -> NDArray[np.float64]:
    dice = _pooled_dice(columns, weights)
    return dice / (2.0 - dice)


def _lesion_ratio(part: str, *wholes: str) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    def compute(columns: Columns, weights: Weights) -> NDArray[np.float64]:
        whole = sum(weights @ columns.lesions(name) for name in wholes)
        return ratio(len(wholes) * (weights @ columns.lesions(part)), whole)

    return compute


def _area_differences(columns: Columns) -> NDArray[np.float64]:
    return columns.area("predicted_px") - columns.area("true_px")


def _agreement(place: int) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    return lambda columns, weights: limits_of_agreement_resampled(_area_differences(columns), weights)[place]


def _area_icc(columns: Columns, weights: Weights) -> NDArray[np.float64]:
    return icc_2_1_resampled(np.stack([columns.area("true_px"), columns.area("predicted_px")], axis=1), weights)


def _relative_area_error(*, absolute: bool) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    def compute(columns: Columns, weights: Weights) -> NDArray[np.float64]:
        error = 100.0 * (ratio(columns["predicted_px"], columns["true_px"]) - 1.0)
        return weighted_median(np.abs(error) if absolute else error, weights)

    return compute


def _calibration(first_bin: int) -> Callable[[Columns, Weights], NDArray[np.float64]]:
    return lambda columns, weights: calibration_error(
        np.tensordot(weights, columns.calibration[:, :, first_bin:], axes=1)
    )


MEASURES: tuple[Measure, ...] = (
    Measure(
        key="dice_image_lesion",
        title="Dice, image-based mean over pictures with a lesion",
        population="lesion",
        compute=_mean_of("dice"),
    ),
    Measure(
        key="dice_image_all",
        title="Dice, image-based mean over all pictures (empty and empty is 1, empty and not empty 0)",
        population="all",
        compute=_mean_of("dice"),
    ),
    Measure(key="dice_pooled", title="Dice, pooled over all pixels", population="pooled", compute=_pooled_dice),
    Measure(
        key="iou_image_lesion",
        title="IoU, image-based mean over pictures with a lesion",
        population="lesion",
        compute=_mean_of("iou"),
    ),
    Measure(key="iou_pooled", title="IoU, pooled over all pixels", population="pooled", compute=_pooled_iou),
    Measure(
        key="precision_pooled",
        title="precision, pooled over all pixels",
        population="pooled",
        compute=_pooled("overlap_px", "predicted_px"),
    ),
    Measure(
        key="recall_pooled",
        title="recall, pooled over all pixels",
        population="pooled",
        compute=_pooled("overlap_px", "true_px"),
    ),
    Measure(
        key="precision_image_lesion",
        title="precision, image-based mean over pictures with a lesion and a prediction",
        population="both",
        compute=_mean_of("precision"),
    ),
    Measure(
        key="recall_image_lesion",
        title="recall, image-based mean over pictures with a lesion",
        population="lesion",
        compute=_mean_of("recall"),
    ),
    Measure(
        key="nsd_image_lesion",
        title="normalized surface distance at 2 px (0.25 mm with a scale), mean over pictures with a lesion",
        population="lesion",
        compute=_mean_of("surface_agreement"),
    ),
    Measure(
        key="hd95_median",
        title="Hausdorff distance, 95th percentile, median over pictures with a lesion and a prediction",
        population="both",
        compute=lambda columns, weights: weighted_median(columns.hausdorff, weights),
        unit="length",
        better="low",
    ),
    Measure(
        key="lesion_precision",
        title="lesion-wise precision (IoU of 0.1 or more)",
        population="pooled",
        compute=_lesion_ratio("matched", "predicted"),
        share=True,
    ),
    Measure(
        key="lesion_recall",
        title="lesion-wise recall (IoU of 0.1 or more)",
        population="pooled",
        compute=_lesion_ratio("matched", "true"),
        share=True,
    ),
    Measure(
        key="lesion_f1",
        title="lesion-wise F1 (IoU of 0.1 or more)",
        population="pooled",
        compute=_lesion_ratio("matched", "true", "predicted"),
    ),
    Measure(
        key="negatives_fired",
        title=f"share of lesion-free pictures with a predicted component of {FIRING_COMPONENT_PX} px or more",
        population="lesion-free",
        compute=_mean_of("fired"),
        better="low",
        share=True,
    ),
    Measure(
        key="area_bias",
        title="area, mean difference of prediction and label, pictures with a lesion",
        population="lesion",
        compute=_agreement(0),
        unit="area",
        better="zero",
    ),
    Measure(
        key="area_limit_lower",
        title="area, lower limit of agreement (95 %)",
        population="lesion",
        compute=_agreement(1),
        unit="area",
        better="zero",
    ),
    Measure(
        key="area_limit_upper",
        title="area, upper limit of agreement (95 %)",
        population="lesion",
        compute=_agreement(2),
        unit="area",
        better="zero",
    ),
    Measure(
        key="area_error_median",
        title="area, median relative error, pictures with a lesion",
        population="lesion",
        compute=_relative_area_error(absolute=False),
        unit="%",
        better="zero",
    ),
    Measure(
        key="area_error_absolute_median",
        title="area, median absolute relative error, pictures with a lesion",
        population="lesion",
        compute=_relative_area_error(absolute=True),
        unit="%",
        better="low",
    ),
    Measure(
        key="area_icc",
        title="area, ICC(2,1) of prediction and label, pictures with a lesion",
        population="lesion",
        compute=_area_icc,
    ),
    Measure(
        key="ece",
        title="expected calibration error, all pixels",
        population="all",
        compute=_calibration(0),
        better="low",
    ),
    Measure(
        key="ece_suspected",
        title="expected calibration error, pixels of probability 0.1 or more",
        population="all",
        compute=_calibration(1),
        better="low",
    ),
    Measure(
        key="brier",
        title="Brier score, mean over all pixels",
        population="all",
        compute=_pooled("squared_error", "counted_px"),
        better="low",
    ),
)
"""All figures, in the order in which they are shown."""
