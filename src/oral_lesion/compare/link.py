"""Which lesion of one visit is which of another: tracks with stable ids through all visits of a site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from oral_lesion.compare.overlaps import LesionOverlaps
from oral_lesion.compare.settings import LinkSettings
from oral_lesion.errors import InputError
from oral_lesion.records import LesionLink, LesionState, LesionTrack, VisitLesions

__all__ = ["link_lesions"]


@dataclass(slots=True, eq=False)
class _Track:
    """A lesion while its visits are followed: its label at each visit where it was seen, and what it was at each."""

    shapes: dict[int, int] = field(default_factory=dict)
    states: dict[int, LesionState] = field(default_factory=dict)
    others: dict[int, _Track] = field(default_factory=dict)
    merged_into: _Track | None = None
    healed: bool = False

    @property
    def active(self) -> bool:
        return self.merged_into is None and not self.healed

    @property
    def last(self) -> tuple[int, int]:
        visit = max(self.shapes)
        return visit, self.shapes[visit]

    @property
    def first(self) -> tuple[int, int]:
        visit = min(self.shapes)
        return visit, self.shapes[visit]

    @property
    def root(self) -> _Track:
        """The track that holds this one's tissue: itself, or what it merged into."""
        return self if self.merged_into is None else self.merged_into.root

    def see(self, visit: int, label: int, state: LesionState, other: _Track | None = None) -> None:
        self.shapes[visit], self.states[visit] = label, state
        self.merged_into, self.healed = None, False
        if other is not None:
            self.others[visit] = other


class _Visit:
    """One assessed visit while its lesions are given to tracks."""

    def __init__(
        self, index: int, tracks: list[_Track], visits: Sequence[VisitLesions], settings: LinkSettings
    ) -> None:
        self.index = index
        self.tracks = tracks
        self.settings = settings
        self.free = sorted(label for label, _ in visits[index].areas_mm2)
        self.waiting = [track for track in tracks if track.active]
        self.owners: dict[int, _Track] = {}
        self.parents: dict[int, tuple[int, int]] = {}
        self.earlier = [number for number in range(index) if visits[number].labels is not None]

    def give(self, label: int, track: _Track, state: LesionState, other: _Track | None = None) -> None:
        """Say that a lesion is a track's."""
        if track.shapes:
            self.parents[label] = track.last
        track.see(self.index, label, state, other)
        self.owners[label] = track
        self.free.remove(label)
        if track in self.waiting:
            self.waiting.remove(track)

    def here(self, label: int) -> tuple[int, int]:
        return self.index, label


def link_lesions(visits: Sequence[VisitLesions], *, site: str, settings: LinkSettings) -> tuple[LesionTrack, ...]:
    """
    Follow each lesion of a site through all visits.

    At each visit the lesions are given to the tracks that live so far by the assignment of largest total overlap, with
    the outlines of all earlier visits [1]_; older outlines count less. What is left is, in this order: a track
    that lies in another's lesion (``merged``), a lesion that lies in a track's earlier outline (``split``; a track that
    had merged there takes it back), a pair too near to be told apart (``persistent``), a lesion where one had healed
    (``new`` under its old id), a lesion in a place seen before (``new``) or never (``first-seen``), and a track
    whose place is in view without a lesion (``healed``) or not (``not-in-view``).

    Parameters
    ----------
    visits : sequence of VisitLesions
        In the trial's order, all of one frame; visits without a linked photo included.
    site : str
        Code of the site: the ids begin with it.
    settings : LinkSettings
        Limits.

    Returns
    -------
    tuple of LesionTrack
        By id; each has one link a visit. Each measured lesion of an assessed visit is in exactly one track.

    Raises
    ------
    InputError
        Where the visits' frames differ or a name appears twice.

    References
    ----------
    .. [1] Kuhn 1955, doi:10.1002/nav.3800020109 (assignment; solved as in Crouse 2016, doi:10.1109/TAES.2016.140952).
    """
    _require_one_frame(visits)
    overlaps = LesionOverlaps(visits)
    tracks: list[_Track] = []
    for index, one in enumerate(visits):
        if one.labels is None:
            continue
        visit = _Visit(index, tracks, visits, settings)
        _link_by_overlap(visit, overlaps)
        _merge(visit, overlaps)
        _split(visit, overlaps)
        _link_nearby(visit, overlaps)
        _recur(visit, overlaps)
        _begin(visit, overlaps)
        _end(visit, overlaps)
    ordered = sorted(tracks, key=lambda track: track.first)
    return _written(ordered, visits, overlaps, site, settings)


def _require_one_frame(visits: Sequence[VisitLesions]) -> None:
    frames = {(visit.labels.shape, visit.mm_per_px) for visit in visits if visit.labels is not None}
    if len(frames) > 1:
        raise InputError(f"visits: expected one frame for all, got {sorted(frames)}; lay them over one reference.")
    names = [visit.visit for visit in visits]
    if len(set(names)) < len(names):
        raise InputError(f"visits: expected each name once, got {names}; choose one photo a visit and site.")


def _assign(
    tracks: Sequence[_Track], labels: Sequence[int], score: Callable[[_Track, int], float]
) -> list[tuple[_Track, int]]:
    """Return the pairs of the assignment with the largest total score; pairs without a score are none."""
    if not tracks or not labels:
        return []
    table = np.array([[score(track, label) for label in labels] for track in tracks])
    rows, columns = linear_sum_assignment(-table)
    return [(tracks[row], labels[column]) for row, column in zip(rows, columns, strict=True) if table[row, column] > 0]


