"""Find the photos of a visit: each file becomes one entry, and none is lost."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from oral_lesion.errors import Flag, InputError, Refusal, Refused
from oral_lesion.io.manifest import MANIFEST_NAME, ManifestRow, read_manifest
from oral_lesion.io.naming import identifier, leads_out, printable, sorting_key
from oral_lesion.io.photo_formats import format_of
from oral_lesion.io.photo_limits import unreadable
from oral_lesion.io.photo_raw import RAW_SUFFIXES
from oral_lesion.io.photo_sources import PhotoSource
from oral_lesion.io.photos import photo_of, read_file, read_photo
from oral_lesion.io.sites import site_and_replicate_from_file_name, site_from_text
from oral_lesion.records.photo import Mirror, Photo, PhotoIdentity, Visit

__all__ = [
    "PHOTO_SUFFIXES",
    "PhotoEntry",
    "VisitPhotos",
    "find_photos",
    "flag_duplicates",
    "identify_photo",
    "photos_of_rows",
    "read_entry",
]

PHOTO_SUFFIXES = RAW_SUFFIXES | {
    ".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".dcm",
}  # fmt: skip

_LEFT_OUT = frozenset({"thumbs.db", "desktop.ini"})
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoEntry:
    """
    One photo of a visit, before it is decoded.

    Parameters
    ----------
    path : Path
        Of the file; not to be opened where there is a refusal.
    identity : PhotoIdentity
        With the file's hash; an empty hash where the file could not be read.
    flags : tuple of Flag
        ``site-unknown``, ``mirror-undeclared``, ``mirrored`` (as declared), ``duplicate-photo``.
    refusal : Refusal or None
        Why it cannot be read, where that is known already.
    source : PhotoSource or None
        What gives its bytes; None reads the file at `path`.
    """

    path: Path
    identity: PhotoIdentity
    flags: tuple[Flag, ...] = ()
    refusal: Refusal | None = None
    source: PhotoSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPhotos:
    """
    The photos of a visit; iterates over its entries.

    Parameters
    ----------
    folder : Path
        Of the visit.
    entries : tuple of PhotoEntry
        One a photo, by file name.
    ignored : tuple of str
        Names of files that are no photos, and of folders (with a slash), by name, without hidden files.
    unlisted : tuple of str
        Photos that the manifest does not name, where there is one. They are entries all the same.
    """

    folder: Path
    entries: tuple[PhotoEntry, ...]
    ignored: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[PhotoEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> PhotoEntry:
        return self.entries[index]


def find_photos(visit_folder: Path) -> VisitPhotos:
    """
    Find the photos of one visit, SUBJECT/VISIT, with or without a manifest (photos.csv).

    A photo is a file with the suffix of a picture, or a DICOM file without suffix, directly in the folder,
    and each file that the manifest names. Where the manifest names a file that is missing or lies outside the
    folder, the entry holds a refusal. Photos that the manifest does not name are entries as without one.

    Parameters
    ----------
    visit_folder : Path
        Its name is the visit, its parent's name the subject; a manifest's cells go before both.

    Returns
    -------
    VisitPhotos
        With at least one entry.

    Raises
    ------
    InputError
        Where the folder does not exist, cannot be read or holds no photo.
    SettingsError
        Where the manifest has faults; all are listed.
    """
    folder = Path(visit_folder)
    names = _names_in(folder)
    photos, ignored = _split_names(folder, names)
    manifests = [name for name in names if name.lower() == MANIFEST_NAME]
    rows = read_manifest(folder / manifests[0]) if manifests else []
    listed = [(_name_on_disk(_normal(row.file), names), row) for row in rows]
    named = {file for file, _ in listed}
    unlisted = [name for name in photos if name not in named]
    found = listed + [(name, ManifestRow(line=0, file=name)) for name in unlisted]
    if not found:
        raise InputError(_no_photo_message(folder, ignored))
    found.sort(key=lambda pair: sorting_key(pair[0]))
    entries = [_entry_of(folder, file, row) for file, row in found]
    return VisitPhotos(
        folder=folder,
        entries=flag_duplicates(_with_unique_ids(entries)),
        ignored=tuple(printable(name) for name in ignored if name not in named),
        unlisted=tuple(printable(name) for name in unlisted) if rows else (),
    )


def photos_of_rows(
    root: Path, rows: Iterable[ManifestRow], source_of: Callable[[str], PhotoSource] | None = None
) -> VisitPhotos:
    """
    Return the photos of one visit that a study's manifest names.

    Parameters
    ----------
    root : Path
        Folder of the manifest, which the photos lie in.
    rows : iterable of ManifestRow
        All rows of the visit, with their paths.
    source_of : callable or None
        Gives what reads a photo from its path; None reads the file there.

    Returns
    -------
    VisitPhotos
        By file name. A photo that is missing, or lies outside of `root`, has a refusal.
    """
    found = sorted(rows, key=lambda row: (sorting_key(row.file), sorting_key(row.path or "")))
    entries = [_entry_of(root, row.path or row.file, row, source_of) for row in found]
    return VisitPhotos(folder=root, entries=flag_duplicates(_with_unique_ids(entries)))


def identify_photo(path: Path) -> PhotoEntry:
    """
    Return the entry of one photo outside of any visit: subject and visit are taken from its folders' names.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    PhotoEntry
        With a refusal where the file cannot be read.
    """
    path = Path(path)
    return _entry_of(path.absolute().parent, path.name, ManifestRow(line=0, file=path.name))


def read_entry(entry: PhotoEntry) -> Photo:
    """
    Read an entry's photo, its flags included.

    Parameters
    ----------
    entry : PhotoEntry
        From `find_photos`.

    Returns
    -------
    Photo
        With the flags of the entry and of the reading.

    Raises
    ------
    Refused
        The entry's own refusal, or what `read_photo` gives.
    """
    if entry.refusal is not None:
        raise Refused(entry.refusal)
    if entry.source is None:
        photo = read_photo(entry.path, entry.identity)
    else:
        photo = photo_of(entry.source.read, entry.identity, name=printable(entry.identity.file))
    return dataclasses.replace(photo, flags=tuple(sorted({*entry.flags, *photo.flags})))


def flag_duplicates(entries: Iterable[PhotoEntry]) -> tuple[PhotoEntry, ...]:
    """
    Flag photos that are the same file byte by byte, all of them: ``duplicate-photo``.

    Parameters
    ----------
    entries : iterable of PhotoEntry
        Of one visit, or of a whole study.

    Returns
    -------
    tuple of PhotoEntry
        In the same order.
    """
    entries = tuple(entries)
    counts = Counter(entry.identity.sha256 for entry in entries if entry.identity.sha256)
    return tuple(
        dataclasses.replace(entry, flags=tuple(sorted({*entry.flags, Flag.DUPLICATE_PHOTO})))
        if counts[entry.identity.sha256] > 1
        else entry
        for entry in entries
    )


def _names_in(folder: Path) -> list[str]:
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except FileNotFoundError:
        raise InputError(f"{folder}: no such folder. Give the folder of one visit, SUBJECT/VISIT.") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: expected the folder of one visit, got a file.") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}). Check that you may open it.") from error
    visible = [name for name in names if not name.startswith(".") and name.lower() not in _LEFT_OUT]
    return sorted(visible, key=sorting_key)


def _split_names(folder: Path, names: list[str]) -> tuple[list[str], list[str]]:
    photos: list[str] = []
    ignored: list[str] = []
    for name in names:
        path = folder / name
        if path.is_dir():
            ignored.append(f"{name}/")
        elif Path(name).suffix.lower() in PHOTO_SUFFIXES or (not Path(name).suffix and _is_dicom(path)):
            photos.append(name)
        elif name.lower() != MANIFEST_NAME:
            ignored.append(name)
    return photos, ignored


def _is_dicom(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return format_of(file.read(132)) == "DICOM"
    except OSError:
        return False


def _no_photo_message(folder: Path, ignored: list[str]) -> str:
    kinds = "JPEG, PNG, TIFF, WebP, HEIC, DICOM or RAW"
    if not ignored:
        return (
            f"{folder}: no photo, the folder is empty. Copy photos ({kinds}) into it, or give the folder that has them."
        )
    named = ", ".join(printable(name) for name in ignored[:3])
    found = f" ({named}{', …' if len(ignored) > 3 else ''})" if ignored else ""
    next_step = "Give the folder of one visit." if any(name.endswith("/") for name in ignored) else "Copy them here."
    count = f"{len(ignored)} {'file or folder' if len(ignored) == 1 else 'files and folders'}"
    return f"{folder}: no photo among {count}{found}; expected {kinds}. {next_step}"


def _normal(file: str) -> str:
    """Return a manifest's file name with forward slashes; one that leads out of the folder stays as it is."""
    if leads_out(file):
        return file
    return "/".join(part for part in file.replace("\\", "/").split("/") if part not in {"", "."})


