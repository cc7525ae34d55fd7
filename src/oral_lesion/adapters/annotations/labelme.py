"""labelme: one JSON file a picture."""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.raster import ellipse_xy, rectangle_xy, require_polygon
from oral_lesion.adapters.annotations.reading import number_of, picture_name, read_json, scalar_attributes, size_of
from oral_lesion.adapters.annotations.records import NO_CLASS, Annotations, LeftOut, MaskPatch, PictureLabels, Region
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.one_by_one import write_bytes

__all__ = ["picture_labels", "read_labelme", "write_labelme"]

_WITHOUT_AREA = frozenset({"point", "points", "line", "linestrip"})
_NO_ATTRIBUTES = frozenset({"version", "imagePath", "imageData", "imageHeight", "imageWidth"})
_MAX_MASK_PIXELS = 80_000_000
_VERSION = "5.5.0"


def read_labelme(source: Path) -> Annotations:
    """
    Read labelme's files.

    Shapes polygon, rectangle, circle and mask are regions; points and lines have no area. Flags and further keys are
    attributes of the picture.

    Parameters
    ----------
    source : Path
        A file, or a folder whose ``.json`` files are read, subfolders included.

    Returns
    -------
    Annotations
        Names of pictures are relative to the folder.

    Raises
    ------
    FormatError
        Where there is no such file.

    References
    ----------
    .. [1] labelme 5.5, labelme/label_file.py (keys of a file) and labelme/utils/shape.py (shapes): a circle is its
       middle and a point of its rim; a mask is a PNG in base64 whose corner pixels are the two points, both inside.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.json"))
    if not files:
        raise FormatError(f"{source}: expected labelme's JSON files, found none; name their folder")
    root = source.parent if source.is_file() else source
    pictures: list[PictureLabels] = []
    left_out: list[LeftOut] = []
    for path in files:
        name = path.relative_to(root).as_posix()
        try:
            pictures.append(picture_labels(read_json(path), PurePosixPath(name).parent.as_posix()))
        except FormatError as error:
            left_out.append(LeftOut(file=name, why=str(error).removeprefix(f"{path}: ")))
    return Annotations(pictures=tuple(pictures), left_out=tuple(left_out))


def picture_labels(content: Mapping[str, Any], folder: str = ".") -> PictureLabels:
    """
    Return the labels of one of labelme's files.

    Parameters
    ----------
    content : mapping
        Of the file.
    folder : str
        That the file is in; its picture's name is relative to it.

    Returns
    -------
    PictureLabels

    Raises
    ------
    FormatError
        Where it is no such file.
    """
    shapes = content.get("shapes")
    if not isinstance(shapes, list):
        raise FormatError("expected labelme's list of shapes; save it with labelme")
    regions, without_area = [], []
    for shape in shapes:
        if not isinstance(shape, dict):
            raise FormatError("a shape: expected a JSON object; save it with labelme")
        class_name = str(shape.get("label") or NO_CLASS)
        kind = str(shape.get("shape_type") or "polygon")
        if kind in _WITHOUT_AREA:
            without_area.append((class_name, f"a {kind}"))
        else:
            regions.append(_region(shape, kind, class_name))
    extra = scalar_attributes(content, _NO_ATTRIBUTES)
    return PictureLabels(
        file=picture_name(content.get("imagePath"), "" if folder == "." else folder),
        size_px=size_of(content.get("imageWidth"), content.get("imageHeight")),
        regions=tuple(regions),
        attributes={**scalar_attributes(content.get("flags")), **extra},
        without_area=tuple(without_area),
        embedded=_embedded(content.get("imageData")),
    )


def _region(shape: Mapping[str, Any], kind: str, class_name: str) -> Region:
    points = shape.get("points")
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise FormatError(f"a {kind}: expected points as pairs of numbers; draw it again")
    numbers = [(number_of(x, f"a {kind}'s point"), number_of(y, f"a {kind}'s point")) for x, y in points]
    if kind == "polygon":
        return Region(class_name=class_name, polygons_xy=(require_polygon(numbers),))
    if kind not in {"rectangle", "circle", "mask"}:
        raise FormatError(f"a shape of type {kind!r}: expected polygon, rectangle, circle or mask; draw it as polygon")
    if len(numbers) != 2:
        raise FormatError(f"a {kind}: expected two points, got {len(numbers)}; draw it again")
    first, second = numbers
    if kind == "rectangle":
        return Region(class_name=class_name, polygons_xy=(rectangle_xy(first, second),))
    if kind == "circle":
        radius = math.dist(first, second)
        return Region(class_name=class_name, polygons_xy=(ellipse_xy(first, (radius, radius)),))
    return Region(class_name=class_name, patch=_mask_patch(shape.get("mask"), first, second))


def _mask_patch(encoded: object, first: tuple[float, float], second: tuple[float, float]) -> MaskPatch:
    left, top = round(min(first[0], second[0])), round(min(first[1], second[1]))
    inside = _mask_of(_decoded(encoded, "a shape's mask"))
    right, bottom = round(max(first[0], second[0])), round(max(first[1], second[1]))
    if inside.shape != (bottom - top + 1, right - left + 1):
        size = f"{inside.shape[1]}×{inside.shape[0]}"
        raise FormatError(f"a mask of {size} px between points that say {right - left + 1}×{bottom - top + 1} px")
    return MaskPatch.of(inside, top=top, left=left)


def _mask_of(content: bytes) -> NDArray[np.bool_]:
    from PIL import Image

    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if width * height > _MAX_MASK_PIXELS:
        raise FormatError("a shape's mask has more than 80 megapixels; draw it again")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            return np.asarray(image.convert("L")) > 0 if image.mode != "1" else np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError("a shape's mask is no PNG; draw it again") from error


def _embedded(encoded: object) -> bytes | None:
    return _decoded(encoded, "imageData") if encoded else None


def _decoded(encoded: object, what: str) -> bytes:
    try:
        return base64.b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{what}: expected base64; save it with labelme") from error


def write_labelme(
    folder: Path, pictures: Sequence[PictureLabels], *, flags: Mapping[str, bool] = MappingProxyType({})
) -> list[Path]:
    """
    Write labels as labelme's files, one a picture, under the picture's name with ``.json``.

    A region of one polygon is a polygon that people can edit; pixels are a mask. ``imagePath`` names the picture
    beside the file; the picture itself is not stored.

    Parameters
    ----------
    folder : Path
        For the files.
    pictures : sequence of PictureLabels
        With their sizes.
    flags : mapping of str to bool
        What labelme is to offer for ticking, and whether it is ticked; the same for all pictures.

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    InputError
        Where a picture's size is not known, or two pictures would write the same file.
    OutputError
        Where a file cannot be written.
    """
    names = [PurePosixPath(picture_name(picture.file)).with_suffix(".json") for picture in pictures]
    if len(set(names)) < len(names):
        raise InputError("two pictures differ in their suffix alone; labelme's files would have the same name")
    written = []
    for picture, name in zip(pictures, names, strict=True):
        if picture.size_px is None:
            raise InputError(f"{picture.file}: expected the picture's size, which labelme notes")
        content: dict[str, Any] = {
            "version": _VERSION,
            "flags": dict(flags),
            "shapes": [shape for region in picture.regions for shape in _shapes(region)],
            **{
                key: value
                for key, value in picture.attributes.items()
                if key not in {*_NO_ATTRIBUTES, "flags", "shapes"}
            },
            "imagePath": PurePosixPath(picture.file).name,
            "imageData": None,
            "imageHeight": picture.size_px[1],
            "imageWidth": picture.size_px[0],
        }
        path = folder / name
        write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        written.append(path)
    return written


def _shapes(region: Region) -> list[dict[str, Any]]:
    common: dict[str, Any] = {"label": region.class_name, "group_id": None, "description": "", "flags": {}}
    shapes = [
        {**common, "points": polygon.tolist(), "shape_type": "polygon", "mask": None} for polygon in region.polygons_xy
    ]
    patch = region.patch
    if patch is not None and all(patch.shape):
        rows, columns = patch.shape
        corners = [[patch.left, patch.top], [patch.left + columns - 1, patch.top + rows - 1]]
        shapes.append({**common, "points": corners, "shape_type": "mask", "mask": _png_text(patch.inside)})
    return shapes


def _png_text(inside: NDArray[np.bool_]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(inside.astype(np.uint8) * 255).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
