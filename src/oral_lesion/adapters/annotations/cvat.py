"""CVAT for images 1.1: one XML file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from oral_lesion.adapters.annotations.raster import ellipse_xy, rectangle_xy, require_polygon
from oral_lesion.adapters.annotations.reading import number_of, picture_name, read_bounded, size_of
from oral_lesion.adapters.annotations.records import NO_CLASS, Annotations, LeftOut, MaskPatch, PictureLabels, Region
from oral_lesion.adapters.annotations.run_lengths import counts_of, decode_counts
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.naming import printable
from oral_lesion.io.one_by_one import write_bytes

__all__ = ["read_cvat", "write_cvat"]

_SHAPES = frozenset({"polygon", "box", "ellipse", "mask"})
_WITHOUT_AREA = frozenset({"polyline", "points", "cuboid", "skeleton"})
_TAG_FOR_ATTRIBUTES = "picture"


def read_cvat(path: Path) -> Annotations:
    """
    Read annotations.xml of "CVAT for images".

    Polygons, boxes, ellipses (also turned) and masks are regions; points and lines have no area. Attributes that have
    one value in a picture, of its tags and shapes together, are attributes of the picture.

    Parameters
    ----------
    path : Path
        Of the XML file.

    Returns
    -------
    Annotations

    Raises
    ------
    FormatError
        Where it is no such file, or declares a document type: no CVAT export does, and entities can be bombs.

    References
    ----------
    .. [1] https://docs.cvat.ai/docs/other/xml_format, version 1.1: a mask's ``rle`` goes row by row through the
       box that ``left``, ``top``, ``width`` and ``height`` give.
    """
    root = _tree_of(path)
    if root.tag != "annotations" or root.find("track") is not None:
        raise FormatError(f"{path}: expected 'CVAT for images 1.1'; export the task again in this format")
    pictures: list[PictureLabels] = []
    left_out: list[LeftOut] = []
    for image in root.findall("image"):
        try:
            pictures.append(_picture(image))
        except FormatError as error:
            left_out.append(LeftOut(file=image.get("name", ""), why=str(error)))
    return Annotations(pictures=tuple(pictures), left_out=tuple(left_out))


def _tree_of(path: Path) -> ET.Element:
    try:
        text = read_bounded(path).decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise FormatError(f"{path}: declares a document type, which CVAT never writes; it is not read")
        return ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except (ValueError, ET.ParseError) as error:
        raise FormatError(f"{path}: expected XML in UTF-8 ({error}); export it again") from error


def _picture(image: ET.Element) -> PictureLabels:
    regions, without_area = [], []
    values: dict[str, set[str]] = defaultdict(set)
    for element in image:
        class_name = element.get("label") or NO_CLASS
        for attribute in element.findall("attribute"):
            values[attribute.get("name", "")].add(printable(attribute.text or ""))
        if element.tag in _SHAPES:
            regions.append(_region(element, class_name))
        elif element.tag in _WITHOUT_AREA:
            without_area.append((class_name, f"a {element.tag}"))
        elif element.tag != "tag":
            raise FormatError(f"an element {element.tag[:40]!r}: expected polygon, box, ellipse or mask")
    return PictureLabels(
        file=picture_name(image.get("name")),
        size_px=size_of(image.get("width"), image.get("height")),
        regions=tuple(regions),
        attributes={name: next(iter(found)) for name, found in values.items() if len(found) == 1},
        without_area=tuple(without_area),
    )


def _region(element: ET.Element, class_name: str) -> Region:
    def number(key: str) -> float:
        return number_of(element.get(key), f"{element.tag}: {key}")

    if element.tag == "mask":
        return Region(class_name=class_name, patch=_patch(element))
    if element.tag == "polygon":
        pairs = [pair.split(",") for pair in element.get("points", "").split(";")]
        return Region(class_name=class_name, polygons_xy=(require_polygon(pairs),))
    angle = math.radians(number("rotation")) if "rotation" in element.attrib else 0.0
    if element.tag == "ellipse":
        polygon = ellipse_xy((number("cx"), number("cy")), (number("rx"), number("ry")), angle=angle)
        return Region(class_name=class_name, polygons_xy=(polygon,))
    left, top, right, bottom = (number(key) for key in ("xtl", "ytl", "xbr", "ybr"))
    if right < left or bottom < top:
        raise FormatError(f"a box from {left:g}, {top:g} to {right:g}, {bottom:g}: its size is negative; draw it again")
    corners = rectangle_xy((left, top), (right, bottom))
    middle = corners.mean(axis=0)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = (corners - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
    return Region(class_name=class_name, polygons_xy=(turned,))


def _patch(element: ET.Element) -> MaskPatch:
    left, top, width, height = (
        int(number_of(element.get(key), f"mask: {key}")) for key in ("left", "top", "width", "height")
    )
    try:
        counts = [int(count) for count in element.get("rle", "").split(",")]
    except ValueError as error:
        raise FormatError("a mask's rle: expected whole numbers with commas between; export it again") from error
    lacking = width * height - sum(counts)
    if width > 0 and height > 0 and 0 < lacking < width * height and len(counts) % 2 == 0:
        counts.append(lacking)  # the last run of background is left away by some versions
    return MaskPatch.of(decode_counts(counts, (height, width), by_column=False), top=top, left=left)


def write_cvat(path: Path, pictures: Sequence[PictureLabels]) -> None:
    """
    Write labels as "CVAT for images 1.1": polygons as polygons, pixels as masks, attributes with a tag ``picture``.

    Parameters
    ----------
    path : Path
        Of the XML file.
    pictures : sequence of PictureLabels
        With their sizes.

    Raises
    ------
    InputError
        Where a picture's size is not known.
    OutputError
        Where the file cannot be written.
    """
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, picture in enumerate(pictures):
        if picture.size_px is None:
            raise InputError(f"{picture.file}: expected the picture's size, which CVAT notes")
        width, height = map(str, picture.size_px)
        image = ET.SubElement(root, "image", id=str(number), name=picture.file, width=width, height=height)
        _write_attributes(image, picture.attributes)
        for region in picture.regions:
            _write_region(image, region)
    ET.indent(root)
    write_bytes(path, ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _write_attributes(image: ET.Element, attributes: Mapping[str, str]) -> None:
    if attributes:
        tag = ET.SubElement(image, "tag", label=_TAG_FOR_ATTRIBUTES, source="file")
        for name, value in sorted(attributes.items()):
            ET.SubElement(tag, "attribute", name=printable(name)).text = printable(value)


def _write_region(image: ET.Element, region: Region) -> None:
    label = printable(region.class_name)
    common = {"label": label, "source": "file", "occluded": "0", "z_order": "0"}
    for polygon in region.polygons_xy:
        points = ";".join(f"{x!r},{y!r}" for x, y in polygon.tolist())
        ET.SubElement(image, "polygon", {**common, "points": points})
    patch = region.patch
    if patch is not None and all(patch.shape):
        rows, columns = patch.shape
        place = {"left": patch.left, "top": patch.top, "width": columns, "height": rows}
        rle = ", ".join(map(str, counts_of(patch.inside, by_column=False)))
        ET.SubElement(image, "mask", {**common, "rle": rle, **{key: str(value) for key, value in place.items()}})