def _link_by_overlap(visit: _Visit, overlaps: LesionOverlaps) -> None:
    settings = visit.settings

    def score(track: _Track, label: int) -> float:
        newest_first = sorted(track.shapes.items(), reverse=True)
        return max(
            settings.recall_discount**age * overlaps.alike(shape, visit.here(label), settings.min_overlap_fraction)
            for age, shape in enumerate(newest_first)
        )

    for track, label in _assign(visit.waiting, visit.free, score):
        visit.give(label, track, LesionState.PERSISTENT)


def _merge(visit: _Visit, overlaps: LesionOverlaps) -> None:
    for track in list(visit.waiting):
        covered = {label: overlaps.covered(track.last, visit.here(label)) for label in sorted(visit.owners)}
        label = max(covered, key=lambda one: covered[one], default=None)
        if label is not None and covered[label] >= visit.settings.min_covered_fraction:
            track.merged_into = visit.owners[label]
            track.states[visit.index], track.others[visit.index] = LesionState.MERGED, visit.owners[label]
            visit.waiting.remove(track)


def _split(visit: _Visit, overlaps: LesionOverlaps) -> None:
    settings = visit.settings
    families = [(visit.owners[label], visit.parents[label]) for label in sorted(visit.parents)]
    for label in list(visit.free):
        here = visit.here(label)
        covered = [overlaps.covered(here, outline) for _, outline in families]
        if not covered or max(covered) < settings.min_covered_fraction:
            continue
        parent = families[int(np.argmax(covered))][0]
        inside = [track for track in visit.tracks if track.merged_into is not None and track.root is parent]
        alike = [overlaps.alike(track.last, here, settings.min_overlap_fraction) for track in inside]
        if alike and max(alike) > 0:
            visit.give(label, inside[int(np.argmax(alike))], LesionState.SPLIT, parent)
        else:
            visit.tracks.append(_Track())
            visit.give(label, visit.tracks[-1], LesionState.SPLIT, parent)


def _link_nearby(visit: _Visit, overlaps: LesionOverlaps) -> None:
    most = visit.settings.max_gap_mm

    def score(track: _Track, label: int) -> float:
        return max(0.0, 1.0 - overlaps.gap_mm(track.last, visit.here(label)) / most) if most > 0 else 0.0

    for track, label in _assign(visit.waiting, visit.free, score):
        visit.give(label, track, LesionState.PERSISTENT)


def _recur(visit: _Visit, overlaps: LesionOverlaps) -> None:
    healed = [track for track in visit.tracks if track.healed]

    def score(track: _Track, label: int) -> float:
        return overlaps.alike(track.last, visit.here(label), visit.settings.min_overlap_fraction)

    for track, label in _assign(healed, visit.free, score):
        visit.give(label, track, LesionState.NEW)


def _begin(visit: _Visit, overlaps: LesionOverlaps) -> None:
    for label in list(visit.free):
        seen = [overlaps.in_view(visit.here(label), earlier) for earlier in visit.earlier]
        known = max(seen, default=0.0) >= visit.settings.min_in_view_fraction
        visit.tracks.append(_Track())
        visit.give(label, visit.tracks[-1], LesionState.NEW if known else LesionState.FIRST_SEEN)


def _end(visit: _Visit, overlaps: LesionOverlaps) -> None:
    """Say what became of each track that has no lesion at this visit; one that merged follows what it merged into."""
    without = [track for track in visit.tracks if visit.index not in track.states]
    for track in sorted(without, key=lambda one: one.merged_into is not None):
        holder = track.root
        if holder is not track and visit.index in holder.shapes:
            track.states[visit.index], track.others[visit.index] = LesionState.MERGED, holder
        elif overlaps.in_view(track.last, visit.index) >= visit.settings.min_in_view_fraction:
            track.states[visit.index] = LesionState.HEALED
            track.merged_into, track.healed = None, True
        else:
            track.states[visit.index] = LesionState.NOT_IN_VIEW


def _written(
    tracks: Sequence[_Track],
    visits: Sequence[VisitLesions],
    overlaps: LesionOverlaps,
    site: str,
    settings: LinkSettings,
) -> tuple[LesionTrack, ...]:
    ids = {id(track): f"{site}-{number:02d}" for number, track in enumerate(tracks, start=1)}
    written = []
    for track in tracks:
        links = []
        for index, visit in enumerate(visits):
            label, other = track.shapes.get(index), track.others.get(index)
            state = _state(track, index, visit, overlaps, settings)
            healed = 0.0 if state is LesionState.HEALED else None
            links.append(
                LesionLink(
                    visit=visit.visit,
                    state=state,
                    labels=() if label is None else (label,),
                    area_mm2=healed if label is None else dict(visit.areas_mm2)[label],
                    into=None if other is None else ids[id(other)],
                )
            )
        written.append(LesionTrack(lesion_id=ids[id(track)], site=site, links=tuple(links)))
    return tuple(written)


def _state(
    track: _Track, index: int, visit: VisitLesions, overlaps: LesionOverlaps, settings: LinkSettings
) -> LesionState:
    if visit.labels is None:
        return LesionState.NOT_ASSESSED
    if index in track.states:
        return track.states[index]
    # Before its first visit: the place was either seen without a lesion, or not seen.
    shown = overlaps.in_view(track.first, index) >= settings.min_in_view_fraction
    return LesionState.ABSENT if shown else LesionState.NOT_IN_VIEW
