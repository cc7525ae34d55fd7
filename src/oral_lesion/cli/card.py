"""`oral-lesion card`: print the open card, and take in what was measured on it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from oral_lesion.io.texts import Language

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


class CardSize(StrEnum):
    """Which open card."""

    CARD = "card"
    STRIP = "strip"


class Paper(StrEnum):
    """What it is printed on."""

    A4 = "a4"
    LETTER = "letter"


_NAMES = {CardSize.CARD: "open-card-54x86", CardSize.STRIP: "open-strip-15x60"}


@app.callback(invoke_without_command=True)
def card(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="PDF to write.", show_default=False)] = None,
    size: Annotated[
        CardSize, typer.Option(help="'card' is 54 × 86 mm; 'strip' 15 × 60 mm, for a mirror's handle.")
    ] = CardSize.CARD,
    paper: Annotated[Paper, typer.Option(help="Paper in the printer.")] = Paper.A4,
    batch: Annotated[
        str | None, typer.Option(help="Name of the print run. [default: a line to write on]", show_default=False)
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the words on the sheet.")] = Language.ENGLISH,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """
    Print the open card: a PDF at true size with a guide for the site. Colours count once a batch is measured.

    Example: oral-lesion card -o card.pdf --size strip --batch 2026-11
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise typer.BadParameter("expected the PDF to write, like -o card.pdf.", param_hint="--out")
    from oral_lesion.adapters.card import card_pdf
    from oral_lesion.errors import OutputError
    from oral_lesion.io.naming import printable
    from oral_lesion.io.one_by_one import require_free_file, write_bytes
    from oral_lesion.io.settings import load_card

    if out.is_dir():
        raise OutputError(f"{out} is a folder; name the PDF to write in it, such as {out / 'card.pdf'}.")
    require_free_file(out, overwrite=overwrite)
    name = printable(batch or "") or None
    write_bytes(out, card_pdf(load_card(_NAMES[size]), paper=paper.value, batch=name, language=language))
    typer.echo(f"{out}: print at 100 % on matte paper, then measure the two 50 mm lines.")


@app.command("measure", short_help="Take in the measured colours of a batch.")
def measure(
    file: Annotated[Path, typer.Argument(help="CGATS.17 text, CxF3 XML or CSV (name,L,a,b).", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Batch file (TOML) to write.", show_default=False)],
    batch: Annotated[str, typer.Option(help="Name of the print run, as on its cards.", show_default=False)],
    of: Annotated[
        str, typer.Option("--card", help="The card that was measured: a name or a file.")
    ] = "open-card-54x86",
    d50_2deg: Annotated[
        bool, typer.Option("--d50-2deg", help="State that the values are for D50 and 2 degrees.")
    ] = False,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Take the samples in the card's order, whatever their names.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """
    Take in what a spectrophotometer measured on a batch of printed cards; the file written is used as the card.

    Example: oral-lesion card measure batch.cgats -o batch.toml --batch 2026-11
    """
    from oral_lesion.io.batch_colors import measure_batch, write_batch
    from oral_lesion.io.settings import load_card

    colors = measure_batch(file, load_card(of), batch=batch, stated_d50_2deg=d50_2deg, in_order=in_order)
    write_batch(out, colors, overwrite=overwrite)
    typer.echo(
        f"{out}: {len(colors.names)} patches of {colors.card}, batch {colors.batch}, read {colors.readings} times each "
        f"or more (spread {colors.repeat_delta_e00:.2f} ΔE00). Name this file as the card."
    )
