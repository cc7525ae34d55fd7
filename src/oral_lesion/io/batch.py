"""A visit's photos in, as many outcomes out: each photo is read, scored and its pictures written on its own."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from oral_lesion.errors import BundleError, Reason
from oral_lesion.io.batch_photo import PhotoResult, PhotoTask, failed_task, score_task
from oral_lesion.io.bundle import load_bundle, open_segmenter
from oral_lesion.io.photo_raw import require_raw_support
from oral_lesion.io.pictures import write_contents
from oral_lesion.io.processes import WorkFailure, map_in_processes, one_opencv_thread
from oral_lesion.io.provenance import run_manifest, scored_input
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json
from oral_lesion.io.tables import write_tables
from oral_lesion.io.visits import VisitPhotos, find_photos
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import ModelIdentity, PhotoIdentity, PhotoScore
from oral_lesion.segment import Segmenter

__all__ = ["BundleSegmenters", "SegmenterSource", "VisitScores", "require_one_resolution", "score_found", "score_visit"]


class SegmenterSource(Protocol):
    """Gives the segmenter for a photo; travels to worker processes, so it holds paths rather than models."""

    @property
    def model(self) -> ModelIdentity:
        """Identity that the tables state, also for refused photos."""
        ...

    @property
    def working_mm_per_px(self) -> float:
        """Resolution (mm/px) that the segmenters are made for."""
        ...

    def segmenter_for(self, photo: PhotoIdentity) -> Segmenter:
        """
        Return the segmenter for a photo.

        Parameters
        ----------
        photo : PhotoIdentity
            Which photo.

        Returns
        -------
        Segmenter
        """
        ...

    def sha256_for(self, photo: PhotoIdentity) -> str:
        """
        Return the hash of what segments a photo: with another one its score is no longer right.

        Parameters
        ----------
        photo : PhotoIdentity
            Which photo.

        Returns
        -------
        str
            64 hexadecimal digits; empty where there is none, which is never right.
        """
        ...


@dataclass(frozen=True, slots=True)
class BundleSegmenters:
    """
    One model for all photos.

    Parameters
    ----------
    bundle : Path
        Model bundle folder.
    model : ModelIdentity
        Of the bundle when the run began; another one later is an error.
    working_mm_per_px : float
        Resolution that the model is made for.
    """

    bundle: Path
    model: ModelIdentity
    working_mm_per_px: float

    @classmethod
    def of(cls, bundle: Path) -> BundleSegmenters:
        """
        Check a bundle and open it once, so that a wrong one fails before any photo is read.

        Parameters
        ----------
        bundle : Path
            Model bundle folder.

        Returns
        -------
        BundleSegmenters

        Raises
        ------
        BundleError
            Where the bundle is incomplete, altered or not of this format.
        """
        segmenter = _opened(bundle, load_bundle(bundle).model_sha256)
        return cls(bundle=bundle, model=segmenter.identity, working_mm_per_px=segmenter.working_mm_per_px)

    def segmenter_for(self, photo: PhotoIdentity) -> Segmenter:  # noqa: ARG002 - the same model for every photo
        """
        Return the one segmenter, opened once a process.

        Parameters
        ----------
        photo : PhotoIdentity
            Makes no difference.

        Returns
        -------
        Segmenter
        """
        return _opened(self.bundle, self.model.sha256)

    def sha256_for(self, photo: PhotoIdentity) -> str:  # noqa: ARG002 - the same model for every photo
        """
        Return the model's hash.

        Parameters
        ----------
        photo : PhotoIdentity
            Makes no difference.

        Returns
        -------
        str
        """
        return self.model.sha256


@functools.cache
def _opened(bundle: Path, sha256: str) -> Segmenter:  # noqa: ARG001 - another hash is another model
    return open_segmenter(bundle, threads=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitScores:
    """
    All outcomes of a visit.

    Parameters
    ----------
    outcomes : tuple of PhotoScore
        One a photo, in the order of file names; without their pictures.
    ignored : tuple of str
        Files of the folder that are no photos.
    unlisted : tuple of str
        Photos that the manifest does not name; they are among the outcomes.
    """

    outcomes: tuple[PhotoScore, ...]
    ignored: tuple[str, ...]
    unlisted: tuple[str, ...] = ()


def score_visit(
    visit: Path,
    out: Path,
    *,
    protocol: ScoringProtocol,
    segmenters: SegmenterSource,
    jobs: int = 1,
    overwrite: bool = False,
    on_outcome: Callable[[int, int], None] | None = None,
) -> VisitScores:
    """
    Score all photos of a visit folder and write tables, pictures and run.json.

    Parameters
    ----------
    visit : Path
        Folder SUBJECT/VISIT with photos, or with photos.csv.
    out : Path
        Results folder; appears whole when all is done, or not at all.
    protocol : ScoringProtocol
        All settings.
    segmenters : SegmenterSource
        What says where the erosions are.
    jobs : int
        Processes; the files' bytes do not depend on it.
    overwrite : bool
        Replace earlier results in `out`.
    on_outcome : callable or None
        Called with the number of photos done and of all photos after each.

    Returns
    -------
    VisitScores
        One outcome a photo.

    Raises
    ------
    OralLesionError
        Where there is nothing to score or nowhere to write.
    """
    return score_found(
        find_photos(visit),
        out,
        protocol=protocol,
        segmenters=segmenters,
        jobs=jobs,
        overwrite=overwrite,
        on_outcome=on_outcome,
    )


def score_found(
    found: VisitPhotos,
    out: Path,
    *,
    protocol: ScoringProtocol,
    segmenters: SegmenterSource,
    jobs: int = 1,
    overwrite: bool = False,
    on_outcome: Callable[[int, int], None] | None = None,
    write_page: Callable[[Path], None] | None = None,
) -> VisitScores:
    """
    Score photos that were found before; otherwise as `score_visit`.

    Parameters
    ----------
    found : VisitPhotos
        What to score.
    out : Path
        Results folder.
    protocol : ScoringProtocol
        All settings.
    segmenters : SegmenterSource
        What says where the erosions are.
    jobs : int
        Processes.
    overwrite : bool
        Replace earlier results in `out`.
    on_outcome : callable or None
        Called with the number of photos done and of all photos after each.
    write_page : callable or None
        Called with the folder that holds all results, before it is put in place: a page of them appears with them.

    Returns
    -------
    VisitScores
        One outcome a photo.

    Raises
    ------
    OralLesionError
        Where there is nowhere to write.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    require_one_resolution(protocol, segmenters)
    require_raw_support(entry.identity.file for entry in found)
    with OutputFolder(out, inputs=found.folder, overwrite=overwrite) as folder:
        photos_folder = folder / "photos"
        photos_folder.mkdir()
        tasks = [PhotoTask(entry=entry, segmenters=segmenters) for entry in found.entries]
        score = functools.partial(_score_and_write, protocol=protocol, photos_folder=photos_folder)
        crashed = functools.partial(_crashed, protocol=protocol)
        results: dict[int, PhotoResult] = {}
        with one_opencv_thread():
            for index, result in map_in_processes(score, tasks, jobs, crashed):
                results[index] = result
                if on_outcome is not None:
                    on_outcome(len(results), len(tasks))
        scored = [results[index] for index in range(len(found.entries))]
        write_tables(folder, [one.rows for one in scored])
        workers_cpu_s = sum(one.cpu_s for one in scored) if jobs > 1 else 0.0
        manifest = run_manifest(
            protocol=protocol,
            model=segmenters.model,
            threshold=next((one.threshold for one in scored if one.threshold is not None), None),
            inputs=[scored_input(one.score) for one in scored],
            found=found,
            jobs=jobs,
            wall_s=time.perf_counter() - began,
            cpu_s=time.process_time() - cpu_began + workers_cpu_s,
        )
        write_run_json(folder / RUN_FILE, manifest)
        if write_page is not None:
            write_page(folder)
    return VisitScores(outcomes=tuple(one.score for one in scored), ignored=found.ignored, unlisted=found.unlisted)


