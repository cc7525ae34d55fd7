"""One writer at a time: a lock on an open file, which the system gives back when the process ends, however it ends."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oral_lesion.errors import OutputError

__all__ = ["file_locked"]

_PAUSE_S = 0.01
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}

if sys.platform == "win32":  # no shared locks here: readers wait as writers do
    import msvcrt
    import os

    _PLACE = 1 << 30  # far behind any entry: Windows keeps others from reading locked bytes

    def _try_to_lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001 - as said above
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_to_lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def file_locked(descriptor: int, path: Path, *, timeout_s: float, shared: bool = False) -> Iterator[None]:
    """
    Hold a lock on an open file against all other processes that ask for it.

    Parameters
    ----------
    descriptor : int
        Of the open file.
    path : Path
        Its name, for the message.
    timeout_s : float
        How long (s) to wait for others.
    shared : bool
        Let others read at the same time, but not write.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    OutputError
        Where others hold it for too long, or the file system has no locks.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            _try_to_lock(descriptor, shared=shared)
            break
        except OSError as error:
            if error.errno not in _BUSY:
                raise OutputError(
                    f"{path}: cannot be locked ({error.strerror}). Keep it on a disk that has file locks."
                ) from error
            if time.monotonic() > until:
                waited = f"has been writing to it for {timeout_s:g} s" if timeout_s else "is writing to it"
                raise OutputError(f"{path}: another run {waited}. Wait for it, then run again.") from error
        time.sleep(_PAUSE_S)
    try:
        yield
    finally:
        _unlock(descriptor)
