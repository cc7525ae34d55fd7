"""Model card: metadata.json as a page for people."""

from __future__ import annotations

from collections.abc import Iterable

from oral_lesion.io.bundle.card_calibrations import render_calibrations
from oral_lesion.io.bundle.metadata import BundleMetadata

__all__ = ["render_licence", "render_model_card"]

NO_PICTURES = "- not stated\n"

_WARNING = "**Research use only, not validated for pemphigus; retrain on your trial's own annotated photographs.**"

_PASSES = {"none": "one", "mirror": "two: as it is, and mirrored left to right; their mean counts"}


def render_licence(metadata: BundleMetadata) -> str:
    """
    Return what may be done with the weights, as a text file.

    Parameters
    ----------
    metadata : BundleMetadata
        What is known of the model.

    Returns
    -------
    str
        The licence, what the weights are for, and the licences of the pictures that they come from.
    """
    pictures = "".join(f"- {data.name}: {data.licence} ({data.source})\n" for data in metadata.training_data)
    return (
        f"Licence of the weights of {metadata.name} {metadata.version}: {metadata.licence}.\n\n"
        f"Intended use: {metadata.intended_use}\n\n"
        "The weights were trained on pictures with these licences:\n"
        f"{pictures or NO_PICTURES}\n"
        "The licence of the program that reads them is another: it does not extend to these weights.\n"
    )


def render_model_card(metadata: BundleMetadata, *, model_sha256: str, model_bytes: int) -> str:
    """
    Return the model card as Markdown; it says nothing that the metadata do not hold.

    Parameters
    ----------
    metadata : BundleMetadata
        What is known of the model.
    model_sha256 : str
        Hash of model.onnx.
    model_bytes : int
        Size of model.onnx in bytes.

    Returns
    -------
    str
        Markdown.
    """
    sections = [
        f"# {metadata.name} {metadata.version}",
        _WARNING,
        metadata.intended_use,
        "## What it is",
        _table(("", ""), _identity_rows(metadata, model_sha256, model_bytes)),
        "## What it was trained on",
        _table(
            ("data", "pictures", "licence", "source"),
            ((data.name, str(data.pictures), data.licence, data.source) for data in metadata.training_data),
        ),
        f"Licence of the weights: {metadata.licence}",
        "How it was trained:",
        _list([*metadata.training.stages, *_training_lines(metadata)]),
        "## What was measured",
        _figures(metadata),
        "## How it was calibrated",
        render_calibrations(metadata),
        "## Limits",
        _list(metadata.limits),
        "---",
        "Written from metadata.json; do not edit by hand.",
    ]
    return "\n\n".join(sections) + "\n"


def _identity_rows(metadata: BundleMetadata, model_sha256: str, model_bytes: int) -> list[tuple[str, str]]:
    ports = [
        (role, f"`{port.name}` {port.dtype} ({', '.join(port.axes)}): {port.content}")
        for role, port in (("input", metadata.input), ("output", metadata.output))
    ]
    return [
        ("model.onnx", f"{model_bytes / 1e6:.1f} MB, SHA-256 `{model_sha256}`"),
        ("created", metadata.created.isoformat()),
        ("classes", ", ".join(metadata.classes)),
        *ports,
        ("sides", f"multiples of {metadata.multiple_of_px} px"),
        ("working resolution", f"{metadata.working_mm_per_px:g} mm/px"),
        ("recommended threshold", f"{metadata.threshold:g}"),
        ("passes over a picture", _PASSES[metadata.test_time_augmentation]),
    ]


def _training_lines(metadata: BundleMetadata) -> list[str]:
    training = metadata.training
    return [
        f"encoder {training.encoder}, weights begun as {training.initial_weights}",
        f"{training.epochs} epochs, {training.crops} crops, seed {training.seed}, "
        f"settings SHA-256 `{training.settings_sha256}`",
    ]


def _figures(metadata: BundleMetadata) -> str:
    if not metadata.figures:
        return "Nothing yet."
    commands = list(dict.fromkeys(figure.command for figure in metadata.figures))
    rows = (
        (
            figure.name,
            f"{figure.value:.4g}{' ' + figure.unit if figure.unit else ''}",
            figure.data_set,
            str(figure.n),
        )
        for figure in metadata.figures
    )
    table = _table(("figure", "value", "on", "n"), rows)
    return f"{table}\n\nThese commands give the figures again:\n\n```\n" + "\n".join(commands) + "\n```"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
