"""Cross-validation: a run a fold, and one table of what each found on the pictures that it had not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lightning_fabric import Fabric

from oral_lesion.errors import InputError
from oral_lesion.io.csv_tables import WHOLE, Row, read_table
from oral_lesion.training.checkpoint import CHECKPOINT_NAME
from oral_lesion.training.fit import fit
from oral_lesion.training.run import FitOptions, FitProgress, open_fabric
from oral_lesion.training.settings import TrainingSettings, ValidationSettings
from oral_lesion.training.validation import JUDGED_COLUMNS, VALIDATION_NAME, write_table_whole

__all__ = ["CROSS_VALIDATION_NAME", "cross_validate", "settings_of_fold"]

CROSS_VALIDATION_NAME = "cross_validation.csv"


def settings_of_fold(settings: TrainingSettings, *, folds: int, fold: int) -> TrainingSettings:
    """
    Return the settings of the run that holds out one fold.

    Parameters
    ----------
    settings : TrainingSettings
        The training file.
    folds, fold : int
        Number of folds, and the one that is held out, from 1.

    Returns
    -------
    TrainingSettings
        With that fold in place of what the file holds out.

    Raises
    ------
    InputError
        There is no such fold.
    """
    if folds < 2 or not 1 <= fold <= folds:
        raise InputError(f"fold: expected 1 to the number of folds, which is 2 or more; got {fold} of {folds}")
    rules = settings.validation.model_dump() | {"fraction": 0.0, "folds": folds, "fold": fold}
    return settings.model_copy(update={"validation": ValidationSettings.model_validate(rules)})


def cross_validate(
    settings: TrainingSettings,
    run_folder: Path,
    *,
    fold: int | None = None,
    options: FitOptions | None = None,
    on_progress: Callable[[FitProgress], None] | None = None,
    fabric: Fabric | None = None,
) -> Path:
    """
    Train a network for each fold, and judge it on the pictures of that fold.

    Figures are those of the last epoch's averaged weights, not of the best epoch, which would flatter them.

    Parameters
    ----------
    settings : TrainingSettings
        The training file; `validation.folds` says how many.
    run_folder : Path
        Folder for a run a fold, ``fold-1`` and so on, and cross_validation.csv.
    fold : int, optional
        Train this one alone, such as on one machine of several; the table holds the folds that are there.
    options : FitOptions, optional
        With `resume`, finished folds are kept and the others go on or begin.
    on_progress : callable, optional
        Called after every optimizer step.
    fabric : Fabric, optional
        Launched; None opens one.

    Returns
    -------
    Path
        Of cross_validation.csv.

    Raises
    ------
    InputError
        There are no folds or no such fold, there are fewer groups than folds, or a run is there already and
        `resume` is off.
    """
    options, folds = options or FitOptions(), settings.validation.folds
    each = {
        number: settings_of_fold(settings, folds=folds, fold=number)
        for number in ((fold,) if fold is not None else range(1, max(2, folds) + 1))
    }
    fabric = fabric or open_fabric(settings, options)
    for number, settings_here in each.items():
        folder = run_folder / f"fold-{number}"
        begun = options.resume and (folder / CHECKPOINT_NAME).exists()
        fit(
            settings_here,
            folder,
            options=replace(options, resume=begun),
            on_progress=on_progress,
            fabric=fabric,
        )
    path = run_folder / CROSS_VALIDATION_NAME
    if fabric.is_global_zero:
        write_table_whole(path, {"fold": WHOLE, **JUDGED_COLUMNS}, _rows(run_folder, folds))
    return path


def _rows(run_folder: Path, folds: int) -> list[Row]:
    """Return the judged pictures of all folds that are there."""
    rows: list[Row] = []
    for number in range(1, folds + 1):
        table = run_folder / f"fold-{number}" / VALIDATION_NAME
        if table.exists():
            rows += [{"fold": number, **row} for row in read_table(table, JUDGED_COLUMNS)]
    return rows
