"""From another tool's labels to a data set: one bad picture does not stop the rest."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.coco import read_coco
from oral_lesion.adapters.annotations.cvat import read_cvat
from oral_lesion.adapters.annotations.folders import read_folders
from oral_lesion.adapters.annotations.import_settings import AnnotationFormat, ClassPlan, ImportSettings
from oral_lesion.adapters.annotations.labelme import read_labelme
from oral_lesion.adapters.annotations.raster import paint_region
from oral_lesion.adapters.annotations.records import Annotations, PictureLabels
from oral_lesion.adapters.annotations.via import read_via
from oral_lesion.errors import FormatError, InputError, Refused
from oral_lesion.io.csv_tables import TEXT, write_table
from oral_lesion.io.datasets.clean_pixels import clean_picture
from oral_lesion.io.datasets.dataset import DataSetSettings
from oral_lesion.io.datasets.photo_table import OPTIONAL_COLUMNS, REQUIRED_COLUMNS, read_csv_cells
from oral_lesion.io.datasets.pictures import IGNORE_VALUE, LESION_VALUE
from oral_lesion.io.datasets.splits import assign_splits_by_group
from oral_lesion.io.datasets.writer import EntryNames, WrittenPicture, write_dataset_tables, write_picture
from oral_lesion.io.naming import printable
from oral_lesion.io.photos import read_file
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json

__all__ = ["REPORT_FILE", "ImportOutcome", "ImportRow", "import_dataset", "read_annotations"]

REPORT_FILE = "import-report.csv"

_REPORT_COLUMNS = {"file": TEXT, "outcome": TEXT, "what": TEXT}
_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """
    One thing that was left out.

    Parameters
    ----------
    file : str
        Of the picture.
    outcome : str
        ``"left-out"``: the picture; ``"taken"``: the picture is there, without what `what` tells.
    what : str
        What and why.
    """

    file: str
    outcome: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """
    What became of an import.

    Parameters
    ----------
    pictures : tuple of WrittenPicture
        That were taken.
    rows : tuple of ImportRow
        What was left out.
    """

    pictures: tuple[WrittenPicture, ...]
    rows: tuple[ImportRow, ...]


def import_dataset(settings: ImportSettings, out: Path, *, overwrite: bool = False) -> ImportOutcome:
    """
    Read labels of another tool and write them, with their pictures, as a data set.

    Parameters
    ----------
    settings : ImportSettings
        What to read and how.
    out : Path
        Folder of the data set; it appears whole or not at all.
    overwrite : bool
        Replace a data set that was imported before.

    Returns
    -------
    ImportOutcome

    Raises
    ------
    FormatError
        Where the labels cannot be read at all.
    InputError
        Where a class is there that was not named or the other way round, or no picture is left.
    SettingsError
        Where the table has faults.
    OutputError
        Where the folder cannot be written.
    """
    with OutputFolder(out, inputs=_pictures_folder(settings), overwrite=overwrite) as folder:
        annotations = _with_table(read_annotations(settings), settings)
        _require_known_classes(annotations, settings)
        rows = [ImportRow(file=lost.file, outcome="left-out", what=lost.why) for lost in annotations.left_out]
        written = list(_written(annotations, settings, folder, rows))
        if not written:
            reasons = "\n".join(f"  {row.file}: {row.what}" for row in rows[:_FEW])
            raise InputError(f"{settings.source}: no picture could be taken. The first reasons:\n{reasons}")
        written = _divided(written, settings)
        rows.sort(key=lambda row: (row.file, row.outcome, row.what))
        write_dataset_tables(folder, _dataset_settings(settings), written)
        write_table(folder / REPORT_FILE, _REPORT_COLUMNS, [dataclasses.asdict(row) for row in rows])
        write_run_json(folder / RUN_FILE, _run_of(settings, written, rows))
    return ImportOutcome(pictures=tuple(written), rows=tuple(rows))


def read_annotations(settings: ImportSettings) -> Annotations:
    """
    Read the labels that an import names.

    Parameters
    ----------
    settings : ImportSettings
        What to read.

    Returns
    -------
    Annotations

    Raises
    ------
    FormatError
        Where they cannot be read at all.
    """
    source = settings.source
    readers: dict[AnnotationFormat, Callable[[], Annotations]] = {
        AnnotationFormat.COCO: lambda: read_coco(source),
        AnnotationFormat.LABELME: lambda: read_labelme(source),
        AnnotationFormat.VIA: lambda: read_via(source, class_attribute=settings.class_attribute),
        AnnotationFormat.CVAT: lambda: read_cvat(source),
        AnnotationFormat.FOLDERS: lambda: read_folders(_pictures_folder(settings), source / "masks"),
    }
    return readers[settings.format]()


def _pictures_folder(settings: ImportSettings) -> Path:
    if settings.pictures is not None:
        return settings.pictures
    if settings.format is AnnotationFormat.FOLDERS:
        return settings.source / "images"
    return settings.source if settings.source.is_dir() else settings.source.parent


def _with_table(annotations: Annotations, settings: ImportSettings) -> Annotations:
    """Return the labels with the table's cells as attributes; a row is found by the path or its last part."""
    if settings.table is None:
        return annotations
    columns, rows = read_csv_cells(settings.table)
    if "file" not in columns:
        raise InputError(f"{settings.table}: expected the column file, got {', '.join(columns)}")
    by_file = {row.cells["file"].replace("\\", "/"): row.cells for row in rows}
    last_parts = Counter(PurePosixPath(file).name for file in by_file)
    by_last_part = {
        PurePosixPath(file).name: cells for file, cells in by_file.items() if last_parts[PurePosixPath(file).name] == 1
    }
    pictures = []
    for picture in annotations.pictures:
        cells = by_file.get(picture.file) or by_last_part.get(PurePosixPath(picture.file).name, {})
        further = {name: value for name, value in cells.items() if name not in {"file", "mask"}}
        pictures.append(dataclasses.replace(picture, attributes={**picture.attributes, **further}))
    return dataclasses.replace(annotations, pictures=tuple(pictures))


