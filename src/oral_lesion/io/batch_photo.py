"""One photo as one piece of work: read, scored, its pictures encoded; whatever goes wrong is its outcome."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from oral_lesion.errors import Refusal, Refused
from oral_lesion.io.pictures import encode_pictures, write_contents
from oral_lesion.io.processes import failure_of
from oral_lesion.io.tables import PhotoRows, rows_of
from oral_lesion.io.visits import PhotoEntry, read_entry
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import PhotoScore
from oral_lesion.score import score_photo

if TYPE_CHECKING:
    from oral_lesion.io.batch import SegmenterSource

__all__ = ["PhotoResult", "PhotoTask", "failed_task", "score_task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoTask:
    """
    What is to be done; travels to where it is done.

    Parameters
    ----------
    entry : PhotoEntry
        The photo.
    segmenters : SegmenterSource
        What says where its erosions are.
    scratch : Path or None
        Folder to write the pictures to, which takes them off the way back; None brings them along.
    """

    entry: PhotoEntry
    segmenters: SegmenterSource
    scratch: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoResult:
    """
    What came of it; travels back.

    Parameters
    ----------
    score : PhotoScore
        Without its standardized photo and segmentation.
    rows : PhotoRows
        What the tables say.
    threshold : float or None
        Probability that a pixel needed; None where the photo did not get so far.
    cpu_s : float
        Seconds that it took.
    pictures : mapping of str to bytes
        Files by name; empty where it was refused, or they are in the task's scratch folder.
    """

    score: PhotoScore
    rows: PhotoRows
    threshold: float | None = None
    cpu_s: float = 0.0
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def score_task(task: PhotoTask, *, protocol: ScoringProtocol) -> PhotoResult:
    """
    Score one photo.

    Parameters
    ----------
    task : PhotoTask
        Which.
    protocol : ScoringProtocol
        All settings.

    Returns
    -------
    PhotoResult
        A photo that cannot be read, or that the software fails on, is refused.

    Raises
    ------
    OutputError
        Where the pictures cannot be written.
    """
    began = time.process_time()
    score, pictures = _scored(task, protocol)
    if task.scratch is not None and pictures:
        write_contents(task.scratch, pictures)
        pictures = {}
    return PhotoResult(
        score=replace(score, standardized=None, segmentation=None),
        rows=rows_of(score, protocol=protocol, model=task.segmenters.model),
        threshold=None if score.segmentation is None else score.segmentation.threshold,
        cpu_s=time.process_time() - began,
        pictures=pictures,
    )


def failed_task(task: PhotoTask, refusal: Refusal, *, protocol: ScoringProtocol) -> PhotoResult:
    """
    Return the result of a photo that gave none.

    Parameters
    ----------
    task : PhotoTask
        Which.
    refusal : Refusal
        Why.
    protocol : ScoringProtocol
        All settings.

    Returns
    -------
    PhotoResult
    """
    score = _refused(task, refusal)
    return PhotoResult(score=score, rows=rows_of(score, protocol=protocol, model=task.segmenters.model))


def _scored(task: PhotoTask, protocol: ScoringProtocol) -> tuple[PhotoScore, Mapping[str, bytes]]:
    entry = task.entry
    try:
        photo = read_entry(entry)
        score = score_photo(photo, protocol=protocol, segmenter=task.segmenters.segmenter_for(entry.identity))
        return score, encode_pictures(photo, score)
    except Refused as refused:
        return _refused(task, refused.refusal), {}
    except Exception as error:  # noqa: BLE001 - one photo's failure is its outcome; the others go on
        return _refused(task, failure_of(error).refusal), {}


def _refused(task: PhotoTask, refusal: Refusal) -> PhotoScore:
    return PhotoScore(identity=task.entry.identity, outcome=refusal, flags=task.entry.flags)
