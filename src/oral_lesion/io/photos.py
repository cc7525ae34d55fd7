"""Read a photo: from a file to a `Photo` record, or the reason why it cannot be read."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

from oral_lesion.errors import Refused
from oral_lesion.io.naming import leads_out, printable
from oral_lesion.io.photo_formats import decode
from oral_lesion.io.photo_limits import require_file_size, unreadable
from oral_lesion.records.photo import Photo, PhotoIdentity

__all__ = ["content_of", "photo_of", "read_file", "read_photo"]


def read_photo(path: Path, identity: PhotoIdentity, *, folder: Path | None = None) -> Photo:
    """
    Read a photo, upright and in sRGB.

    The file is read once: hash and picture come from the same bytes. Of its metadata, only orientation,
    colour profile and focal length are looked at, and none is kept.

    Parameters
    ----------
    path : Path
        Of the file. Its content decides on the format, not its name.
    identity : PhotoIdentity
        Which photo this is. An empty `sha256` is filled in; another one must be the file's.
    folder : Path or None
        Folder that the file must lie in, symbolic links resolved; None takes the one that `identity.file` is
        relative to.

    Returns
    -------
    Photo
        Flags: ``no-color-profile``, ``several-frames``.

    Raises
    ------
    Refused
        ``unreadable``, ``too-large``, ``too-small`` or ``not-color``; the detail names the file and the next
        step.
    """
    path = Path(path)
    name = printable(identity.file) or path.name
    return photo_of(lambda: content_of(path, identity, folder=folder), identity, name=name)


def content_of(path: Path, identity: PhotoIdentity, *, folder: Path | None = None) -> bytes:
    """
    Return the bytes of a photo's file, which must lie in its folder.

    Parameters
    ----------
    path : Path
        Of the file.
    identity : PhotoIdentity
        Which photo this is.
    folder : Path or None
        As for `read_photo`.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    Refused
        ``unreadable`` or ``too-large``; the detail does not name the file.
    """
    if leads_out(identity.file):
        raise unreadable("lies outside of its visit's folder. Copy the photo into the folder.")
    return read_file(path, folder=folder if folder is not None else _folder_of(path, identity.file))


def photo_of(read: Callable[[], bytes], identity: PhotoIdentity, *, name: str) -> Photo:
    """
    Return the photo that bytes are; otherwise as `read_photo`.

    Parameters
    ----------
    read : callable
        Gives the whole file.
    identity : PhotoIdentity
        Which photo this is.
    name : str
        For the details of refusals.

    Returns
    -------
    Photo
        As `read_photo` gives it.

    Raises
    ------
    Refused
        As `read_photo`.
    """
    try:
        content = read()
        sha256 = hashlib.sha256(content).hexdigest()
        if identity.sha256 not in {"", sha256}:
            raise unreadable("changed after the photos were listed. Run again once the folder is complete.")
        picture = decode(content)
    except Refused as refused:
        detail = f"{name}: {refused.refusal.detail}"
        raise Refused(dataclasses.replace(refused.refusal, detail=detail)) from refused
    return Photo(
        identity=dataclasses.replace(identity, sha256=sha256),
        srgb=picture.srgb,
        focal_length_px=picture.focal_length_px,
        jpeg_quality=picture.jpeg_quality,
        flags=picture.flags,
    )


def read_file(path: Path, *, folder: Path) -> bytes:
    """
    Read a regular file that lies in `folder`; nothing else is ever opened.

    Parameters
    ----------
    path : Path
        A symbolic link may lead to another file of the folder, not out of it.
    folder : Path
        The folder.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    Refused
        ``unreadable`` or ``too-large``; the detail does not name the file.
    """
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(folder.resolve(strict=True)):
            raise unreadable("leads out of its visit's folder. Copy the photo itself into the folder.")
        if not resolved.is_file():
            raise unreadable("is no regular file. Copy the photo itself into the folder.")
        require_file_size(resolved.stat().st_size)
        content = resolved.read_bytes()
    except FileNotFoundError:
        raise unreadable("does not exist. Copy the photo into the folder.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise unreadable("cannot be opened. Check that you may read it, and copy it again.") from error
    require_file_size(len(content))
    return content


def _folder_of(path: Path, file: str) -> Path:
    parts = len(Path(file.replace("\\", "/")).parts)
    parents = path.absolute().parents
    return parents[max(1, min(parts, len(parents))) - 1]
