"""VGG Image Annotator 2: one JSON file, a project or an export of annotations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oral_lesion.adapters.annotations.raster import ellipse_xy, rectangle_xy, require_polygon
from oral_lesion.adapters.annotations.reading import number_of, picture_name, read_json, scalar_attributes
from oral_lesion.adapters.annotations.records import NO_CLASS, Annotations, LeftOut, PictureLabels, Region
from oral_lesion.errors import FormatError

__all__ = ["read_via"]

_WITHOUT_AREA = frozenset({"point", "polyline"})


def read_via(path: Path, *, class_attribute: str | None = None) -> Annotations:
    """
    Read a VIA 2 (or 1) file.

    Shapes polygon, rect, circle and ellipse are regions; points and polylines have no area. File attributes are
    attributes of the picture.

    Parameters
    ----------
    path : Path
        Of the JSON file.
    class_attribute : str or None
        Region attribute that names the class; None takes the one attribute that regions have. Of checkboxes, each that
        is ticked is a class.

    Returns
    -------
    Annotations
        Without sizes: VIA notes none.

    Raises
    ------
    FormatError
        Where it is no such file, or regions have several attributes and none was named.

    References
    ----------
    .. [1] A. Dutta, A. Zisserman, The VIA annotation software, doi:10.1145/3343031.3350535; keys as in
       https://www.robots.ox.ac.uk/~vgg/software/via/via-2.0.11.html.
    """
    content = read_json(path)
    if "project" in content and "view" in content:
        raise FormatError(f"{path}: expected a file of VIA 2, got one of VIA 3; annotate pictures with VIA 2")
    entries = content.get("_via_img_metadata", content)
    if not isinstance(entries, dict) or not all(
        isinstance(entry, dict) and "filename" in entry for entry in entries.values()
    ):
        raise FormatError(f"{path}: expected a VIA project or its annotations as JSON; export it again")
    attribute = class_attribute or _only_attribute(entries, path)
    pictures: list[PictureLabels] = []
    left_out: list[LeftOut] = []
    for entry in entries.values():
        try:
            pictures.append(_picture(entry, attribute))
        except FormatError as error:
            left_out.append(LeftOut(file=str(entry["filename"]), why=str(error)))
    return Annotations(pictures=tuple(pictures), left_out=tuple(left_out))


def _regions_of(entry: Mapping[str, Any]) -> list[Any]:
    regions = entry.get("regions", [])
    found = list(regions.values()) if isinstance(regions, dict) else regions  # VIA 1 numbers them in an object
    return found if isinstance(found, list) else []


def _only_attribute(entries: Mapping[str, Any], path: Path) -> str:
    names: set[str] = set()
    for entry in entries.values():
        for region in _regions_of(entry):
            attributes = region.get("region_attributes") if isinstance(region, dict) else None
            names |= set(attributes) if isinstance(attributes, dict) else set()
    if len(names) > 1:
        listed = ", ".join(sorted(names))
        raise FormatError(f"{path}: regions have the attributes {listed}; name the class with --class-attribute")
    return next(iter(names), "")


def _picture(entry: Mapping[str, Any], attribute: str) -> PictureLabels:
    regions: list[Region] = []
    without_area: list[tuple[str, str]] = []
    if not isinstance(entry.get("regions", []), list | dict):
        raise FormatError("expected VIA's list of regions; export it again")
    for region in _regions_of(entry):
        if not isinstance(region, dict) or not isinstance(region.get("shape_attributes"), dict):
            raise FormatError("a region: expected its shape_attributes; export it again")
        shape = region["shape_attributes"]
        attributes = region.get("region_attributes")
        value = attributes.get(attribute) if isinstance(attributes, dict) else None
        for class_name in _classes_of(value):
            if str(shape.get("name")) in _WITHOUT_AREA:
                without_area.append((class_name, f"a {shape['name']}"))
            else:
                regions.append(Region(class_name=class_name, polygons_xy=(_polygon(shape),)))
    return PictureLabels(
        file=picture_name(entry["filename"]),
        regions=tuple(regions),
        attributes=scalar_attributes(entry.get("file_attributes")),
        without_area=tuple(without_area),
    )


def _classes_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(name) for name, ticked in value.items() if ticked] or [NO_CLASS]
    return [str(value)] if isinstance(value, str | int) and value != "" else [NO_CLASS]


def _polygon(shape: Mapping[str, Any]) -> Any:
    def number(key: str) -> float:
        return number_of(shape.get(key), f"{kind}: {key}")

    kind = shape.get("name")
    if kind == "polygon":
        x, y = shape.get("all_points_x"), shape.get("all_points_y")
        if not (isinstance(x, list) and isinstance(y, list) and len(x) == len(y)):
            raise FormatError("a polygon: expected as many all_points_x as all_points_y; draw it again")
        numbers = [[number_of(value, "a polygon's vertex") for value in axis] for axis in (x, y)]
        return require_polygon(np.array(numbers, dtype=np.float64).T)
    if kind == "rect":
        left, top, width, height = (number(key) for key in ("x", "y", "width", "height"))
        if width < 0 or height < 0:
            raise FormatError(f"a rect: expected a size of 0 or more, got {width:g}×{height:g} px; draw it again")
        return rectangle_xy((left, top), (left + width, top + height))
    if kind == "circle":
        return ellipse_xy((number("cx"), number("cy")), (number("r"), number("r")))
    if kind == "ellipse":
        angle = number("theta") if "theta" in shape else 0.0
        return ellipse_xy((number("cx"), number("cy")), (number("rx"), number("ry")), angle=angle)
    raise FormatError(f"a shape {str(kind)[:40]!r}: expected polygon, rect, circle or ellipse; draw it as polygon")
