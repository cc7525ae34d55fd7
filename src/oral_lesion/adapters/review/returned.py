"""Read what readers return: files of labelme, COCO or CVAT, each picture checked against the key before it is taken."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.coco import read_coco
from oral_lesion.adapters.annotations.cvat import read_cvat
from oral_lesion.adapters.annotations.labelme import picture_labels
from oral_lesion.adapters.annotations.raster import paint_region
from oral_lesion.adapters.annotations.reading import read_json
from oral_lesion.adapters.annotations.records import LeftOut, PictureLabels
from oral_lesion.adapters.review.export import HASH_KEY
from oral_lesion.adapters.review.outlines import CLASS_NAME, READ_MARK, UNREADABLE, start_outlines, with_exact_pixels
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.naming import printable
from oral_lesion.io.review.canvas import pixels_sha256
from oral_lesion.io.review.key import Reading, WorklistKey
from oral_lesion.io.review.study_reads import LeftOutRead, Returned, StudyReads

__all__ = ["find_returned", "read_returned"]

_SUFFIXES = frozenset({".json", ".xml"})
_MOST_REGIONS = 10_000
_MOST_BYTES_A_PIXEL, _MOST_BYTES = 8, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Checked:
    file: str
    reading: Reading
    labels: PictureLabels


def find_returned(paths: Sequence[Path]) -> tuple[Path, ...]:
    """
    Return the annotation files among what was named.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders whose ``.json`` and ``.xml`` files are taken, those of subfolders too.

    Returns
    -------
    tuple of Path
        In order; each once.

    Raises
    ------
    InputError
        Where there are none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        found.update(dict.fromkeys(one for one in inside if one.suffix.lower() in _SUFFIXES))
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: no .json or .xml file there. Name what the reader returned.")
    return tuple(found)


def read_returned(
    files: Sequence[Path], key: WorklistKey, study: StudyReads, *, all_read: bool = False
) -> Iterator[Returned | LeftOutRead]:
    """
    Read annotation files picture by picture.

    Of a picture's path the last name alone counts, and no file is opened by it but one beside the annotations.

    Parameters
    ----------
    files : sequence of Path
        Of labelme, COCO or CVAT.
    key : WorklistKey
        Of the worklist.
    study : StudyReads
        That it was made of: polygons that were left as they were given stand for the model's own pixels.
    all_read : bool
        Take pictures without a mark that they were read, too.

    Yields
    ------
    Returned or LeftOutRead
        In the order of the files.
    """
    readings = {reading.reading_id: reading for reading in key.readings}
    checked: list[_Checked | LeftOutRead] = []
    for path in files:
        for labels in _labels_in(path):
            checked.append(_checked(path, labels, readings, key, all_read=all_read))
    ids = [one.reading.reading_id for one in checked if isinstance(one, _Checked)]
    times = Counter(ids)
    for one in checked:
        if isinstance(one, LeftOutRead):
            yield one
        elif times[one.reading.reading_id] > 1:
            where = [other.file for other in checked if isinstance(other, _Checked) and other.reading == one.reading]
            why = f"comes {len(where)} times ({', '.join(where)}). Keep the one that counts"
            yield LeftOutRead(file=one.file, reading_id=one.reading.reading_id, why=why)
        else:
            yield _drawn(one, key, study)


def _labels_in(path: Path) -> list[PictureLabels | LeftOut]:
    try:
        if path.suffix.lower() == ".xml":
            found = read_cvat(path)
            return [*found.pictures, *found.left_out]
        content = read_json(path)
        if isinstance(content.get("images"), list):
            found = read_coco(path)
            return [*found.pictures, *found.left_out]
        return [picture_labels({**content, "imagePath": _last_name(content.get("imagePath"))})]
    except FormatError as error:
        return [LeftOut(file="", why=str(error).removeprefix(f"{path}: "))]


def _last_name(path: object) -> object:
    """Return the last name of a path: labelme writes where the picture lies from the file, such as ../pictures."""
    return PurePosixPath(path.replace("\\", "/")).name if isinstance(path, str) else path


def _checked(
    path: Path, labels: PictureLabels | LeftOut, readings: dict[str, Reading], key: WorklistKey, *, all_read: bool
) -> _Checked | LeftOutRead:
    file = printable(path.name)
    reading_id = PurePosixPath(labels.file).stem
    reading = readings.get(reading_id)
    known = "" if reading is None else reading_id
    if isinstance(labels, LeftOut):
        return LeftOutRead(file=file, reading_id=known, why=labels.why)
    if reading is None:
        name = printable(labels.file)[:80]
        why = f"{name!r} is no picture of this worklist; name its own key, and leave pictures' names as they are"
        return LeftOutRead(file=file, why=why)
    try:
        _require_same_picture(path, labels, reading, key.canvas_shape)
        _require_our_classes(labels)
        _require_mark(labels, all_read=all_read)
    except FormatError as error:
        return LeftOutRead(file=file, reading_id=known, why=str(error))
    return _Checked(file=file, reading=reading, labels=replace(labels, embedded=None))


