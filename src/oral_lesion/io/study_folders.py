"""The folders of a study, STUDY/SUBJECT/VISIT: all faults of all manifests at once, before any photo is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.errors import Fault, InputError, SettingsError
from oral_lesion.io.manifest import ManifestRow, read_study_manifest
from oral_lesion.io.naming import printable, sorting_key
from oral_lesion.io.photo_sources import PhotoSource
from oral_lesion.io.subjects import SUBJECTS_NAME
from oral_lesion.io.visits import VisitPhotos, find_photos, photos_of_rows
from oral_lesion.records import ALL

__all__ = ["READ_ELSEWHERE", "STUDY_MANIFESTS", "StudyFolders", "VisitFolder", "find_study", "same_photos"]

STUDY_MANIFESTS = {".csv", ".tsv", ".txt"}

READ_ELSEWHERE = {SUBJECTS_NAME, "truth.csv"}
"""Files beside the subjects' folders that are known, and no photos: strata, and what a phantom study really shows."""

_TRUTH = "truth"
"""Folder of a phantom study that holds its masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFolder:
    """
    One visit's folder.

    Parameters
    ----------
    subject_id : str
        Name of its parent folder.
    visit : str
        As its photos state it: the folder's name, or the one that the manifest puts in its place.
    path : Path
        Of the folder.
    found : VisitPhotos
        Its photos.
    place : str
        SUBJECT/VISIT as the folders, or the study's manifest, name them.
    """

    subject_id: str
    visit: str
    path: Path
    found: VisitPhotos
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFolders:
    """
    What a study's folder holds.

    Parameters
    ----------
    visits : tuple of VisitFolder
        By subject and folder.
    without_photos : tuple of str
        Folders of visits or subjects that hold no photo.
    left_alone : tuple of str
        Files outside of visits.
    """

    visits: tuple[VisitFolder, ...]
    without_photos: tuple[str, ...]
    left_alone: tuple[str, ...]

    @property
    def of_photos(self) -> tuple[Path, ...]:
        """Folders of photos that could be read, each once."""
        entries = (entry for visit in self.visits for entry in visit.found)
        return tuple(sorted({entry.path.parent for entry in entries if entry.refusal is None}))


def find_study(
    study: Path, scheduled: Sequence[str], *, source_of: Callable[[str], PhotoSource] | None = None
) -> StudyFolders:
    """
    Find all photos of a study.

    Parameters
    ----------
    study : Path
        Folder with a folder for each subject, which holds one for each visit. Hidden folders and ``truth`` are passed
        over. Or a manifest, a CSV file as `read_study_manifest` reads it.
    scheduled : sequence of str
        Names of the protocol's visits.
    source_of : callable or None
        Gives what reads a photo from its path in the manifest; None reads the file there.

    Returns
    -------
    StudyFolders
        With one visit or more.

    Raises
    ------
    InputError
        Where there is no such folder, or no photo at all in the folders of visits.
    SettingsError
        With all faults of all manifests, and all contradictions: a manifest that names another subject or another
        scheduled visit than its folder, or several visits; two folders of one visit; a visit that is spelt
        otherwise than in the schedule; a site photographed on several days of one visit.
    """
    if study.is_file() and study.suffix.lower() in STUDY_MANIFESTS:
        return _in_manifest(study, scheduled, source_of)
    subjects, files = _split(study)
    visits: list[VisitFolder] = []
    without: list[str] = []
    left_alone = [path.name for path in files if path.name not in READ_ELSEWHERE]
    faults: list[Fault] = []
    for subject in subjects:
        folders, loose = _split(subject)
        left_alone += [f"{subject.name}/{path.name}" for path in loose]
        if not folders:
            without.append(f"{subject.name}/")
        for folder in folders:
            try:
                visits.append(_visit_of(folder, scheduled, faults))
            except InputError:
                without.append(f"{subject.name}/{folder.name}/")
            except SettingsError as error:
                faults += [
                    Fault(f"{subject.name}/{folder.name}/{error.source}, {one.key}", one.message)
                    for one in error.faults
                ]
    faults += _faults_of_doubled_visits(visits)
    if faults:
        raise SettingsError(str(study), faults)
    if not visits:
        raise InputError(
            f"{study}: no photo in folders STUDY/SUBJECT/VISIT. Give the folder that holds the subjects' folders."
        )
    return StudyFolders(
        visits=tuple(visits),
        without_photos=tuple(printable(name) for name in without),
        left_alone=tuple(printable(name) for name in left_alone),
    )


def _in_manifest(
    manifest: Path, scheduled: Sequence[str], source_of: Callable[[str], PhotoSource] | None
) -> StudyFolders:
    rows: dict[tuple[str, str], list[ManifestRow]] = {}
    for row in read_study_manifest(manifest):
        rows.setdefault((row.subject or "", row.visit or ""), []).append(row)
    visits, faults = [], []
    for (subject, visit), of_visit in sorted(rows.items(), key=lambda pair: tuple(map(sorting_key, pair[0]))):
        found, place = photos_of_rows(manifest.parent, of_visit, source_of), f"{subject}/{visit}"
        faults += [Fault(place, message) for message in _faults_of_name(visit, scheduled)]
        faults += _faults_of_days(place, found)
        folder = found.entries[0].path.parent
        visits.append(VisitFolder(subject_id=subject, visit=visit, path=folder, found=found, place=place))
    faults += _faults_of_doubled_visits(visits)
    if faults:
        raise SettingsError(str(manifest), faults)
    if not visits:
        raise InputError(f"{manifest}: names no photo. Give the manifest of a study, or the folder of its subjects.")
    return StudyFolders(visits=tuple(visits), without_photos=(), left_alone=())


def same_photos(visits: Iterable[VisitFolder]) -> tuple[tuple[str, ...], ...]:
    """
    Return the photos that are the same file byte by byte in several visits.

    Parameters
    ----------
    visits : iterable of VisitFolder
        Of the study.

    Returns
    -------
    tuple of tuple of str
        SUBJECT/VISIT/FILE of each group, sorted.
    """
    by_hash: dict[str, list[tuple[str, str]]] = {}
    for visit in visits:
        for entry in visit.found:
            if entry.identity.sha256:
                by_hash.setdefault(entry.identity.sha256, []).append(
                    (visit.place, f"{visit.place}/{entry.identity.file}")
                )
    groups = [
        tuple(sorted(name for _, name in places))
        for places in by_hash.values()
        if len({place for place, _ in places}) > 1
    ]
    return tuple(sorted(groups))


def _split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the other files of a folder, sorted by name."""
    try:
        paths = sorted(folder.iterdir(), key=lambda path: sorting_key(path.name))
    except FileNotFoundError:
        raise InputError(f"{folder}: no such folder. Give the study's folder, which holds SUBJECT/VISIT.") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: expected the study's folder, got a file.") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}). Check that you may open it.") from error
    shown = [path for path in paths if not path.name.startswith(".") and path.name != _TRUTH]
    return [path for path in shown if path.is_dir()], [path for path in shown if not path.is_dir()]


