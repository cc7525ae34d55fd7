"""A study whose photos lie at a URL: in a bucket, on a server. Each is read there when it is needed."""

from __future__ import annotations

import csv
import functools
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from oral_lesion.errors import Fault, InputError, MissingExtraError, Refused, SettingsError
from oral_lesion.io.manifest import MANIFEST_NAME
from oral_lesion.io.naming import printable
from oral_lesion.io.photo_limits import MAX_FILE_BYTES, require_file_size, unreadable
from oral_lesion.io.study_folders import READ_ELSEWHERE, STUDY_MANIFESTS, StudyFolders, find_study
from oral_lesion.io.subjects import SUBJECTS_NAME
from oral_lesion.io.visits import PHOTO_SUFFIXES

__all__ = ["PhotoAtUrl", "StudyPlace", "is_url", "study_place", "without_secrets"]

_TRIES = 3
_PAUSE_S = 1.0
_MAX_TABLE_BYTES = 10_000_000
_BY_HTTP = {"http", "https"}


@dataclass(frozen=True, slots=True)
class PhotoAtUrl:
    """
    A photo below a URL; it is read where it is needed, with the rights that are set up there.

    Parameters
    ----------
    base : str
        URL of the study's folder. May hold what lets one in, so it is never shown.
    path : str
        Relative to it, with forward slashes.
    """

    base: str = field(repr=False)
    path: str

    def read(self) -> bytes:
        """
        Return the whole file.

        Returns
        -------
        bytes

        Raises
        ------
        Refused
            ``unreadable`` or ``too-large``; the detail names neither file nor URL.
        """
        content = self._content(_TRIES)
        require_file_size(len(content))
        return content

    def _content(self, tries: int) -> bytes:
        try:
            files, root = _opened(self.base)
            with files.open(_below(root, self.path), "rb") as file:
                return bytes(file.read(MAX_FILE_BYTES + 1))
        except FileNotFoundError:
            raise unreadable("does not exist. Copy the photo to the study's URL.") from None
        except Exception as error:  # noqa: BLE001 - each kind of storage raises its own; texts may hold secrets
            if tries == 1:
                what = f"cannot be fetched ({type(error).__name__})"
                raise unreadable(f"{what}. Check network and rights, and run again.") from None
        time.sleep(_PAUSE_S)
        return self._content(tries - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlace:
    """
    Where a study lies, made ready to be searched.

    Parameters
    ----------
    path : Path
        A folder or manifest of this machine.
    find : callable
        Finds its photos, as `find_study`.
    """

    path: Path
    find: Callable[[Path, Sequence[str]], StudyFolders] = find_study


def is_url(text: str) -> bool:
    """
    Return whether a study is named by a URL.

    Parameters
    ----------
    text : str
        As given.

    Returns
    -------
    bool
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def without_secrets(url: str) -> str:
    """
    Return a URL without user, password, query and fragment: as it may be shown.

    Parameters
    ----------
    url : str
        Of any scheme.

    Returns
    -------
    str
    """
    scheme, separator, rest = url.rpartition("://")
    parts = urlsplit(f"//{rest}")
    return f"{scheme}{separator}{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def study_place(study: str) -> Iterator[StudyPlace]:
    """
    Make a study ready to be searched, wherever it lies.

    Parameters
    ----------
    study : str
        Folder or manifest of this machine; or the URL of a folder SUBJECT/VISIT/photos, or of a manifest, beside which
        ``subjects.csv`` may lie.

    Yields
    ------
    StudyPlace
        Of a URL, it lasts as long as the context.

    Raises
    ------
    InputError
        Where there is no photo, or nothing can be read.
    MissingExtraError
        Where a URL needs a package that is not installed.
    SettingsError
        Where a manifest of a single visit lies at the URL.
    """
    if not is_url(study):
        yield StudyPlace(path=Path(study))
        return
    if find_spec("fsspec") is None:
        raise MissingExtraError("A URL needs fsspec; install it with: pip install 'oral-lesion[scale]'")
    with tempfile.TemporaryDirectory(prefix="oral-lesion-study-") as folder:
        base, name, left_alone = _prepared(study, Path(folder))

        yield StudyPlace(
            path=Path(folder) / name, find=functools.partial(_find_below, base=base, left_alone=left_alone)
        )


def _find_below(manifest: Path, scheduled: Sequence[str], *, base: str, left_alone: tuple[str, ...]) -> StudyFolders:
    found = find_study(manifest, scheduled, source_of=functools.partial(PhotoAtUrl, base))
    return replace(found, left_alone=left_alone)


def _prepared(url: str, folder: Path) -> tuple[str, str, tuple[str, ...]]:
    """Put manifest and subjects.csv of a study at a URL into a folder; return its base URL and the manifest's name."""
    shown = without_secrets(url)
    left_alone: tuple[str, ...] = ()
    try:
        plain, mark, query = url.partition("?") if urlsplit(url).scheme in _BY_HTTP else (url, "", "")
        if Path(plain).suffix.lower() in STUDY_MANIFESTS:
            above, _, name = plain.rpartition("/")
            base = f"{above}{mark}{query}"
            (folder / name).write_bytes(_table_at(base, name))
        else:
            base, name = f"{plain.rstrip('/')}{mark}{query}", MANIFEST_NAME
            left_alone = _write_manifest(folder / name, _listed(base), shown)
        files, root = _opened(base)
        if files.exists(_below(root, SUBJECTS_NAME)):
            (folder / SUBJECTS_NAME).write_bytes(_table_at(base, SUBJECTS_NAME))
    except (InputError, SettingsError, MissingExtraError):
        raise
    except Refused as refused:
        raise InputError(f"{shown}: {refused.refusal.detail}") from None
    except ImportError as error:
        raise MissingExtraError(f"{shown}: this kind of URL needs a package of its own: {error}") from None
    except Exception as error:  # noqa: BLE001 - each kind of storage raises its own; texts may hold secrets
        raise InputError(
            f"{shown}: cannot be read ({type(error).__name__}). Check address, network and rights."
        ) from None
    return base, name, left_alone


def _listed(base: str) -> list[str]:
    files, root = _opened(base)
    above = str(root).rstrip("/") + "/"
    return sorted(str(name).removeprefix(above) for name in files.find(root))


def _write_manifest(manifest: Path, names: list[str], shown: str) -> tuple[str, ...]:
    """Write the manifest of photos SUBJECT/VISIT/FILE; return what is none."""
    photos, left_alone, faults = [], [], []
    for name in names:
        parts = name.split("/")
        if any(part.startswith(".") for part in parts) or parts[0] == "truth" or name in READ_ELSEWHERE:
            continue
        if parts[-1].lower() == MANIFEST_NAME:
            faults.append(Fault(name, "is not read at a URL; write one manifest of all photos, and name it as STUDY"))
        elif len(parts) == 3 and Path(name).suffix.lower() in PHOTO_SUFFIXES:
            photos.append(parts)
        else:
            left_alone.append(printable(name))
    if faults:
        raise SettingsError(shown, faults)
    if not photos:
        raise InputError(f"{shown}: no photo in SUBJECT/VISIT. Give the URL that the subjects' folders are below.")
    with manifest.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "subject", "visit"])
        rows.writerows(["/".join(parts), *parts[:2]] for parts in photos)
    return tuple(left_alone)


def _table_at(base: str, name: str) -> bytes:
    files, root = _opened(base)
    with files.open(_below(root, name), "rb") as file:
        content = bytes(file.read(_MAX_TABLE_BYTES + 1))
    if len(content) > _MAX_TABLE_BYTES:
        raise InputError(f"{without_secrets(base)}/{name}: larger than {_MAX_TABLE_BYTES // 10**6} MB.")
    return content


def _opened(base: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, root = url_to_fs(base)
    return files, root


def _below(root: str, path: str) -> str:
    """Return the address of a file below a folder; a query that lets one in stays at the end."""
    if urlsplit(root).scheme not in _BY_HTTP:
        return f"{root.rstrip('/')}/{path}"
    plain, mark, query = root.partition("?")
    return f"{plain.rstrip('/')}/{quote(path)}{mark}{query}"
