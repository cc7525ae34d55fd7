"""Reading ids, orders and shifts that nobody can tell from a photo, or a photo from, without the key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

__all__ = ["SHIFT_PX", "Blinding"]

SHIFT_PX = 16
"""Largest shift of a picture from the middle of its canvas, in each direction."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: nothing to misread
_ID_LENGTH = 10


class Blinding:
    """
    Draws what hides a photo: from the seed and from what only the holder of the results has, the photos' hashes.

    A seed alone gives nothing away: whoever guesses it cannot check the guess, nor draw ids, without the hashes of all
    photos. The same seed and results give the same draws.

    Parameters
    ----------
    seed : int
        Of the worklist.
    photo_sha256s : iterable of str
        SHA-256 of each photo's file; their order does not matter.
    purpose : str
        Worklists for another purpose have other ids.
    """

    def __init__(self, seed: int, photo_sha256s: Iterable[str], *, purpose: str) -> None:
        secret = "\n".join([purpose, str(seed), *sorted(photo_sha256s)])
        self._secret = hashlib.sha256(secret.encode("utf-8")).digest()

    @property
    def worklist_id(self) -> str:
        """Name of the worklist, as random as a reading id."""
        return self._letters(self._drawn("worklist"))

    def reading_id(self, reader: str, place: str, occurrence: int) -> str:
        """
        Return the id of a reading.

        Parameters
        ----------
        reader : str
            Whose folder; another reader's id of the same photo has nothing in common with it.
        place : str
            SUBJECT/VISIT/PHOTO_ID.
        occurrence : int
            1, or 2 where the reader sees the photo again.

        Returns
        -------
        str
            Ten letters and digits, drawn evenly: the ids in their alphabetical order are the photos in a random one.
        """
        return self._letters(self._drawn("id", reader, place, str(occurrence)))

    def shift_rc_px(self, reader: str, place: str, occurrence: int) -> tuple[int, int]:
        """
        Return how far a picture lies from the middle of its canvas, so that no two readings have the same bytes.

        Parameters
        ----------
        reader, place, occurrence
            As for `reading_id`.

        Returns
        -------
        tuple of int
            Rows and columns, each from -16 to 16; other ones for the second occurrence than for the first.
        """
        first = self._shift(reader, place, 1)
        if occurrence == 1:
            return first
        again = self._shift(reader, place, occurrence)
        return again if again != first else (again[0], -again[1] if again[1] else 1)

    def rank(self, place: str) -> bytes:
        """
        Return what photos are sorted by where a random share of them is wanted.

        Parameters
        ----------
        place : str
            SUBJECT/VISIT/PHOTO_ID.

        Returns
        -------
        bytes
            To compare.
        """
        return self._drawn("rank", place)

    def _shift(self, reader: str, place: str, occurrence: int) -> tuple[int, int]:
        drawn = self._drawn("shift", reader, place, str(occurrence))
        rows, columns = (int.from_bytes(drawn[start : start + 8], "big") % (2 * SHIFT_PX + 1) for start in (0, 8))
        return rows - SHIFT_PX, columns - SHIFT_PX

    def _drawn(self, *message: str) -> bytes:
        return hmac.digest(self._secret, "\n".join(message).encode("utf-8"), "sha256")

    def _letters(self, drawn: bytes) -> str:
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in drawn[:_ID_LENGTH])