def _require_same_picture(path: Path, labels: PictureLabels, reading: Reading, shape: tuple[int, int]) -> None:
    size = (shape[1], shape[0])
    if labels.size_px is not None and labels.size_px != size:
        got = f"{labels.size_px[0]}×{labels.size_px[1]}"
        raise FormatError(
            f"is drawn on a picture of {got} px, expected {size[0]}×{size[1]}; read the one of the worklist"
        )
    if labels.attributes.get(HASH_KEY, reading.pixels_sha256) != reading.pixels_sha256:
        raise FormatError(f"states another picture ({HASH_KEY}) than the one of this id; name files as they were")
    beside = path.parent / f"{reading.reading_id}.png"
    contents = [labels.embedded] if labels.embedded is not None else []
    if beside.is_file() and not beside.is_symlink():
        if beside.stat().st_size > _MOST_BYTES_A_PIXEL * shape[0] * shape[1] + _MOST_BYTES:
            raise FormatError("the picture beside it is too large; read the one of the worklist")
        contents.append(beside.read_bytes())
    for content in contents:
        if pixels_sha256(_pixels_of(content, size)) != reading.pixels_sha256:
            raise FormatError("its picture is not the one that was given out; read the one of the worklist")


def _pixels_of(content: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.size != size:
                raise FormatError(f"its picture has {image.size[0]}×{image.size[1]} px, expected {size[0]}×{size[1]}")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError("its picture cannot be read; read the one of the worklist") from error


def _require_our_classes(labels: PictureLabels) -> None:
    named = [region.class_name for region in labels.regions] + [name for name, _ in labels.without_area]
    unknown = sorted({printable(name)[:40] for name in named if name not in {CLASS_NAME, UNREADABLE}})
    if unknown:
        raise FormatError(
            f"has the classes {', '.join(map(repr, unknown))}, expected {CLASS_NAME!r}; rename or remove them"
        )
    lines = sorted({kind for name, kind in labels.without_area if name == CLASS_NAME})
    if lines:
        raise FormatError(f"has {lines[0]} of class {CLASS_NAME!r}, which has no area; draw a polygon or remove it")
    if any(region.crowd for region in labels.regions):
        raise FormatError("has a region that stands for many objects (iscrowd); draw each lesion")
    if len(labels.regions) > _MOST_REGIONS:
        raise FormatError(f"has {len(labels.regions)} regions, expected at most {_MOST_REGIONS}; export it again")
    if _is_unreadable(labels) and any(region.class_name == CLASS_NAME for region in labels.regions):
        raise FormatError(f"is marked as {UNREADABLE!r} and has erosions; remove one of both")


def _require_mark(labels: PictureLabels, *, all_read: bool) -> None:
    """Refuse an untouched file: without outlines it would pass for a picture without erosion."""
    if not all_read and labels.attributes.get(READ_MARK) != "true" and not _is_unreadable(labels):
        raise FormatError(
            f"is not marked as read. Tick {READ_MARK!r} in labelme; or, where the reader has confirmed that all "
            "pictures were read, give --all-read"
        )


def _is_unreadable(labels: PictureLabels) -> bool:
    named = [region.class_name for region in labels.regions] + [name for name, _ in labels.without_area]
    return labels.attributes.get(UNREADABLE) == "true" or UNREADABLE in named


def _drawn(one: _Checked, key: WorklistKey, study: StudyReads) -> Returned | LeftOutRead:
    if _is_unreadable(one.labels):
        return Returned(file=one.file, reading=one.reading, erosion=None)
    try:
        starts = start_outlines(study.start_of(one.reading, key.canvas_shape)) if key.outlines else ()
    except FormatError as error:
        return LeftOutRead(file=one.file, reading_id=one.reading.reading_id, why=str(error))
    painted = np.zeros(key.canvas_shape, dtype=np.uint8)
    covered = [paint_region(painted, with_exact_pixels(region, starts), 1) for region in one.labels.regions]
    if not all(covered):
        why = "has an outline outside of the picture, or around no pixel; draw it again or remove it"
        return LeftOutRead(file=one.file, reading_id=one.reading.reading_id, why=why)
    return Returned(file=one.file, reading=one.reading, erosion=painted > 0)
