"""One evaluation: models shown the pictures at each size, everything counted, figures estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oral_lesion.errors import InputError
from oral_lesion.evaluation.counts import PictureCounts, PictureModel, count_picture, predict_picture
from oral_lesion.evaluation.estimates import Estimate, SizeClass, compare_counts, estimate_measures, size_classes
from oral_lesion.evaluation.settings import EvaluationSettings
from oral_lesion.io.datasets import LabelledPicture, read_picture
from oral_lesion.records import ModelIdentity

__all__ = ["Evaluation", "Round", "evaluate_pictures"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    One model on all pictures at one size.

    Parameters
    ----------
    model : ModelIdentity
        Which.
    threshold : float
        Probability from which a pixel counted as erosion.
    longer_side_px : int or None
        Of pictures without a scale; None where every picture has one.
    counts : tuple of PictureCounts
        One a picture, sorted by its name.
    estimates : tuple of Estimate
        All figures.
    classes : tuple of SizeClass
        The same by size of the lesion; empty where the pictures are too few.
    """

    model: ModelIdentity
    threshold: float
    longer_side_px: int | None
    counts: tuple[PictureCounts, ...]
    estimates: tuple[Estimate, ...]
    classes: tuple[SizeClass, ...]

    @property
    def seen_at(self) -> str:
        """At which size the model saw the pictures, in words."""
        if self.longer_side_px is None:
            return "working resolution"
        return f"longer side {self.longer_side_px} px"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """
    All rounds of an evaluation.

    Parameters
    ----------
    settings : EvaluationSettings
        As it was told.
    rounds : tuple of Round
        Of the model, one a size.
    compared : tuple of Round
        Of the model that it is compared with, one a size; empty where there is none.
    differences : tuple of tuple of Estimate
        Figures of the model minus those of the other, one tuple a size; empty where there is none.
    """

    settings: EvaluationSettings
    rounds: tuple[Round, ...]
    compared: tuple[Round, ...] = ()
    differences: tuple[tuple[Estimate, ...], ...] = ()


def evaluate_pictures(
    model: PictureModel,
    pictures: Sequence[LabelledPicture],
    settings: EvaluationSettings,
    *,
    other: PictureModel | None = None,
    on_picture: Progress | None = None,
) -> Evaluation:
    """
    Evaluate a model on labelled pictures, and compare it with another.

    Parameters
    ----------
    model : PictureModel
        What is judged.
    pictures : sequence of LabelledPicture
        What to judge on.
    settings : EvaluationSettings
        Sizes, smallest lesion, resamples.
    other : PictureModel or None
        What it is compared with.
    on_picture : callable or None
        Takes the number of pictures done and of all.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        There is no picture, or two have the same name.
    FormatError
        A picture cannot be read.
    """
    ordered = sorted(pictures, key=lambda picture: picture.picture_id)
    if not ordered or len({picture.picture_id for picture in ordered}) < len(ordered):
        raise InputError("evaluation: expected pictures of different names, got none or two of one; correct the table")
    sides: tuple[int | None, ...] = tuple(dict.fromkeys(settings.longer_side_px))
    if all(picture.mm_per_px is not None for picture in ordered):
        sides = (None,)
    models = [model] if other is None else [model, other]
    counts: dict[tuple[int, int], list[PictureCounts]] = {}
    for done, picture in enumerate(ordered, start=1):
        srgb, labels = read_picture(picture)
        for place, shown_to in enumerate(models):
            for number, side in enumerate(sides):
                longer_side_px = None if picture.mm_per_px is not None else side
                seen = predict_picture(srgb, shown_to, longer_side_px=longer_side_px, mm_per_px=picture.mm_per_px)
                counted = count_picture(picture, labels, seen, longer_side_px=longer_side_px, settings=settings)
                counts.setdefault((place, number), []).append(counted)
        if on_picture is not None:
            on_picture(done, len(ordered))
    rounds = [
        tuple(_round(shown_to, side, counts[place, number], settings) for number, side in enumerate(sides))
        for place, shown_to in enumerate(models)
    ]
    if other is None:
        return Evaluation(settings=settings, rounds=rounds[0])
    differences = tuple(
        compare_counts(one.counts, two.counts, settings) for one, two in zip(rounds[0], rounds[1], strict=True)
    )
    return Evaluation(settings=settings, rounds=rounds[0], compared=rounds[1], differences=differences)


def _round(
    model: PictureModel, side: int | None, counts: Sequence[PictureCounts], settings: EvaluationSettings
) -> Round:
    return Round(
        model=model.identity,
        threshold=model.threshold,
        longer_side_px=side,
        counts=tuple(counts),
        estimates=estimate_measures(counts, settings),
        classes=size_classes(counts, settings),
    )
