"""Model bundle: a directory with the model, what is known of it, its card and their hashes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from oral_lesion.errors import BundleError, OutputError
from oral_lesion.io.bundle.card import render_licence, render_model_card
from oral_lesion.io.bundle.metadata import BundleMetadata
from oral_lesion.protocol import faults_of
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.onnx import OnnxSegmenter

__all__ = ["ModelBundle", "load_bundle", "open_segmenter", "write_bundle"]

MODEL_NAME = "model.onnx"
INT8_NAME = "model-int8.onnx"
METADATA_NAME = "metadata.json"
CARD_NAME = "model-card.md"
LICENSE_NAME = "LICENSE"
SUMS_NAME = "SHA256SUMS"

_REMEDY = "copy the whole directory again, or export the model again with `oral-lesion export`"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBundle:
    """
    A bundle whose hashes were checked.

    Parameters
    ----------
    path : Path
        Directory.
    metadata : BundleMetadata
        What is known of the model.
    model_bytes : bytes
        The ONNX model.
    model_sha256 : str
        Its hash, 64 hexadecimal digits.
    int8_bytes : bytes or None
        The model in eight-bit integers, where the bundle has it.
    """

    path: Path
    metadata: BundleMetadata
    model_bytes: bytes
    model_sha256: str
    int8_bytes: bytes | None = None

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and hash, as every result row carries them."""
        return ModelIdentity(name=self.metadata.name, version=self.metadata.version, sha256=self.model_sha256)

    def open_segmenter(self, threads: int = 1, *, precision: Literal["fp32", "int8"] = "fp32") -> OnnxSegmenter:
        """
        Open the model.

        Parameters
        ----------
        threads : int
            Threads within one picture.
        precision : {"fp32", "int8"}
            Which of the bundle's models.

        Returns
        -------
        OnnxSegmenter
            Ready to run, as the metadata say.

        Raises
        ------
        BundleError
            The file is no ONNX model, or not one of this package's format; or there is none of that precision.
        """
        name, identity, content = MODEL_NAME, self.identity, self.model_bytes
        if precision == "int8":
            name = INT8_NAME
            if self.int8_bytes is None or self.metadata.int8 is None:
                raise BundleError(f"{self.path}: has no {name}; use the fp32 model, or export it with --int8")
            identity = replace(identity, sha256=self.metadata.int8.sha256)
            content = self.int8_bytes
        try:
            return OnnxSegmenter(
                content,
                identity,
                self.metadata.threshold,
                self.metadata.working_mm_per_px,
                threads,
                self.metadata.inference_options,
            )
        except BundleError as error:
            raise BundleError(f"{self.path / name}: {error}") from error


def open_segmenter(path: Path, threads: int = 1) -> OnnxSegmenter:
    """
    Load a bundle, check it, and open its model.

    Parameters
    ----------
    path : Path
        Directory of the bundle.
    threads : int
        Threads within one picture.

    Returns
    -------
    OnnxSegmenter
        Ready to run.

    Raises
    ------
    BundleError
        A file is missing, damaged, or not what it must be; the message names it and the remedy.
    """
    return load_bundle(path).open_segmenter(threads)


def load_bundle(path: Path) -> ModelBundle:
    """
    Load a bundle and check its hashes and metadata.

    Parameters
    ----------
    path : Path
        Directory of the bundle.

    Returns
    -------
    ModelBundle
        The checked bundle; the model is not opened yet.

    Raises
    ------
    BundleError
        A file is missing, its hash differs, or the metadata have faults (all are named).
    """
    if not path.is_dir():
        raise BundleError(f"{path}: no such model directory; name a directory that `oral-lesion export` wrote")
    sums = _read_sums(path)
    contents = {name: _read_checked(path / name, sums.get(name)) for name in (MODEL_NAME, METADATA_NAME, CARD_NAME)}
    if LICENSE_NAME in sums:  # bundles of earlier versions have none
        _read_checked(path / LICENSE_NAME, sums[LICENSE_NAME])
    try:
        metadata = BundleMetadata.model_validate_json(contents[METADATA_NAME])
    except ValidationError as error:
        faults = "; ".join(f"{fault.key}: {fault.message}" for fault in faults_of(error))
        raise BundleError(f"{path / METADATA_NAME}: {faults}; {_REMEDY}") from error
    return ModelBundle(
        path=path,
        metadata=metadata,
        model_bytes=contents[MODEL_NAME],
        model_sha256=sums[MODEL_NAME],
        int8_bytes=_read_int8(path, metadata, sums),
    )


