"""Scenes of subjects, visits and sites, written as photographs with their truth beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from oral_lesion.errors import InputError, OutputError
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.phantom.render import PhantomScene, render_scene
from oral_lesion.phantom.settings import SceneSettings
from oral_lesion.phantom.truth import TRUTH_COLUMNS, SceneTruth
from oral_lesion.protocol import CardDefinition

__all__ = ["StudyPlan", "WrittenScene", "encode_jpeg", "plan_scenes", "write_phantoms", "write_scene"]

_WEEKS_BETWEEN_VISITS = 4
_EXIF_IFD = 0x8769
_ICC_DATE = slice(24, 36)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """
    Which scenes to make.

    Parameters
    ----------
    subjects : int
        phantom-01, phantom-02, …; in [1, 999].
    visits : int
        week-00, week-04, …; in [1, 99].
    sites : tuple of str
        File names without suffix; none twice.
    healing : float
        Share of an area that is left from one visit to the next, in [0, 1].

    Raises
    ------
    InputError
        Where a number is out of range, or a site missing or named twice.
    """

    subjects: int = 1
    visits: int = 2
    sites: tuple[str, ...] = ("buccal-left", "buccal-right", "tongue-ventral")
    healing: float = 0.55

    def __post_init__(self) -> None:
        for field, low, high in (("subjects", 1, 999), ("visits", 1, 99), ("healing", 0, 1)):
            value = getattr(self, field)
            if not low <= value <= high:
                raise InputError(f"{field}: expected a number in [{low}, {high}], got {value!r}.")
        if not self.sites or len(set(self.sites)) != len(self.sites):
            raise InputError(f"sites: expected at least one, none twice; got {', '.join(self.sites) or 'none'}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenScene:
    """
    A scene on disk.

    Parameters
    ----------
    file, mask : str
        Relative to the output folder, with forward slashes.
    truth : SceneTruth
        Its row of truth.csv.
    """

    file: str
    mask: str
    truth: SceneTruth


def plan_scenes(plan: StudyPlan, base: SceneSettings) -> list[SceneSettings]:
    """
    Return the settings of each scene: subject by subject, visit by visit, site by site.

    Parameters
    ----------
    plan : StudyPlan
        Which scenes.
    base : SceneSettings
        All that they have in common.

    Returns
    -------
    list of SceneSettings
    """
    return [
        replace(
            base,
            subject=f"phantom-{subject:02d}",
            visit=f"week-{_WEEKS_BETWEEN_VISITS * visit:02d}",
            site=site,
            area_factor=base.area_factor * plan.healing**visit,
        )
        for subject in range(1, plan.subjects + 1)
        for visit in range(plan.visits)
        for site in plan.sites
    ]


def write_phantoms(
    out: Path, scenes: Sequence[SceneSettings], card: CardDefinition, *, overwrite: bool = False,
    on_written: Callable[[WrittenScene], None] | None = None,
) -> list[WrittenScene]:  # fmt: skip
    """
    Render scenes and write photographs, masks and truth.csv.

    Parameters
    ----------
    out : path
        Folder; gets SUBJECT/VISIT/site.jpg, truth/SUBJECT/VISIT/site_mask.png and, last, truth.csv.
    scenes : sequence of SceneSettings
        No two with the same subject, visit and site.
    card : CardDefinition
        The card in them.
    overwrite : bool
        Replace the phantoms of an earlier run; the files that its truth.csv lists are removed first.
    on_written : callable or None
        Called after each scene, for a progress bar.

    Returns
    -------
    list of WrittenScene
        In the order of `scenes`.

    Raises
    ------
    OutputError
        Where `out` holds files and `overwrite` is False, where it holds no phantoms, or cannot be written.
    InputError
        Where two scenes would have the same file, or one cannot be laid out.
    """
    names = [(scene.subject, scene.visit, scene.site) for scene in scenes]
    if len(set(names)) != len(names):
        raise InputError("scenes: expected each subject, visit and site once, got one twice; rename it.")
    _make_room(out, overwrite=overwrite)
    written = []
    for settings in scenes:
        scene = write_scene(out, render_scene(settings, card))
        written.append(scene)
        if on_written is not None:
            on_written(scene)
    write_bytes(out / "truth.csv", _truth_csv(written))
    return written


def write_scene(out: Path, scene: PhantomScene) -> WrittenScene:
    """
    Write one scene's photograph and masks; each file appears whole or not at all.

    Parameters
    ----------
    out : path
        Folder of the phantoms.
    scene : PhantomScene
        What to write.

    Returns
    -------
    WrittenScene

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    settings = scene.settings
    file = f"{settings.subject}/{settings.visit}/{settings.site}.jpg"
    mask = f"truth/{settings.subject}/{settings.visit}/{settings.site}_mask.png"
    write_bytes(out / file, encode_jpeg(scene))
    write_bytes(out / mask, _encode_png(scene.mask))
    if scene.ignored.any():
        write_bytes(out / mask.replace("_mask.png", "_ignored.png"), _encode_png(scene.ignored * np.uint8(255)))
    return WrittenScene(file=file, mask=mask, truth=scene.truth)


