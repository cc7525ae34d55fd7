"""Random histories of the lesions of one site, drawn into label maps, with the true state of each lesion."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.compare import not_assessed
from oral_lesion.records import VisitLesions

MM_PER_PX = 0.2
CELL_MM = 16.0
CELLS_XY = (4, 3)
SHAPE = (int(CELL_MM * CELLS_XY[1] / MM_PER_PX), int(CELL_MM * CELLS_XY[0] / MM_PER_PX))


@dataclass
class Cell:
    """A place that holds one lesion, two, or both grown together; `names` are those of the truth."""

    middle_mm: NDArray[np.float64]
    radius_mm: float
    turn_rad: float
    held: str = "none"
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TrueVisit:
    """Lesions of a visit by name with their state, and the label that each has (0: none of its own)."""

    lesions: VisitLesions
    states: dict[str, tuple[str, int]]


def history(seed: int, *, visits: int = 4, missing: int | None = None, error_mm: float = 0.35) -> list[TrueVisit]:
    """Return the visits of one site; at the missing one nothing is seen, and nothing happens."""
    rng = np.random.default_rng([seed, 11])
    places = [(column, row) for row in range(CELLS_XY[1]) for column in range(CELLS_XY[0])]
    chosen = rng.permutation(len(places))
    cells = [
        Cell(
            middle_mm=(np.array(places[k]) + 0.5) * CELL_MM,
            radius_mm=float(rng.uniform(1.8, 4.0)),
            turn_rad=float(rng.uniform(0, np.pi)),
        )
        for k in chosen
    ]
    count = int(rng.integers(1, 9))
    told: list[TrueVisit] = []
    for index in range(visits):
        if index == missing:
            told.append(TrueVisit(not_assessed(f"week-{index:02d}"), {}))
            continue
        events: dict[str, str] = {}
        first = not any(visit.states for visit in told)
        if first:
            for cell in cells[:count]:
                _appear(cell, events, index, pair=bool(rng.random() < 0.25))
        else:
            for cell in cells:
                _change(cell, events, index, rng)
        told.append(_drawn(cells, events, index, rng, error_mm, first=first))
    return told


def _appear(cell: Cell, events: dict[str, str], index: int, *, pair: bool) -> None:
    # Names sort by where they began: the truth's ids are given by visit and label later on.
    cell.names = [f"{index}-{cell.middle_mm[0]:.0f}-{cell.middle_mm[1]:.0f}-{part}" for part in ("a", "b")[: 1 + pair]]
    cell.held = "two" if pair else "one"
    events.update(dict.fromkeys(cell.names, "new"))


def _change(cell: Cell, events: dict[str, str], index: int, rng: np.random.Generator) -> None:
    dice = rng.random()
    if cell.held == "none":
        if dice < 0.1 and not cell.names:
            _appear(cell, events, index, pair=False)
        return
    events.update(dict.fromkeys(cell.names, "persistent"))
    if dice < 0.2:
        events.update(dict.fromkeys(cell.names, "healed"))
        cell.held = "none"
    elif cell.held == "one" and dice < 0.45:
        if len(cell.names) == 1:
            cell.names.append(cell.names[0][:-1] + f"split{index}")
        cell.held = "two"
        events[cell.names[1]] = "split"
    elif cell.held == "two" and dice < 0.55:
        cell.held = "one"
        events[cell.names[1]] = "merged"
    elif cell.held == "one" and len(cell.names) == 2:
        events[cell.names[1]] = "merged"


def _drawn(
    cells: list[Cell], events: dict[str, str], index: int, rng: np.random.Generator, error_mm: float, *, first: bool
) -> TrueVisit:
    """Draw all lesions, displaced as a whole by what registration missed and each by its own part of it."""
    picture = np.zeros(SHAPE, np.uint8)
    places: dict[str, tuple[int, int]] = {}
    common = rng.normal(0, error_mm / 2, size=2)
    for cell in cells:
        if cell.held == "none":
            continue
        middle = cell.middle_mm + common + rng.normal(0, error_mm / 2, size=2)
        radius = cell.radius_mm * float(rng.uniform(0.75, 1.2))
        along = np.array([np.cos(cell.turn_rad), np.sin(cell.turn_rad)])
        big, small = middle - 0.55 * radius * along, middle + 0.95 * radius * along
        if cell.held == "one":
            _capsule(picture, big, small, 0.75 * radius)
            places[cell.names[0]] = _pixel(middle)
        else:
            _capsule(picture, big, big, 0.7 * radius)
            _capsule(picture, small, small, 0.38 * radius)
            places |= {cell.names[0]: _pixel(big), cell.names[1]: _pixel(small)}
    number, components, stats, _ = cv2.connectedComponentsWithStats(picture, connectivity=8)
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")
    label_of = np.zeros(number, np.int32)
    label_of[order] = np.arange(1, number)
    labels = label_of[components].astype(np.int32)
    areas = tuple((int(label_of[k]), float(stats[k, cv2.CC_STAT_AREA]) * MM_PER_PX**2) for k in order)
    lesions = VisitLesions(
        visit=f"week-{index:02d}", labels=labels, in_view=np.ones(SHAPE, bool), areas_mm2=areas, mm_per_px=MM_PER_PX
    )
    states = {
        name: ("first-seen" if first else state, int(labels[places[name]]) if name in places else 0)
        for name, state in events.items()
    }
    return TrueVisit(lesions, states)


def _pixel(xy_mm: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.rint(xy_mm / MM_PER_PX).astype(int)
    return int(y), int(x)


def _capsule(
    picture: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64], radius_mm: float
) -> None:
    first, last = (tuple(int(v) for v in np.rint(16 * point / MM_PER_PX)) for point in (start, end))
    radius = radius_mm / MM_PER_PX
    cv2.circle(picture, first, round(16 * radius), 1, -1, cv2.LINE_8, 4)
    cv2.circle(picture, last, round(16 * radius), 1, -1, cv2.LINE_8, 4)
    cv2.line(picture, tuple(v // 16 for v in first), tuple(v // 16 for v in last), 1, max(1, round(2 * radius)))


def events_right(told: list[TrueVisit], tracks) -> tuple[int, int, list[str]]:
    """Return how many true states the tracks have under the right id and with the right lesion, of how many."""
    begun: dict[str, tuple[int, int]] = {}
    for index, visit in enumerate(told):
        for name, (_, label) in visit.states.items():
            begun.setdefault(name, (index, label))
    right, total, wrong = 0, 0, []
    for name, (first, first_label) in sorted(begun.items()):
        own = [track for track in tracks if first_label in track.links[first].labels]
        for index, visit in enumerate(told):
            if name not in visit.states:
                continue
            found = [(track.links[index].state.value, (*track.links[index].labels, 0)[0]) for track in own]
            total += 1
            if found == [visit.states[name]]:
                right += 1
            else:
                wrong.append(f"{name} at {index}: expected {visit.states[name]}, got {found}")
    return right, total, wrong