def write_bundle(
    path: Path,
    metadata: BundleMetadata,
    model_bytes: bytes,
    *,
    int8_bytes: bytes | None = None,
    overwrite: bool = False,
) -> ModelBundle:
    """
    Write a bundle; its card is rendered from the metadata. The directory appears whole or not at all.

    Parameters
    ----------
    path : Path
        Directory to write.
    metadata : BundleMetadata
        What is known of the model.
    model_bytes : bytes
        The ONNX model.
    int8_bytes : bytes or None
        The model in eight-bit integers, where the metadata say that it is in the bundle; None keeps that of the bundle
        that is there, where it is the one that the metadata mean.
    overwrite : bool
        Replace a bundle that is there.

    Returns
    -------
    ModelBundle
        What was written.

    Raises
    ------
    OutputError
        The directory is there and `overwrite` is off, is not a bundle, or cannot be written; or the model in eight-bit
        integers is not the one that the metadata mean.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: is there already; name another directory, or allow it with --overwrite")
    if path.exists() and not (path.is_dir() and (path / SUMS_NAME).is_file()):
        raise OutputError(f"{path}: is not a model directory, so it is not replaced; name another directory")
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    card = render_model_card(metadata, model_sha256=sha256, model_bytes=len(model_bytes))
    int8_bytes = _int8_to_write(path, metadata, int8_bytes)
    contents = {
        MODEL_NAME: model_bytes,
        **({} if int8_bytes is None else {INT8_NAME: int8_bytes}),
        METADATA_NAME: (metadata.model_dump_json(indent=2) + "\n").encode(),
        CARD_NAME: card.encode(),
        LICENSE_NAME: render_licence(metadata).encode(),
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    try:
        _replace_directory(path, {**contents, SUMS_NAME: sums.encode()})
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error}); free space, or name another directory") from error
    return ModelBundle(
        path=path, metadata=metadata, model_bytes=model_bytes, model_sha256=sha256, int8_bytes=int8_bytes
    )


def _int8_to_write(path: Path, metadata: BundleMetadata, given: bytes | None) -> bytes | None:
    """Return the eight-bit model that the metadata mean, or None where they mean none."""
    if metadata.int8 is None or not metadata.int8.written:
        return None
    try:
        content = (path / INT8_NAME).read_bytes() if given is None else given
    except OSError as error:
        raise OutputError(f"{path / INT8_NAME}: the metadata name it, but it is not there; export it again") from error
    if hashlib.sha256(content).hexdigest() != metadata.int8.sha256:
        raise OutputError(f"{path / INT8_NAME}: is not the model that the metadata mean; export it again with --int8")
    return content


def _read_int8(path: Path, metadata: BundleMetadata, sums: dict[str, str]) -> bytes | None:
    """Read the eight-bit model where the metadata say that it is there."""
    if metadata.int8 is None or not metadata.int8.written:
        return None
    content = _read_checked(path / INT8_NAME, sums.get(INT8_NAME))
    if sums[INT8_NAME] != metadata.int8.sha256:
        raise BundleError(f"{path / INT8_NAME}: is not the model that {METADATA_NAME} means; {_REMEDY}")
    return content


def _replace_directory(path: Path, contents: dict[str, bytes]) -> None:
    """Write files into a new directory beside `path`, then exchange the two."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        fresh.chmod(0o755)
        for name, content in contents.items():
            (fresh / name).write_bytes(content)
        if path.exists():
            old = fresh.with_name(fresh.name + ".old")
            path.rename(old)
            fresh.rename(path)
            shutil.rmtree(old)
        else:
            fresh.rename(path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _read_sums(path: Path) -> dict[str, str]:
    """Read SHA256SUMS: two columns, hash and file name."""
    if not any((path / name).exists() for name in (SUMS_NAME, MODEL_NAME)):
        raise BundleError(f"{path}: is no model directory, for it has neither {SUMS_NAME} nor {MODEL_NAME}; {_REMEDY}")
    try:
        lines = (path / SUMS_NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path / SUMS_NAME}: missing or not readable; {_REMEDY}") from error
    sums = {}
    for line in lines:
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise BundleError(f"{path / SUMS_NAME}: expected lines of hash and file name, got {line!r}; {_REMEDY}")
        sums[name.strip()] = digest.lower()
    return sums


def _read_checked(file: Path, sha256: str | None) -> bytes:
    """Read a file of the bundle and compare its hash."""
    if sha256 is None:
        raise BundleError(f"{file.parent / SUMS_NAME}: has no line for {file.name}; {_REMEDY}")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BundleError(f"{file}: missing or not readable; {_REMEDY}") from error
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise BundleError(f"{file}: expected SHA-256 {sha256[:12]}…, got {got[:12]}…: it was changed; {_REMEDY}")
    return content
