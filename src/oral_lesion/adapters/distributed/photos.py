"""Photos on their way to workers that share no disk with this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oral_lesion.adapters.distributed.worker import ModelPlugin, bundle_sha256, segmenter_here
from oral_lesion.errors import BundleError, Refused
from oral_lesion.io.batch import BundleSegmenters
from oral_lesion.io.batch_photo import PhotoTask
from oral_lesion.io.photo_sources import SentPhoto
from oral_lesion.io.photos import content_of
from oral_lesion.io.visits import PhotoEntry

if TYPE_CHECKING:
    from oral_lesion.records import ModelIdentity, PhotoIdentity
    from oral_lesion.segment import Segmenter

__all__ = ["OneSegmenter", "PhotoShipping", "SentModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentModel:
    """
    A model that each worker has in memory: `BundleSegmenters` on a machine without the bundle's folder.

    Parameters
    ----------
    bundle_sha256 : str
        Of all files of the bundle.
    model : ModelIdentity
        That the tables state.
    working_mm_per_px : float
        Resolution that the model is made for.
    """

    bundle_sha256: str
    model: ModelIdentity
    working_mm_per_px: float

    def segmenter_for(self, photo: PhotoIdentity) -> Segmenter:  # noqa: ARG002 - the same model for every photo
        """
        Return the one segmenter of this worker.

        Parameters
        ----------
        photo : PhotoIdentity
            Makes no difference.

        Returns
        -------
        Segmenter
        """
        return segmenter_here(self.bundle_sha256)

    def sha256_for(self, photo: PhotoIdentity) -> str:  # noqa: ARG002 - the same model for every photo
        """
        Return the model's hash.

        Parameters
        ----------
        photo : PhotoIdentity
            Makes no difference.

        Returns
        -------
        str
        """
        return self.model.sha256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneSegmenter:
    """
    What segments one photo, such as its true mask; it travels with the photo.

    Parameters
    ----------
    segmenter : Segmenter or Exception
        Or what was raised in place of it.
    model : ModelIdentity
        That the tables state.
    working_mm_per_px : float
        Resolution that it is made for.
    sha256 : str
        Of what segments the photo.
    """

    segmenter: Segmenter | Exception
    model: ModelIdentity
    working_mm_per_px: float
    sha256: str

    def segmenter_for(self, photo: PhotoIdentity) -> Segmenter:  # noqa: ARG002 - it is for this one
        """
        Return the segmenter.

        Parameters
        ----------
        photo : PhotoIdentity
            The one that it is for.

        Returns
        -------
        Segmenter

        Raises
        ------
        Exception
            What was raised in place of it.
        """
        if isinstance(self.segmenter, Exception):
            raise self.segmenter
        return self.segmenter

    def sha256_for(self, photo: PhotoIdentity) -> str:  # noqa: ARG002 - it is for this one
        """
        Return the hash of what segments the photo.

        Parameters
        ----------
        photo : PhotoIdentity
            The one that it is for.

        Returns
        -------
        str
        """
        return self.sha256


class PhotoShipping:
    """Sends each photo's bytes with its task (one at a URL is read by the worker), and each model once a worker."""

    def __init__(self) -> None:
        self._bundles: dict[BundleSegmenters, str] = {}

    def plugins(self, items: Sequence[PhotoTask]) -> list[ModelPlugin]:
        """
        Return what is to be brought to each worker before any photo is.

        Parameters
        ----------
        items : sequence of PhotoTask
            All photos.

        Returns
        -------
        list of ModelPlugin
            One a model bundle.

        Raises
        ------
        BundleError
            Where a bundle cannot be read.
        """
        sources = {task.segmenters for task in items if isinstance(task.segmenters, BundleSegmenters)}
        plugins = []
        for source in sorted(sources, key=lambda one: str(one.bundle)):
            files = _files_of(source.bundle)
            self._bundles[source] = bundle_sha256(files)
            plugins.append(ModelPlugin(files))
        return plugins

    def packed(self, item: PhotoTask) -> PhotoTask:
        """
        Return a task that needs nothing of this machine.

        Parameters
        ----------
        item : PhotoTask
            Whose photo, where it lies on this machine, is read now.

        Returns
        -------
        PhotoTask
            Its pictures come back with its result.
        """
        return PhotoTask(entry=_sent_entry(item.entry), segmenters=self._sent_segmenters(item))

    def _sent_segmenters(self, item: PhotoTask) -> Any:
        source = item.segmenters
        if isinstance(source, BundleSegmenters):
            return SentModel(
                bundle_sha256=self._bundles[source], model=source.model, working_mm_per_px=source.working_mm_per_px
            )
        segmenter: Segmenter | Exception
        try:
            segmenter = source.segmenter_for(item.entry.identity)
        except Exception as error:  # noqa: BLE001 - it is the photo's failure, once it is known to be readable
            segmenter = error
        return OneSegmenter(
            segmenter=segmenter,
            model=source.model,
            working_mm_per_px=source.working_mm_per_px,
            sha256=source.sha256_for(item.entry.identity),
        )


def _sent_entry(entry: PhotoEntry) -> PhotoEntry:
    """Return an entry that does not tell where on this machine its photo lies."""
    source = entry.source
    if source is None and entry.refusal is None:
        try:
            source = SentPhoto(content=content_of(entry.path, entry.identity))
        except Refused as refused:
            source = SentPhoto(refusal=refused.refusal)
    return replace(entry, path=Path(entry.path.name), source=source)


def _files_of(bundle: Path) -> dict[str, bytes]:
    try:
        files = [path for path in bundle.iterdir() if path.is_file() and not path.name.startswith(".")]
        return {path.name: path.read_bytes() for path in sorted(files)}
    except OSError as error:
        raise BundleError(f"{bundle}: cannot be read ({error.strerror}); copy the whole directory again") from error
