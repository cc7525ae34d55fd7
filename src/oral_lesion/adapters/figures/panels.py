"""A site's photos through the visits, aligned to the first one: what is drawn of each, and the window of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.compare import identity_registration, label_lesions, warp_to_baseline
from oral_lesion.io.site_histories import SiteHistory
from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.records import Measurement, PhotoScore, Registration, StandardizedPhoto

__all__ = ["NOT_ALIGNED", "Panel", "Window", "panels_of", "shared_window", "window_around"]

_MARGIN_MM = 7.0
_SMALLEST_MM = 24.0
_BEYOND_MM = 10.0

NOT_ALIGNED = "not aligned"
"""Note of a photo that could not be aligned; it is shown as it is."""

Window = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels; may reach beyond the picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """
    One visit of a site.

    Parameters
    ----------
    visit, area : str
        Its name, and the photo's area ± U in words; empty where there is none.
    note : str
        Why the photo is not among the aligned ones; empty where it is.
    srgb : ndarray of uint8, shape (height, width, 3), or None
        The photo, in the first one's geometry where it is aligned.
    labels : ndarray of int32, shape (height, width), or None
        Numbers of lesions in the same geometry.
    mm_per_px : float
        Of both.
    names : tuple of (int, str)
        Number of a lesion in the photo, and its number through all visits.
    """

    visit: str
    area: str = ""
    note: str = ""
    srgb: NDArray[np.uint8] | None = None
    labels: NDArray[np.int32] | None = None
    mm_per_px: float = 1.0
    names: tuple[tuple[int, str], ...] = ()

    @property
    def aligned(self) -> bool:
        """Whether it is in the first photo's geometry."""
        return self.labels is not None and self.note == ""


def panels_of(history: SiteHistory, scores: Sequence[PhotoScore | None]) -> tuple[Panel, ...]:
    """
    Return one panel a visit.

    Parameters
    ----------
    history : SiteHistory
        Registrations and lesions.
    scores : sequence of PhotoScore or None
        One a visit, with its pictures.

    Returns
    -------
    tuple of Panel
        Empty where there is no photo at all.
    """
    reference = next((one.standardized for one in scores if one is not None and one.standardized is not None), None)
    if reference is None:
        return ()
    return tuple(_panel_of(index, history, score, reference) for index, score in enumerate(scores))


def shared_window(panels: Sequence[Panel]) -> Window | None:
    """
    Return what holds all lesions of the aligned panels and a margin.

    Parameters
    ----------
    panels : sequence of Panel
        Of one site.

    Returns
    -------
    Window or None
        All of the picture where there is no lesion; None where nothing is aligned.
    """
    held = [(panel.labels, panel.mm_per_px) for panel in panels if panel.labels is not None and panel.aligned]
    if not held:
        return None
    mm_per_px = held[0][1]
    height, width = held[0][0].shape
    anywhere = np.any([labels > 0 for labels, _ in held], axis=0)
    if not anywhere.any():
        return 0, height, 0, width
    ends = []
    for axis, length in ((1, height), (0, width)):
        places = np.nonzero(anywhere.any(axis=axis))[0]
        half = max((places[-1] - places[0]) / 2 + _MARGIN_MM / mm_per_px, _SMALLEST_MM / 2 / mm_per_px)
        middle = (places[-1] + places[0]) / 2
        ends += [max(0, round(middle - half)), min(length, round(middle + half))]
    return ends[0], ends[1], ends[2], ends[3]


def window_around(panel: Panel, size_px: tuple[int, int]) -> Window | None:
    """
    Return a window of the shared one's size in the middle of a picture's own lesions.

    Parameters
    ----------
    panel : Panel
        That is not aligned.
    size_px : tuple of int
        (height, width).

    Returns
    -------
    Window or None
        None where there is no photo.
    """
    if panel.labels is None:
        return None
    rows, columns = np.nonzero(panel.labels) if panel.labels.any() else np.indices(panel.labels.shape).reshape(2, -1)
    middles = (float(rows.mean()), float(columns.mean()))
    ends = []
    for middle, length in zip(middles, size_px, strict=True):
        start = round(middle - length / 2)
        ends += [start, start + length]
    return ends[0], ends[1], ends[2], ends[3]


def _panel_of(index: int, history: SiteHistory, score: PhotoScore | None, reference: StandardizedPhoto) -> Panel:
    visit = history.visits[index]
    if score is None or score.standardized is None or score.segmentation is None:
        return Panel(visit=visit, note="no photo that counts")
    if not isinstance(score.outcome, Measurement):
        return Panel(visit=visit, note="refused")
    u_mm2 = score.outcome.u_area_mm2
    area = f"{score.outcome.area_mm2:.1f} ± {'?' if u_mm2 is None else f'{2.0 * u_mm2:.1f}'} mm²"
    same = history.same_photo_as(visit)
    if same is not None:
        return Panel(visit=visit, area=area, note=f"the file of {same}")
    found = history.registration(visit)
    registered = found is not None and found.registered
    registration: Registration = found if found is not None and registered else identity_registration()
    frame = reference if registered else score.standardized
    mm_per_px = frame.scale.mm_per_px
    margin_px = round(_BEYOND_MM / mm_per_px) if registered else 0
    srgb = srgb_uint8_from_linear(score.standardized.linear_rgb).astype(np.float32)
    labels = label_lesions(score.segmentation, score.outcome)
    shape = frame.valid.shape
    return Panel(
        visit=visit,
        area=area,
        note="" if registered else NOT_ALIGNED,
        srgb=np.rint(warp_to_baseline(srgb, registration, shape, margin_px=margin_px)).clip(0, 255).astype(np.uint8),
        labels=warp_to_baseline(labels, registration, shape, margin_px=margin_px),
        mm_per_px=mm_per_px,
        names=_names_at(index, history),
    )


def _names_at(index: int, history: SiteHistory) -> tuple[tuple[int, str], ...]:
    return tuple(
        (label, track.lesion_id.rpartition("-")[2])
        for track in history.tracks or ()
        for label in track.links[index].labels
    )
