"""Light on the scene: named white points as linear sRGB gains."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError

__all__ = ["LIGHTS", "light_gains"]

# CIE 1931 chromaticities (x, y): D65, D55, D75, LED-B1 and A of CIE 15:2018; the last one is a cheap greenish
# lamp, above the Planckian locus near 4300 K.
LIGHTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "neutral": (0.31272, 0.32903),
        "daylight": (0.33242, 0.34743),
        "cool-flash": (0.29902, 0.31485),
        "warm-led": (0.4560, 0.4078),
        "tungsten": (0.44757, 0.40745),
        "fluorescent": (0.3700, 0.3950),
    }
)

_LINEAR_SRGB_FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
_LUMINANCE = np.array([0.2126729, 0.7151522, 0.0721750])


def light_gains(light: str, white_balance: float) -> NDArray[np.float64]:
    """
    Return what a light multiplies linear sRGB by, after the camera's incomplete white balance.

    Parameters
    ----------
    light : str
        A key of `LIGHTS`.
    white_balance : float
        Share of the cast, in [0, 1] on a logarithmic scale, that the camera takes out: 0 none, 1 all.

    Returns
    -------
    ndarray of float64, shape (3,)
        Red, green, blue; a grey keeps its luminance.

    Raises
    ------
    InputError
        Where the light has no such name.
    """
    if light not in LIGHTS:
        raise InputError(f"light: expected one of {', '.join(LIGHTS)}; got {light!r}.")
    x, y = LIGHTS[light]
    cast = _LINEAR_SRGB_FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y])
    if light == "neutral":
        return np.ones(3)
    left: NDArray[np.float64] = cast ** (1 - white_balance)
    return left / float(_LUMINANCE @ left)
