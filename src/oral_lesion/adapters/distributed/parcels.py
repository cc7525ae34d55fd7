"""What travels is packed: the scheduler looks into nothing, and no log of a cluster shows names or pictures."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    Something on its way.

    Parameters
    ----------
    content : bytes
        Pickled.
    """

    content: bytes = field(repr=False)

    @classmethod
    def of(cls, thing: object) -> Parcel:
        """
        Pack something.

        Parameters
        ----------
        thing : object
            That can be pickled.

        Returns
        -------
        Parcel
        """
        return cls(pickle.dumps(thing, protocol=5))

    def opened(self) -> Any:
        """
        Return what was packed.

        Returns
        -------
        object
        """
        return pickle.loads(self.content)  # noqa: S301 - whoever may send it may run anything on the worker anyway
