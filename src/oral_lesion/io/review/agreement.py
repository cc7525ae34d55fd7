"""How far readers agree with each other, the model and themselves; final values; what is to be adjudicated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from oral_lesion._version import __version__
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, write_table
from oral_lesion.io.results_store import STORE_NAME
from oral_lesion.io.review.final import (
    ADJUDICATION_COLUMNS,
    REVIEWED_COLUMNS,
    Reviewed,
    Source,
    adjudication_rows,
    review,
    reviewed_row,
)
from oral_lesion.io.review.pairs import PAIR_COLUMNS, REPEAT, Pair, pair_rows, pairs_of
from oral_lesion.io.review.photo_reads import PhotoReads, read_photo_reads, reads_without_photo
from oral_lesion.io.review.settings import ReviewSettings
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json
from oral_lesion.numerics.agreement import (
    LimitsOfAgreement,
    icc_2_1_resampled,
    limits_of_agreement_resampled,
    repeatability_coefficient,
)
from oral_lesion.numerics.resampling import group_weights, percentile_interval, weighted_mean, weighted_median

__all__ = [
    "AGREEMENT_COLUMNS",
    "AgreementFigures",
    "Comparison",
    "ReadReview",
    "review_reads",
    "review_settings",
    "write_review",
]

AGREEMENT_COLUMNS: Columns = {
    "comparison": TEXT, "first": TEXT, "second": TEXT, "measure": TEXT, "value": 4, "low": 4, "high": 4, "unit": TEXT,
    "photos": WHOLE, "subjects": WHOLE,
}  # fmt: skip
"""Columns of the table of agreement: one row a comparison and figure."""

_RESAMPLES, _SEED = 2000, 0
_Figure = tuple[str, str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    Two readers, or a reader and the model, over all photos that both measured.

    Parameters
    ----------
    kind, first, second : str
        As for `Pair`.
    pairs : tuple of Pair
        One a photo.
    rows : tuple of mapping
        Values of `AGREEMENT_COLUMNS`.
    limits : LimitsOfAgreement or None
        Of the areas, mm², with bootstrap intervals; None below two photos.
    """

    kind: str
    first: str
    second: str
    pairs: tuple[Pair, ...]
    rows: tuple[Row, ...]
    limits: LimitsOfAgreement | None


class AgreementFigures(Protocol):
    """Draws; given by the caller, for drawing is no part of the tables."""

    def reader_agreement(self, path: Path, comparisons: Sequence[Comparison]) -> None:
        """
        Draw differences against means.

        Parameters
        ----------
        path : Path
            Of the picture.
        comparisons : sequence of Comparison
            With two photos or more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReview:
    """
    All that the reads of a study give.

    Parameters
    ----------
    limits : ReviewSettings
        Of the protocol.
    pairs : tuple of Pair
        Of all photos.
    comparisons : tuple of Comparison
        Between readers, with the model, and of repeats.
    reviewed : tuple of Reviewed
        Final value of each photo.
    without_photo : tuple of str
        Photos with reads that have no score now; no table names them.
    """

    limits: ReviewSettings
    pairs: tuple[Pair, ...]
    comparisons: tuple[Comparison, ...]
    reviewed: tuple[Reviewed, ...]
    without_photo: tuple[str, ...] = ()

    @property
    def open_photos(self) -> tuple[PhotoReads, ...]:
        """Photos that are to be adjudicated."""
        return tuple(one.reads for one in self.reviewed if one.source is Source.TO_BE_ADJUDICATED)

    def count(self, source: Source) -> int:
        """
        Return how many photos have a final value of a source.

        Parameters
        ----------
        source : Source
            Or the reason why they have none.

        Returns
        -------
        int
        """
        return sum(one.source is source for one in self.reviewed)


def review_reads(results: Path, limits: ReviewSettings) -> ReadReview:
    """
    Compare all reads of a study, and decide which values count.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    limits : ReviewSettings
        Of the protocol.

    Returns
    -------
    ReadReview

    Raises
    ------
    InputError
        Where nobody has read a photo.
    FormatError
        Where results, store or masks are missing or damaged.
    """
    of_photos = read_photo_reads(results)
    if not any(one.reads or one.adjudication for one in of_photos):
        raise InputError(f"{results / STORE_NAME}: holds no reads. Take some in with `oral-lesion review import`.")
    pairs = tuple(pairs_of(results, of_photos))
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.kind, pair.first, pair.second), []).append(pair)
    return ReadReview(
        limits=limits,
        pairs=pairs,
        comparisons=tuple(_compared(*names, tuple(members)) for names, members in sorted(groups.items())),
        reviewed=review(of_photos, pairs, limits),
        without_photo=reads_without_photo(results, of_photos),
    )


def _compared(kind: str, first: str, second: str, pairs: tuple[Pair, ...]) -> Comparison:
    areas = np.array([(pair.first_mm2, pair.second_mm2) for pair in pairs])
    dice = np.array([pair.dice for pair in pairs])
    subjects = [pair.reads.photo.stored.identity.subject_id for pair in pairs]
    once, drawn = np.ones((1, len(pairs))), group_weights(subjects, resamples=_RESAMPLES, seed=_SEED)
    several = len(set(subjects)) > 1
    rows: list[Row] = []
    found: dict[str, tuple[float, float, float]] = {}
    for measure, unit, compute in _figures(kind, areas, dice):
        value = float(compute(once)[0])
        low, high = percentile_interval(compute(drawn)) if several and np.isfinite(value) else (np.nan, np.nan)
        found[measure] = (value, low, high)
        rows.append(
            {
                "comparison": kind, "first": first, "second": second, "measure": measure, "unit": unit,
                "value": value, "low": low, "high": high, "photos": len(pairs), "subjects": len(set(subjects)),
            }
        )  # fmt: skip
    limits = _limits_of(areas, found) if len(pairs) > 1 else None
    return Comparison(kind=kind, first=first, second=second, pairs=pairs, rows=tuple(rows), limits=limits)


def _figures(kind: str, areas: NDArray[np.float64], dice: NDArray[np.float64]) -> list[_Figure]:
    """Return name, unit and function of the resamples' weights of each figure."""
    differences = areas[:, 0] - areas[:, 1]
    found: list[_Figure] = [
        ("dice-mean", "1", lambda weights: weighted_mean(dice, weights)),
        ("dice-median", "1", lambda weights: weighted_median(dice, weights)),
        ("icc-2-1", "1", lambda weights: icc_2_1_resampled(areas, weights)),
        ("bias", "mm2", lambda weights: limits_of_agreement_resampled(differences, weights)[0]),
        ("lower-limit", "mm2", lambda weights: limits_of_agreement_resampled(differences, weights)[1]),
        ("upper-limit", "mm2", lambda weights: limits_of_agreement_resampled(differences, weights)[2]),
    ]
    if kind == REPEAT:

        def within_sd(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.sqrt(weighted_mean(differences**2 / 2.0, weights)))

        found += [
            ("within-reader-sd", "mm2", within_sd),
            ("repeatability-coefficient", "mm2", lambda weights: repeatability_coefficient(1.0) * within_sd(weights)),
        ]
    return found