def encode_jpeg(scene: PhantomScene) -> bytes:
    """
    Return the photograph as JPEG bytes with the EXIF of its camera.

    The picture is stored turned as `exif_orientation` says. 35 mm equivalent, size and colour space are
    noted; place and time are not.

    Parameters
    ----------
    scene : PhantomScene
        Rendered.

    Returns
    -------
    bytes
        Equal for equal scenes.
    """
    settings = scene.settings
    image = Image.fromarray(_stored(scene.srgb, settings.exif_orientation))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "oral-lesion", "phantom", settings.exif_orientation
    details = exif.get_ifd(_EXIF_IFD)
    details[0xA001], details[0xA002], details[0xA003] = 1, image.width, image.height
    details[0xA405] = settings.focal_length_35mm_mm
    target = io.BytesIO()
    image.save(
        target, "JPEG", quality=settings.jpeg_quality, subsampling=0 if settings.jpeg_quality >= 90 else 2,
        exif=exif, icc_profile=_srgb_profile(),
    )  # fmt: skip
    return target.getvalue()


def _stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the pixels as a file with this EXIF orientation holds them."""
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    return np.ascontiguousarray(turned)


def _srgb_profile() -> bytes:
    """Return an sRGB profile without the time of its making, which would make every file differ."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_ICC_DATE] = bytes((7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))
    return bytes(profile)


def _encode_png(pixels: NDArray[np.uint8]) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def _truth_csv(written: Iterable[WrittenScene]) -> bytes:
    target = io.StringIO(newline="")
    table = csv.DictWriter(target, TRUTH_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({"file": scene.file, "mask": scene.mask, **scene.truth.as_row()} for scene in written)
    return target.getvalue().encode()


def _make_room(out: Path, *, overwrite: bool) -> None:
    try:
        if not out.exists():
            out.mkdir(parents=True)
            return
        if not out.is_dir():
            raise OutputError(f"{out}: expected a folder, got a file; name another one.")
        if not any(out.iterdir()):
            return
        if not overwrite:
            raise OutputError(
                f"{out}: expected an empty folder, got one with files; name another one or add --overwrite."
            )
        if not (out / "truth.csv").is_file():
            raise OutputError(f"{out}: expected phantoms of an earlier run, got no truth.csv; name an empty folder.")
        _remove_listed(out)
    except OSError as error:
        raise OutputError(f"{out}: expected a folder to write to, got '{error.strerror}'; name another one.") from error


def _remove_listed(out: Path) -> None:
    """Remove what truth.csv lists, and nothing outside of the folder."""
    inside = out.resolve()
    with (out / "truth.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        mask = row.get("mask") or ""
        for name in (row.get("file") or "", mask, mask.replace("_mask.png", "_ignored.png")):
            path = (out / name).resolve()
            if name and path.is_relative_to(inside) and path.is_file():
                path.unlink()
    (out / "truth.csv").unlink()
