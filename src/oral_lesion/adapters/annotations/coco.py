"""COCO: one JSON file with images, annotations (polygons, RLE) and categories."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oral_lesion.adapters.annotations.raster import cropped, paint_region, require_polygon
from oral_lesion.adapters.annotations.reading import number_of, picture_name, read_json, scalar_attributes, size_of
from oral_lesion.adapters.annotations.records import NO_CLASS, Annotations, LeftOut, MaskPatch, PictureLabels, Region
from oral_lesion.adapters.annotations.run_lengths import compress_counts, counts_of, decode_counts, expand_counts
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.one_by_one import write_bytes

__all__ = ["read_coco", "write_coco"]

_NO_ATTRIBUTES = frozenset({"id", "file_name", "width", "height"})


def read_coco(path: Path) -> Annotations:
    """
    Read a COCO file of instances.

    Polygons of one annotation are a union. RLE counts go column by column, as a list or as compressed text. An
    annotation with ``iscrowd`` 1 is a region to ignore. Further keys of an image are attributes of the picture.

    Parameters
    ----------
    path : Path
        Of the JSON file.

    Returns
    -------
    Annotations

    Raises
    ------
    FormatError
        Where it is no such file.

    References
    ----------
    .. [1] https://cocodataset.org/#format-data, "Object Detection".
    """
    content = read_json(path)
    images, annotations, categories = (content.get(key) for key in ("images", "annotations", "categories"))
    if not (isinstance(images, list) and isinstance(annotations, list) and isinstance(categories, list)):
        raise FormatError(
            f"{path}: expected COCO's lists images, annotations and categories; export it as COCO instances"
        )
    names = {
        entry.get("id"): str(entry.get("name")) for entry in categories if isinstance(entry, dict) and _hashable(entry)
    }
    of_image: dict[Any, list[Any]] = defaultdict(list)
    for annotation in annotations:
        image_id = annotation.get("image_id") if isinstance(annotation, dict) else None
        of_image[image_id if isinstance(image_id, int | str) else None].append(annotation)
    pictures: list[PictureLabels] = []
    left_out: list[LeftOut] = []
    seen: set[Any] = set()
    for image in images:
        name = str(image.get("file_name", "")) if isinstance(image, dict) else ""
        try:
            number = _own_id(image, seen)
            seen.add(number)
            pictures.append(_picture(image, of_image.get(number, []), names))
        except FormatError as error:
            left_out.append(LeftOut(file=name, why=str(error)))
    lost = sum(len(entries) for image_id, entries in of_image.items() if image_id not in seen)
    if lost:
        left_out.append(LeftOut(file="", why=f"{lost} annotations belong to no image of the file; export it again"))
    return Annotations(pictures=tuple(pictures), left_out=tuple(left_out))


def _own_id(image: object, seen: set[Any]) -> int | str:
    number = image.get("id") if isinstance(image, dict) else None
    if not isinstance(number, int | str) or number in seen:
        raise FormatError("expected an image with an id of its own; export it again")
    return number


def _hashable(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("id"), int | str)


def _picture(image: Mapping[str, Any], annotations: Sequence[Any], names: Mapping[Any, str]) -> PictureLabels:
    size = size_of(image.get("width"), image.get("height"))
    regions, without_area = [], []
    for annotation in annotations:
        category = annotation.get("category_id")
        known = isinstance(category, int | str) and category in names
        class_name = names[category] if known else NO_CLASS
        region = _region(annotation, class_name, size)
        if region is None:
            without_area.append((class_name, "an annotation without outline"))
        else:
            regions.append(region)
    return PictureLabels(
        file=picture_name(image.get("file_name")),
        size_px=size,
        regions=tuple(regions),
        attributes=scalar_attributes(image, _NO_ATTRIBUTES),
        without_area=tuple(without_area),
    )


def _region(annotation: Mapping[str, Any], class_name: str, size: tuple[int, int] | None) -> Region | None:
    segmentation = annotation.get("segmentation")
    crowd = annotation.get("iscrowd", 0) == 1
    if not segmentation:
        return None
    if isinstance(segmentation, dict):
        patch = _patch(segmentation, size)
        return Region(class_name=class_name, patch=patch, crowd=crowd)
    if not isinstance(segmentation, list):
        raise FormatError("a segmentation: expected polygons or RLE; export it again")
    polygons = []
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) % 2:
            raise FormatError("a polygon: expected pairs of x and y, got an odd number; draw it again")
        numbers = [number_of(value, "a polygon's vertex") for value in polygon]
        polygons.append(require_polygon(np.reshape(numbers, (-1, 2))))
    return Region(class_name=class_name, polygons_xy=tuple(polygons), crowd=crowd)


def _patch(rle: Mapping[str, Any], size: tuple[int, int] | None) -> MaskPatch:
    shape = rle.get("size")
    if not (isinstance(shape, list) and len(shape) == 2 and all(type(side) is int for side in shape)):
        raise FormatError("an RLE: expected its size as height and width; export it again")
    if size is not None and (shape[1], shape[0]) != size:
        raise FormatError(f"an RLE of {shape[1]}×{shape[0]} px in a picture of {size[0]}×{size[1]} px; export it again")
    counts = rle.get("counts")
    expanded = expand_counts(counts) if isinstance(counts, str) else counts
    return cropped(decode_counts(expanded, (shape[0], shape[1]), by_column=True))


def write_coco(path: Path, pictures: Sequence[PictureLabels], *, classes: Sequence[str] = ()) -> None:
    """
    Write labels as a COCO file: polygons as polygons, pixels as compressed RLE.

    Parameters
    ----------
    path : Path
        Of the JSON file.
    pictures : sequence of PictureLabels
        With their sizes.
    classes : sequence of str
        To be listed even where no picture has a region of them.

    Raises
    ------
    InputError
        Where a picture's size is not known.
    OutputError
        Where the file cannot be written.
    """
    classes = sorted({*classes, *(region.class_name for picture in pictures for region in picture.regions)})
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        if picture.size_px is None:
            raise InputError(f"{picture.file}: expected the picture's size, which COCO notes")
        width, height = picture.size_px
        known = {key: value for key, value in picture.attributes.items() if key not in _NO_ATTRIBUTES}
        images.append({**known, "id": number, "file_name": picture.file, "width": width, "height": height})
        for region in picture.regions:
            annotation = _annotation(region, (height, width))
            annotation |= {"id": len(annotations) + 1, "image_id": number}
            annotation["category_id"] = classes.index(region.class_name) + 1
            annotations.append(annotation)
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _annotation(region: Region, shape: tuple[int, int]) -> dict[str, Any]:
    covered = np.zeros(shape, dtype=np.uint8)
    paint_region(covered, region, 1)
    patch = cropped(covered > 0)
    rows, columns = patch.shape
    segmentation: Any = [polygon.ravel().tolist() for polygon in region.polygons_xy]
    if region.patch is not None or region.crowd:
        counts = counts_of(covered > 0, by_column=True)
        segmentation = {"size": list(shape), "counts": counts if region.crowd else compress_counts(counts)}
    return {
        "segmentation": segmentation,
        "area": int(np.count_nonzero(covered)),
        "bbox": [patch.left, patch.top, columns, rows],
        "iscrowd": int(region.crowd),
    }
