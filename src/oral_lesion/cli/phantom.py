"""`oral-lesion phantom`: photographs of known area, to check an installation or to practise with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oral_lesion.phantom import SceneSettings
    from oral_lesion.protocol import CardDefinition

__all__ = ["phantom"]


def phantom(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures; new or empty.", show_default=False)],
    subjects: Annotated[int, typer.Option(help="Number of subjects.")] = 1,
    visits: Annotated[int, typer.Option(help="Visits of each, four weeks apart.")] = 2,
    sites: Annotated[
        str, typer.Option(help="With commas between. [default: three]", show_default=False)
    ] = "buccal-left,buccal-right,tongue-ventral",
    healing: Annotated[float, typer.Option(help="Share left from visit to visit.")] = 0.55,
    areas: Annotated[
        str | None,
        typer.Option(help="At baseline, mm², with commas. [default: drawn]", show_default=False),
    ] = None,
    card: Annotated[str, typer.Option(help="Which one.")] = "colorchecker-classic-nano",
    no_card: Annotated[bool, typer.Option("--no-card", help="Leave the card out.")] = False,
    card_share: Annotated[
        float | None,
        typer.Option(help="Card over picture's width. [default: 0.35]", show_default=False),
    ] = None,
    width: Annotated[int, typer.Option(help="Width in pixels.")] = 1600,
    height: Annotated[
        int | None, typer.Option(help="Height in pixels. [default: 3/4 of the width]", show_default=False)
    ] = None,
    tilt: Annotated[float, typer.Option(help="Degrees off the plane's normal.")] = 5.0,
    azimuth: Annotated[
        float | None, typer.Option(help="Direction of the tilt. [default: drawn]", show_default=False)
    ] = None,
    focal_length: Annotated[int, typer.Option(help="Equivalent at 35 mm, in mm.")] = 60,
    light: Annotated[
        str, typer.Option(help="neutral, daylight, cool-flash, warm-led, tungsten or fluorescent.")
    ] = "daylight",
    white_balance: Annotated[float, typer.Option(help="Share of the cast taken out.")] = 0.6,
    exposure: Annotated[float, typer.Option(help="Exposure in stops.")] = 0.0,
    noise: Annotated[float, typer.Option(help="Deviation at level 0.18.")] = 0.006,
    blur: Annotated[float, typer.Option(help="Defocus: deviation in px.")] = 0.0,
    glare: Annotated[float, typer.Option(help="Saliva's highlights, 0 to 1.")] = 0.3,
    card_glare: Annotated[int, typer.Option(help="Patches washed out.")] = 0,
    shading: Annotated[float, typer.Option(help="Uneven light, 0 to 1.")] = 0.15,
    quality: Annotated[int, typer.Option(help="JPEG quality.")] = 92,
    orientation: Annotated[int, typer.Option(help="EXIF orientation of the files.")] = 1,
    mirrored: Annotated[bool, typer.Option("--mirrored", help="As seen in a mouth mirror.")] = False,
    background: Annotated[
        Path | None, typer.Option(help="Photograph in place of drawn tissue.", show_default=False)
    ] = None,
    background_mask: Annotated[
        Path | None, typer.Option(help="Its mask: 255 erosion, 128 ignored, 0 other.", show_default=False)
    ] = None,
    background_width: Annotated[float, typer.Option(help="Width in mm of the photograph.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal files.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run's phantoms.")] = False,
) -> None:
    """
    Make photographs of known area, scale and tilt, with truth.csv beside them.

    Example: oral-lesion phantom phantoms --visits 3 --tilt 10 --light warm-led
    """
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes

    base = SceneSettings(
        seed=seed, width_px=width, height_px=round(0.75 * width) if height is None else height,
        card_share=card_share, tilt_deg=tilt, azimuth_deg=azimuth, focal_length_35mm_mm=focal_length,
        light=light, white_balance=white_balance, exposure_ev=exposure, noise=noise, blur_px=blur, glare=glare,
        card_glare_patches=card_glare, shading=shading, jpeg_quality=quality, exif_orientation=orientation,
        mirrored=mirrored, with_card=not no_card, lesion_areas_mm2=_numbers(areas), background=background,
        background_mask=background_mask, background_width_mm=background_width,
    )  # fmt: skip
    plan = StudyPlan(
        subjects=subjects,
        visits=1 if background is not None else visits,
        sites=tuple(site.strip() for site in sites.split(",") if site.strip()),
        healing=healing,
    )
    _write(out, plan_scenes(plan, base), load_card(card), overwrite=overwrite)


def _numbers(text: str | None) -> tuple[float, ...] | None:
    from oral_lesion.errors import InputError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"areas: expected numbers with commas between, like 80,25; got {text!r}.") from error


def _write(out: Path, scenes: list[SceneSettings], card: CardDefinition, *, overwrite: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from oral_lesion.phantom import write_phantoms

    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Rendering", total=len(scenes))
        written = write_phantoms(out, scenes, card, overwrite=overwrite, on_written=lambda _: progress.advance(task))
    table = Table("photo", "erosions", "area mm²", "mm/px", title=None)
    for scene in written:
        truth = scene.truth
        table.add_row(scene.file, str(truth.lesion_count), f"{truth.erosion_area_mm2:.2f}", f"{truth.mm_per_px:.4f}")
    console.print(table)
    typer.echo(f"{len(written)} photos in {out}; their truth: {out / 'truth.csv'}")
