"""Colour of a decoded picture: to three channels, to sRGB, and whether there is colour at all."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image, ImageCms

__all__ = ["GREY_MODES", "channel_spread", "flattened", "to_srgb"]

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
"""Pillow's modes without colour."""

_SAME_AS_SRGB_LEVELS = 2
_PROBE_LEVELS = (0, 48, 104, 160, 208, 255)
_SAMPLES_PER_AXIS = 512


def flattened(image: Image.Image) -> Image.Image:
    """
    Return `image` without palette and transparency.

    An opaque alpha channel is dropped. Where pixels are transparent, they are composited on black, in the
    encoded values: what the photo does not show must not be measured, and black is never tissue.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded, in any mode with colour.

    Returns
    -------
    PIL.Image.Image
        In mode RGB or CMYK.

    Raises
    ------
    ValueError
        Where the mode has no conversion to RGB.
    """
    from PIL import Image

    transparent = image.mode in {"RGBA", "RGBa", "PA"} or "transparency" in image.info
    if image.mode == "CMYK" or (image.mode == "RGB" and not transparent):
        return image
    if not transparent:
        if image.mode not in {"P", "RGBX", "YCbCr"}:
            raise ValueError(f"mode {image.mode} has no conversion to RGB")
        return image.convert("RGB")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB")
    black = Image.new("RGB", rgba.size)
    black.paste(rgba.convert("RGB"), mask=alpha)
    return black


def to_srgb(image: Image.Image, icc_profile: bytes | None) -> tuple[Image.Image, bool]:
    """
    Return `image` in sRGB, converted from its ICC profile where that is not sRGB itself.

    The rendering intent is relative colorimetric. Without a profile, RGB is taken for sRGB, and CMYK is
    converted as R = (1 - C)(1 - K), G and B alike.

    Parameters
    ----------
    image : PIL.Image.Image
        In mode RGB or CMYK; may be changed in place.
    icc_profile : bytes or None
        As embedded in the file.

    Returns
    -------
    PIL.Image.Image
        In mode RGB.
    bool
        Whether the colours are as the file declares them; False where a profile is broken or a CMYK picture
        has none.
    """
    from PIL import ImageCms

    if not icc_profile:
        return (image, True) if image.mode == "RGB" else (image.convert("RGB"), False)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        if profile.profile.xcolor_space.strip() != image.mode:
            return image.convert("RGB"), False
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        if image.mode == "CMYK":
            converted = ImageCms.applyTransform(image, transform)
            return (converted, True) if converted is not None else (image.convert("RGB"), False)
        if not _is_identity(transform):
            ImageCms.applyTransform(image, transform, inPlace=True)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB"), False
    return image, True


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a conversion to sRGB changes no colour of a coarse grid by more than rounding."""
    from PIL import Image, ImageCms

    grid = np.array(np.meshgrid(_PROBE_LEVELS, _PROBE_LEVELS, _PROBE_LEVELS), dtype=np.uint8).reshape(3, -1).T
    probe = Image.fromarray(np.ascontiguousarray(grid[None]))
    ImageCms.applyTransform(probe, transform, inPlace=True)
    change = np.abs(np.asarray(probe)[0].astype(np.int16) - grid)
    return bool(change.max() <= _SAME_AS_SRGB_LEVELS)


def channel_spread(srgb: NDArray[np.uint8]) -> int:
    """
    Return the largest difference between a pixel's channels, on a regular subsample.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Any size.

    Returns
    -------
    int
        In levels of 255; 0 for a picture in grey.
    """
    height, width, _ = srgb.shape
    rows, columns = max(1, height // _SAMPLES_PER_AXIS), max(1, width // _SAMPLES_PER_AXIS)
    sample = srgb[::rows, ::columns].astype(np.int16)
    return int((sample.max(axis=2) - sample.min(axis=2)).max(initial=0))
