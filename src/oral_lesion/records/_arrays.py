"""Records that hold arrays: checked on construction, read-only, and rebuilt through the constructor."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oral_lesion.errors import InputError

__all__ = ["ArrayRecord", "read_only"]


def read_only(name: str, value: NDArray[Any], *, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """
    Return `value` as a read-only array after checking its dtype and its shape.

    Parameters
    ----------
    name : str
        Field name for the error message.
    value : ndarray
        Not copied: a writeable array is wrapped in a read-only view.
    dtype : dtype-like
        Demanded element type.
    shape : tuple of int or None
        Demanded shape; None admits any length on that axis.

    Returns
    -------
    ndarray
        Read-only view.

    Raises
    ------
    InputError
        Where dtype or shape differ.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype):
        got = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(f"{name}: expected an array of {np.dtype(dtype)}, got {got}; convert it first.")
    matches = len(value.shape) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, value.shape, strict=True)
    )
    if not matches:
        raise InputError(f"{name}: expected shape {shape} (None: any length), got {value.shape}.")
    view = value.view()
    view.flags.writeable = False
    return view


class ArrayRecord:
    """
    Base of records with arrays.

    NumPy drops the read-only flag on pickle and deepcopy, so both rebuild through the constructor.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return (_rebuild, (type(self), values))

    def _freeze(self, name: str, *, dtype: DTypeLike, shape: tuple[int | None, ...]) -> None:
        object.__setattr__(self, name, read_only(name, getattr(self, name), dtype=dtype, shape=shape))


def _rebuild(record: type[Any], values: dict[str, Any]) -> Any:
    return record(**values)