def _name_on_disk(file: str, names: list[str]) -> str:
    """Return the folder's own spelling of a name: other Unicode form, or other case where one file has it."""
    if file in names:
        return file
    for spelling in (sorting_key, lambda name: sorting_key(name.casefold())):
        alike = [name for name in names if spelling(name) == spelling(file)]
        if len(alike) == 1:
            return alike[0]
    return file


def _entry_of(
    folder: Path, file: str, row: ManifestRow, source_of: Callable[[str], PhotoSource] | None = None
) -> PhotoEntry:
    """Return the entry of one file: named by the manifest's row first, by the file and its folders second."""
    path, sha256, refusal = folder / file, "", None
    source = None if source_of is None else source_of(file)
    try:
        if leads_out(file):
            raise unreadable("lies outside of its visit's folder. Copy the photo into the folder.")
        content = read_file(path, folder=folder) if source is None else source.read()
        sha256 = hashlib.sha256(content).hexdigest()
    except Refused as refused:
        detail = f"{printable(file)}: {refused.refusal.detail}"
        refusal = dataclasses.replace(refused.refusal, detail=detail)
    if row.path is not None:
        file = row.file
    site, replicate = site_and_replicate_from_file_name(file)
    if row.site is not None:
        site = site_from_text(row.site)
    home = Path(os.path.abspath(folder))  # noqa: PTH100 - keeps symbolic links: their names are the site's
    identity = PhotoIdentity(
        photo_id=identifier(PurePosixPath(file.replace("\\", "/")).stem, sha256),
        file=printable(file.replace("\\", "/")),
        sha256=sha256,
        subject_id=row.subject or printable(home.parent.name) or _UNKNOWN,
        visit=Visit(name=row.visit or printable(home.name) or _UNKNOWN, date=row.visit_date),
        site=site,
        replicate=row.replicate or replicate,
        mirror=row.mirror,
    )
    flags = []
    if identity.mirror is not Mirror.DIRECT:
        flags.append(Flag.MIRRORED if identity.mirror is Mirror.MIRROR else Flag.MIRROR_UNDECLARED)
    if site is None:
        flags.append(Flag.SITE_UNKNOWN)
    return PhotoEntry(path=path, identity=identity, flags=tuple(sorted(flags)), refusal=refusal, source=source)


def _with_unique_ids(entries: list[PhotoEntry]) -> list[PhotoEntry]:
    taken: set[str] = set()
    unique = []
    for entry in entries:
        photo_id, number = entry.identity.photo_id, 2
        while photo_id in taken:
            photo_id = f"{entry.identity.photo_id}-{number}"
            number += 1
        taken.add(photo_id)
        unique.append(dataclasses.replace(entry, identity=dataclasses.replace(entry.identity, photo_id=photo_id)))
    return unique
