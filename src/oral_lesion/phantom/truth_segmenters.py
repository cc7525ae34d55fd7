"""The true masks of a phantom visit in place of a model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath

from oral_lesion.errors import FormatError, InputError
from oral_lesion.records import ModelIdentity, PhotoIdentity
from oral_lesion.segment.known_mask import KnownMaskSegmenter

__all__ = ["TruthSegmenters"]


@dataclass(frozen=True, slots=True)
class TruthSegmenters:
    """
    For each photo of a phantom visit, a segmenter that knows its true mask.

    Parameters
    ----------
    masks : Path
        Folder of ``<stem>_mask.png``, as `oral-lesion phantom` writes it.
    working_mm_per_px : float
        The protocol's working resolution.
    """

    masks: Path
    working_mm_per_px: float

    @classmethod
    def of_visit(cls, visit: Path, working_mm_per_px: float) -> TruthSegmenters:
        """
        Find the true masks of a phantom visit.

        Parameters
        ----------
        visit : Path
            Folder OUT/SUBJECT/VISIT of `oral-lesion phantom OUT`.
        working_mm_per_px : float
            The protocol's working resolution.

        Returns
        -------
        TruthSegmenters

        Raises
        ------
        InputError
            Where the visit is no phantom's.
        """
        folder = visit.resolve()
        masks = folder.parent.parent / "truth" / folder.parent.name / folder.name
        if not masks.is_dir():
            raise InputError(
                f"{visit}: expected true masks in {masks}, found none; "
                "'--segmenter truth' is for visits that `oral-lesion phantom` rendered."
            )
        return cls(masks=masks, working_mm_per_px=working_mm_per_px)

    @property
    def model(self) -> ModelIdentity:
        """``truth``, without a hash: each photo has a mask of its own."""
        return ModelIdentity(name="truth", version="1", sha256="")

    def segmenter_for(self, photo: PhotoIdentity) -> KnownMaskSegmenter:
        """
        Return the segmenter that knows this photo's mask.

        Parameters
        ----------
        photo : PhotoIdentity
            Of the phantom visit.

        Returns
        -------
        KnownMaskSegmenter

        Raises
        ------
        FormatError
            Where its mask is missing or no picture.
        """
        import numpy as np
        from PIL import Image

        path = self._mask_of(photo)
        try:
            with Image.open(path) as picture:
                mask = np.array(picture.convert("L"))
        except (OSError, ValueError) as error:
            raise FormatError(f"{path}: expected the true mask of {photo.file}; render the phantom again.") from error
        return KnownMaskSegmenter(mask, self.working_mm_per_px)

    def sha256_for(self, photo: PhotoIdentity) -> str:
        """
        Return the hash of a photo's mask.

        Parameters
        ----------
        photo : PhotoIdentity
            Of the phantom visit.

        Returns
        -------
        str
            Empty where it cannot be read.
        """
        try:
            return hashlib.sha256(self._mask_of(photo).read_bytes()).hexdigest()
        except OSError:
            return ""

    def _mask_of(self, photo: PhotoIdentity) -> Path:
        return self.masks / f"{PurePath(photo.file).stem}_mask.png"