def _require_known_classes(annotations: Annotations, settings: ImportSettings) -> None:
    found = Counter(region.class_name for picture in annotations.pictures for region in picture.regions)
    plan = settings.classes
    named = {*plan.lesion, *plan.ignored, *plan.other}
    grey_values = settings.format is AnnotationFormat.FOLDERS  # an odd value is that one mask's fault
    unknown = [] if grey_values else sorted(set(found) - named)
    without_area = {name for picture in annotations.pictures for name, _ in picture.without_area}
    absent = [] if grey_values else sorted(named - set(found) - without_area)
    if not (unknown or absent):
        return
    listed = ", ".join(f"{name} ({count} regions)" for name, count in sorted(found.items())) or "none"
    faults = [f"not named: {', '.join(unknown)}"] if unknown else []
    faults += [f"named but not there: {', '.join(absent)}"] if absent else []
    raise InputError(
        f"{settings.source}: classes {'; '.join(faults)}. There are: {listed}. "
        "Name each with --lesion-class, --ignore-class or --other-class"
    )


def _written(
    annotations: Annotations, settings: ImportSettings, folder: Path, rows: list[ImportRow]
) -> Iterator[WrittenPicture]:
    names = EntryNames()
    seen: set[str] = set()
    for picture in annotations.pictures:
        try:
            if picture.file in seen:
                raise FormatError("is there twice; join its labels in the tool")  # noqa: TRY301 - one road for all faults
            written, notes = _written_picture(picture, settings, folder, names)
        except FormatError as error:
            rows.append(ImportRow(file=picture.file, outcome="left-out", what=str(error)))
            continue
        seen.add(picture.file)
        rows.extend(ImportRow(file=picture.file, outcome="taken", what=note) for note in notes)
        yield written


def _written_picture(
    picture: PictureLabels, settings: ImportSettings, folder: Path, names: EntryNames
) -> tuple[WrittenPicture, list[str]]:
    group = settings.group.group_of(picture)
    attribute = settings.split.attribute
    if attribute is not None and attribute not in picture.attributes:
        raise FormatError(f"no split: it has no attribute {attribute!r}; correct the rule or the labels")
    further = _further(picture, settings)
    suffix, content, srgb = _clean(picture, settings)
    height, width = srgb.shape[:2]
    if picture.size_px not in {None, (width, height)}:
        turned = " before its EXIF turn" if picture.size_px == (height, width) else ""
        noted = "×".join(map(str, picture.size_px or ()))
        raise FormatError(f"was labelled at {noted} px{turned}, is {width}×{height} px upright; label it as it is")
    labels, notes = _painted(picture, settings.classes, (height, width))
    named = picture.attributes.get("id", "") if settings.table is not None else ""
    picture_id = names.take(named or PurePosixPath(picture.file).stem)
    written = write_picture(folder, picture_id, (suffix, content), labels)
    split = picture.attributes[attribute].strip() if attribute is not None else ""
    return dataclasses.replace(written, group=group, split=split, further=further), notes