def _limits_of(areas: NDArray[np.float64], found: Mapping[str, tuple[float, float, float]]) -> LimitsOfAgreement:
    differences = areas[:, 0] - areas[:, 1]
    (bias, *around_bias), (lower, *around_lower), (upper, *around_upper) = (
        found[name] for name in ("bias", "lower-limit", "upper-limit")
    )
    return LimitsOfAgreement(
        n=len(differences),
        bias=bias,
        sd=float(differences.std(ddof=1)),
        lower=lower,
        upper=upper,
        bias_interval=(around_bias[0], around_bias[1]),
        lower_interval=(around_lower[0], around_lower[1]),
        upper_interval=(around_upper[0], around_upper[1]),
    )


def write_review(
    found: ReadReview, out: Path, *, results: Path, figures: AgreementFigures | None = None, overwrite: bool = False
) -> Mapping[str, Any]:
    """
    Write agreement, all pairs, the adjudication list, final values and a figure.

    Parameters
    ----------
    found : ReadReview
        Of a study.
    out : Path
        Folder that appears whole, or not at all.
    results : Path
        Of the study; `out` is to lie apart from it.
    figures : AgreementFigures or None
        What draws; None for no figure.
    overwrite : bool
        Replace an earlier review.

    Returns
    -------
    mapping
        Contents of run.json.

    Raises
    ------
    OutputError
        Where files cannot be written.
    """
    contents = {
        "schema_version": 1,
        "command": "review-agreement",
        "software": {"name": "oral-lesion", "version": __version__},
        "review": found.limits.model_dump(mode="json"),
        "resamples": _RESAMPLES,
        "seed": _SEED,
        "photos": {source.value: found.count(source) for source in Source},
        "reads_without_photo": list(found.without_photo),
    }
    with OutputFolder(out, inputs=results, overwrite=overwrite) as folder:
        agreement = [row for comparison in found.comparisons for row in comparison.rows]
        write_table(folder / "agreement.csv", AGREEMENT_COLUMNS, agreement)
        write_table(folder / "pairs.csv", PAIR_COLUMNS, pair_rows(found.pairs, found.limits))
        write_table(folder / "adjudication.csv", ADJUDICATION_COLUMNS, adjudication_rows(found.reviewed))
        write_table(folder / "reviewed.csv", REVIEWED_COLUMNS, map(reviewed_row, found.reviewed))
        drawn = [comparison for comparison in found.comparisons if comparison.limits is not None]
        if figures is not None and drawn:
            figures.reader_agreement(folder / "bland-altman.png", drawn)
        write_run_json(folder / RUN_FILE, contents)
    return contents


def review_settings(settings: Mapping[str, Any], given: ReviewSettings | None) -> ReviewSettings:
    """
    Return the limits that a study's reads go by: those of the protocol it was run with.

    Parameters
    ----------
    settings : mapping
        Protocol of the study, as its run.json states it.
    given : ReviewSettings or None
        Of a protocol named now; it can only fill what the study's lacks.

    Returns
    -------
    ReviewSettings

    Raises
    ------
    InputError
        Where both differ, or there is neither.
    FormatError
        Where the study's are not as this version writes them.
    """
    stated = settings.get("review")
    if stated is None and given is None:
        raise InputError(
            "The study's protocol has no section [review]: name one that has, with --protocol (docs/review.md)."
        )
    try:
        of_study = given if stated is None else ReviewSettings.model_validate(stated)
    except ValueError as error:
        raise FormatError(f"{RUN_FILE}: its section [review] cannot be read ({error}). Run the study again.") from error
    if of_study is None or (given is not None and given != of_study):
        raise InputError(
            "--protocol: its section [review] is not that of the study, whose limits are fixed. Leave it out."
        )
    return of_study
