"""What a run of a study will do with each photo: score it, keep what there is, or score it again, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from oral_lesion._version import __version__
from oral_lesion.errors import Flag, InputError, Reason
from oral_lesion.io.batch import SegmenterSource
from oral_lesion.io.pictures import PICTURE_NAMES
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.results_store import ResultsStore, StoredOutcome, iter_outcomes, iter_runs
from oral_lesion.io.study_folders import VisitFolder
from oral_lesion.io.visits import PhotoEntry
from oral_lesion.protocol import ScoringProtocol

__all__ = ["OF_THE_MACHINE", "Action", "PlannedPhoto", "plan_study", "require_unchanged"]

OF_THE_MACHINE = frozenset({Reason.WORKER_CRASHED, Reason.TIME_LIMIT, Reason.OUT_OF_MEMORY, Reason.SCORING_FAILED})
"""Reasons that say nothing of the photo as a photo: it may be tried again."""


class Action(StrEnum):
    """What is done with a photo."""

    SCORE = "score"
    KEEP = "keep"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPhoto:
    """
    A photo, and what is to be done with it.

    Parameters
    ----------
    place : str
        SUBJECT/VISIT of its folder.
    entry : PhotoEntry
        The photo.
    action : Action
        What.
    why : str
        For people; empty for `score` and `keep`.
    changed : bool
        Whether there is a result of a file of this name with other bytes.
    """

    place: str
    entry: PhotoEntry
    action: Action
    why: str = ""
    changed: bool = False


def plan_study(
    visits: Iterable[VisitFolder],
    store: ResultsStore | None,
    *,
    protocol: ScoringProtocol,
    sources: Mapping[str, SegmenterSource],
    pictures_of: Callable[[str, str], Path],
    retry: bool = False,
) -> Iterator[PlannedPhoto]:
    """
    Compare the photos of a study with what is stored of them.

    Parameters
    ----------
    visits : iterable of VisitFolder
        Its photos.
    store : ResultsStore or None
        What an earlier run left; None where there is nothing to keep.
    protocol : ScoringProtocol
        Of this run.
    sources : mapping of str to SegmenterSource
        Of this run, by place.
    pictures_of : callable
        Gives the folder of a photo's pictures from place and photo_id.
    retry : bool
        Score again what failed for reasons of the machine.

    Yields
    ------
    PlannedPhoto
        One a photo, in their order.
    """
    packages = {} if store is None else {one.run: one.settings.get("packages", {}) for one in iter_runs(store)}
    for visit in visits:
        stored: dict[str, StoredOutcome] = {}
        if store is not None:
            stored = {one.identity.photo_id: one for one in iter_outcomes(store, place=visit.place, unlisted=True)}
        sha256_by_file = {one.identity.file: one.identity.sha256 for one in stored.values()}
        for entry in visit.found:
            identity = entry.identity
            there = stored.get(identity.photo_id)
            if there is None:
                changed = bool(identity.sha256 and sha256_by_file.get(identity.file))
                action, why = (Action.AGAIN, "the file changed") if changed else (Action.SCORE, "")
                yield PlannedPhoto(place=visit.place, entry=entry, action=action, why=why, changed=changed)
                continue
            segmenter_sha256 = sources[visit.place].sha256_for(identity)
            asked = _Asked(protocol.sha256, segmenter_sha256, packages.get(there.run, {}), retry=retry)
            why = next(_differences(there, entry, asked, pictures_of(visit.place, identity.photo_id)), "")
            yield PlannedPhoto(place=visit.place, entry=entry, action=Action.AGAIN if why else Action.KEEP, why=why)


def require_unchanged(planned: Iterable[PlannedPhoto]) -> None:
    """
    Refuse files that are not those which were scored under the same names.

    Parameters
    ----------
    planned : iterable of PlannedPhoto
        All photos of a run.

    Raises
    ------
    InputError
        With each file.
    """
    changed = [f"{one.place}/{one.entry.identity.file}" for one in planned if one.changed]
    if changed:
        files = "1 file differs" if len(changed) == 1 else f"{len(changed)} files differ"
        raise InputError(
            f"{files} from what was scored under the same name: {', '.join(changed)}. Put the first one back, or "
            "score it a second time with --supersede --reason; the first result stays."
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    protocol_sha256: str
    segmenter_sha256: str
    packages_then: Mapping[str, str]
    retry: bool


def _differences(there: StoredOutcome, entry: PhotoEntry, asked: _Asked, pictures: Path) -> Iterator[str]:
    """Yield why a stored outcome is not what scoring the photo now would give."""
    if there.software != __version__:
        yield f"oral-lesion {there.software} then, {__version__} now"
    now = package_versions()
    for name in sorted(now.keys() | asked.packages_then.keys()):
        if now.get(name) != asked.packages_then.get(name):
            yield f"{name} {asked.packages_then.get(name, 'none')} then, {now.get(name, 'none')} now"
    if there.rows.score["protocol_sha256"] != asked.protocol_sha256:
        yield "another protocol"
    no_mask = not asked.segmenter_sha256 and entry.refusal is None  # what cannot be read has no true mask either
    if no_mask or there.segmenter_sha256 != asked.segmenter_sha256:
        yield "another model"
    if there.identity != entry.identity or set(there.declared_flags) != set(entry.flags):
        yield _declared_otherwise(there, entry)
    if entry.refusal is not None and there.rows.score["reason"] != entry.refusal.reason.value:
        yield f"cannot be read ({entry.refusal.reason.value})"
    if there.rows.score["status"] == "scored" and not all((pictures / name).is_file() for name in PICTURE_NAMES):
        yield "pictures are missing"
    if asked.retry and there.rows.score["reason"] in OF_THE_MACHINE:
        yield f"was refused with {there.rows.score['reason']}"


def _declared_otherwise(there: StoredOutcome, entry: PhotoEntry) -> str:
    before, now = there.identity, entry.identity
    names = ("file", "sha256", "subject_id", "visit", "site", "replicate", "mirror")
    differing = [name.removesuffix("_id") for name in names if getattr(before, name) != getattr(now, name)]
    if (Flag.DUPLICATE_PHOTO in there.declared_flags) != (Flag.DUPLICATE_PHOTO in entry.flags):
        differing.append("copies of the file")
    return f"declared otherwise ({', '.join(differing)})"