def _further(picture: PictureLabels, settings: ImportSettings) -> dict[str, str]:
    wanted = (*OPTIONAL_COLUMNS, *(column for column in settings.columns if column not in REQUIRED_COLUMNS))
    further = {column: picture.attributes[column].strip() for column in wanted if column in picture.attributes}
    for column, lowest in (("weight", 0.0), ("mm_per_px", 1e-9)):
        text = further.get(column, "")
        try:
            fits = not text or lowest <= float(text) < float("inf")
        except ValueError:
            fits = False
        if not fits:
            raise FormatError(f"{column}: expected a number above 0, got {text[:40]!r}")
    return further


def _clean(picture: PictureLabels, settings: ImportSettings) -> tuple[str, bytes, NDArray[np.uint8]]:
    folder = _pictures_folder(settings)
    try:
        try:
            return clean_picture(read_file(folder / picture.file, folder=folder))
        except Refused:
            if picture.embedded is None:
                raise
            return clean_picture(picture.embedded)
    except Refused as refused:
        raise FormatError(f"the picture {refused.refusal.detail}") from refused


def _painted(picture: PictureLabels, plan: ClassPlan, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the mask, lesions above what is ignored, and what could not be drawn."""
    labels = np.zeros(shape, dtype=np.uint8)
    notes = [f"{name}: {kind}, which has no area" for name, kind in picture.without_area]
    lost = [note for note, (name, _) in zip(notes, picture.without_area, strict=True) if name in plan.lesion]
    if lost:
        raise FormatError(f"{lost[0]}; outline the lesion: without it the picture would count as free of it")
    unknown = sorted({region.class_name for region in picture.regions} - {*plan.lesion, *plan.ignored, *plan.other})
    if unknown:
        raise FormatError(f"its mask holds the values {', '.join(unknown)}; name or threshold them")
    for value in (IGNORE_VALUE, LESION_VALUE):
        for region in picture.regions:
            lesion = region.class_name in plan.lesion and not region.crowd
            drawn = LESION_VALUE if lesion else IGNORE_VALUE
            if region.class_name in plan.other or drawn != value:
                continue
            if paint_region(labels, region, value) == 0:
                notes.append(f"{region.class_name}: a region that covers no pixel of the picture")
    expected = any(region.class_name in plan.lesion and not region.crowd for region in picture.regions)
    if expected and not (labels == LESION_VALUE).any():
        raise FormatError("its lesions cover no pixel of the picture; were they drawn on another one?")
    return labels, notes


def _divided(written: list[WrittenPicture], settings: ImportSettings) -> list[WrittenPicture]:
    split = settings.split
    if split.rule != "group":
        return written
    groups = [picture.group for picture in written]
    splits = assign_splits_by_group(groups, validation_fraction=split.validation_fraction, seed=split.seed)
    return [dataclasses.replace(picture, split=splits[picture.group]) for picture in written]


def _dataset_settings(settings: ImportSettings) -> DataSetSettings:
    split = settings.split
    drawn = split.rule == "group"
    return DataSetSettings(
        name=printable(settings.name),
        licence=printable(settings.licence),
        source=printable(settings.origin),
        classes=_class_names(settings.classes.lesion, settings.format),
        ignored_classes=_class_names(settings.classes.ignored, settings.format),
        split_rule="group" if drawn else "none" if split.rule == "none" else "given",
        validation_fraction=split.validation_fraction if drawn else None,
        split_seed=split.seed if drawn else None,
    )


def _class_names(classes: tuple[str, ...], labels: AnnotationFormat) -> tuple[str, ...]:
    grey = "grey value " if labels is AnnotationFormat.FOLDERS else ""
    return tuple(grey + printable(name) for name in classes)


def _run_of(settings: ImportSettings, written: list[WrittenPicture], rows: list[ImportRow]) -> dict[str, object]:
    return {
        "command": "data import",
        "format": settings.format.value,
        "classes": {key: list(value) for key, value in dataclasses.asdict(settings.classes).items()},
        "group": settings.group.text,
        "split": dataclasses.asdict(settings.split),
        "pictures": len(written),
        "pictures_with_mask": sum(bool(picture.mask) for picture in written),
        "groups": len({picture.group for picture in written}),
        "left_out": sum(row.outcome == "left-out" for row in rows),
    }
