"""What the commands are given to draw with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oral_lesion.endpoint.precision import Repeatability
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.io.review.agreement import Comparison
from oral_lesion.io.site_histories import SiteHistory
from oral_lesion.records import PhotoScore

__all__ = ["SubjectFigures"]


class SubjectFigures:
    """Draws PNG pictures with matplotlib."""

    def strip(self, folder: Path, history: SiteHistory, scores: Sequence[PhotoScore | None]) -> None:
        """
        Draw a site's photos, aligned, with outlines: ``strip-SITE.png``, and ``aligned-SITE-N.jpg`` without them.

        Parameters
        ----------
        folder : Path
            Made where it is missing.
        history : SiteHistory
            Registrations and lesions.
        scores : sequence of PhotoScore or None
            One a visit, with its pictures.
        """
        from oral_lesion.adapters.figures.aligned import write_aligned
        from oral_lesion.adapters.figures.panels import panels_of
        from oral_lesion.adapters.figures.strip import draw_strip

        panels = panels_of(history, scores)
        if panels:
            draw_strip(folder / f"strip-{history.site}.png", history, panels)
            write_aligned(folder, history.site, panels)

    def areas(self, folder: Path, subject: SubjectValues) -> None:
        """
        Draw a subject's areas over time: ``area-over-time.png``.

        Parameters
        ----------
        folder : Path
            Made where it is missing.
        subject : SubjectValues
            Areas by site and visit.
        """
        from oral_lesion.adapters.figures.area_over_time import draw_areas

        draw_areas(folder / "area-over-time.png", subject)

    def bland_altman(self, path: Path, found: Repeatability) -> None:
        """
        Draw differences against means, and the precision profile.

        Parameters
        ----------
        path : Path
            Of the picture.
        found : Repeatability
            Of all sets.
        """
        from oral_lesion.adapters.figures.bland_altman import draw_bland_altman

        draw_bland_altman(path, found)

    def reader_agreement(self, path: Path, comparisons: Sequence[Comparison]) -> None:
        """
        Draw differences of readers' areas against their means.

        Parameters
        ----------
        path : Path
            Of the picture.
        comparisons : sequence of Comparison
            With two photos or more; never empty.
        """
        from oral_lesion.adapters.figures.reader_agreement import draw_reader_agreement

        draw_reader_agreement(path, comparisons)