def _visit_of(folder: Path, scheduled: Sequence[str], faults: list[Fault]) -> VisitFolder:
    found = find_photos(folder)
    subject, place = printable(folder.parent.name), f"{folder.parent.name}/{folder.name}"
    for other in sorted({entry.identity.subject_id for entry in found} - {subject}):
        faults.append(Fault(place, f"photos.csv names the subject {other!r}, the folder {subject!r}"))
    names = sorted({entry.identity.visit.name for entry in found})
    if len(names) > 1:
        faults.append(Fault(place, f"photos.csv names several visits ({', '.join(names)}); a folder is one visit"))
    elif names[0] != printable(folder.name) and folder.name in scheduled:
        faults.append(Fault(place, f"photos.csv names the visit {names[0]!r}, the folder {folder.name!r}"))
    faults.extend(Fault(place, message) for message in _faults_of_name(names[0], scheduled))
    faults.extend(_faults_of_days(place, found))
    return VisitFolder(subject_id=subject, visit=names[0], path=folder, found=found, place=place)


def _faults_of_name(visit: str, scheduled: Sequence[str]) -> Iterator[str]:
    if visit == ALL:
        yield f"a visit named {ALL!r} would be taken for all visits; rename it"
    for planned in scheduled:
        if visit != planned and _bare(visit) == _bare(planned):
            yield f"is named {visit!r}, which differs from the protocol's {planned!r} in its spelling alone; rename it"


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _faults_of_days(place: str, found: VisitPhotos) -> Iterator[Fault]:
    days: dict[str, set[str]] = {}
    for entry in found:
        if entry.identity.site is not None and entry.identity.visit.date is not None:
            days.setdefault(entry.identity.site, set()).add(entry.identity.visit.date.isoformat())
    for site, dates in sorted(days.items()):
        if len(dates) > 1:
            yield Fault(place, f"photos.csv dates photos of {site} on several days ({', '.join(sorted(dates))})")


def _faults_of_doubled_visits(visits: Sequence[VisitFolder]) -> Iterator[Fault]:
    first: dict[tuple[str, str], VisitFolder] = {}
    for visit in visits:
        other = first.setdefault((visit.subject_id.casefold(), visit.visit.casefold()), visit)
        if other is not visit:
            yield Fault(
                visit.place, f"is the visit {visit.visit!r}, and so is {other.place}; keep one folder for a visit"
            )
