"""Where a photo's bytes come from when they do not lie in a folder of this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from oral_lesion.errors import Refusal, Refused

__all__ = ["PhotoSource", "SentPhoto"]


class PhotoSource(Protocol):
    """Gives the bytes of one photo; travels to worker processes."""

    def read(self) -> bytes:
        """
        Return the whole file.

        Returns
        -------
        bytes

        Raises
        ------
        Refused
            ``unreadable`` or ``too-large``; the detail does not name the file.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPhoto:
    """
    A photo that travels with its task, or the reason why it could not be read where it lies.

    Parameters
    ----------
    content : bytes
        The whole file.
    refusal : Refusal or None
        In place of the content.
    """

    content: bytes = field(default=b"", repr=False)
    refusal: Refusal | None = None

    def read(self) -> bytes:
        """
        Return what was sent.

        Returns
        -------
        bytes

        Raises
        ------
        Refused
            What reading gave.
        """
        if self.refusal is not None:
            raise Refused(self.refusal)
        return self.content