def require_one_resolution(protocol: ScoringProtocol, segmenters: SegmenterSource) -> None:
    """
    Refuse a model that is made for another resolution than the protocol's.

    Parameters
    ----------
    protocol : ScoringProtocol
        All settings.
    segmenters : SegmenterSource
        What says where the erosions are.

    Raises
    ------
    BundleError
        Where it is another one.
    """
    wanted, made_for = protocol.standardization.working_mm_per_px, segmenters.working_mm_per_px
    if wanted != made_for:
        raise BundleError(
            f"model {segmenters.model.name} {segmenters.model.version}: is made for {made_for:g} mm/px, the protocol "
            f"asks for {wanted:g}. Set working_mm_per_px to {made_for:g}, or use a model made for {wanted:g}."
        )


def _score_and_write(task: PhotoTask, *, protocol: ScoringProtocol, photos_folder: Path) -> PhotoResult:
    result = score_task(task, protocol=protocol)
    if result.pictures:
        write_contents(photos_folder / task.entry.identity.photo_id, result.pictures)
    return replace(result, pictures={})


def _crashed(task: PhotoTask, *, protocol: ScoringProtocol) -> PhotoResult:
    failure = WorkFailure(reason=Reason.WORKER_CRASHED, detail="Its process ended without an answer, twice.")
    return failed_task(task, failure.refusal, protocol=protocol)
