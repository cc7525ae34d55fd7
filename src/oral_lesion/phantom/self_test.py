"""Does this installation measure a known area? One small drawn photo, scored with its true mask and with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oral_lesion.errors import Refusal
from oral_lesion.io.bundle import load_bundle
from oral_lesion.io.resources import default_bundle_path, packaged_protocol_path
from oral_lesion.io.settings import load_protocol
from oral_lesion.phantom.render import PhantomScene, render_scene
from oral_lesion.phantom.settings import SceneSettings
from oral_lesion.records import Measurement, Photo, PhotoIdentity, Visit
from oral_lesion.score import score_photo
from oral_lesion.segment.known_mask import KnownMaskSegmenter

if TYPE_CHECKING:
    from oral_lesion.protocol import ScoringProtocol
    from oral_lesion.segment.segmenter import Segmenter

__all__ = ["SelfTest", "self_test"]

_WIDTH_PX, _HEIGHT_PX = 800, 600
LARGEST_ERROR = 0.02
"""Share of the true area by which the chain may err; it errs by 0.3 % or less on such scenes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """
    What became of the drawn photo.

    Parameters
    ----------
    true_area_mm2 : float
        As drawn.
    measured_area_mm2 : float or None
        With the true mask in place of the model: card, scale, rectification and area; None where it was refused.
    u_area_mm2 : float or None
        Its standard uncertainty (k = 1).
    model_area_mm2 : float or None
        By the packaged model. It is not judged by it: drawn tissue tells nothing of a model's accuracy.
    problem : str
        Why the photo was refused, or the model did not run; else empty.
    """

    true_area_mm2: float
    measured_area_mm2: float | None
    u_area_mm2: float | None
    model_area_mm2: float | None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the chain gave the known area and the model ran."""
        if self.problem or self.measured_area_mm2 is None or self.model_area_mm2 is None:
            return False
        return abs(self.measured_area_mm2 - self.true_area_mm2) <= LARGEST_ERROR * self.true_area_mm2


def self_test() -> SelfTest:
    """
    Draw a small photo of known area and score it by the packaged protocol.

    Returns
    -------
    SelfTest

    Raises
    ------
    BundleError
        Where the packaged model is damaged or cannot be opened.
    SettingsError
        Where the packaged protocol is damaged.
    """
    protocol = load_protocol(packaged_protocol_path())
    scene = render_scene(SceneSettings(seed=1, width_px=_WIDTH_PX, height_px=_HEIGHT_PX), protocol.card)
    known = KnownMaskSegmenter(scene.mask, protocol.standardization.working_mm_per_px)
    measured = _outcome(scene, protocol, known)
    by_model = _outcome(scene, protocol, load_bundle(default_bundle_path()).open_segmenter())
    refused = [outcome for outcome in (measured, by_model) if isinstance(outcome, Refusal)]
    return SelfTest(
        true_area_mm2=scene.truth.erosion_area_mm2,
        measured_area_mm2=measured.area_mm2 if isinstance(measured, Measurement) else None,
        u_area_mm2=measured.u_area_mm2 if isinstance(measured, Measurement) else None,
        model_area_mm2=by_model.area_mm2 if isinstance(by_model, Measurement) else None,
        problem=f"{refused[0].reason}: {refused[0].detail}" if refused else "",
    )


def _outcome(scene: PhantomScene, protocol: ScoringProtocol, segmenter: Segmenter) -> Measurement | Refusal:
    identity = PhotoIdentity(
        photo_id="self-test", file="self-test", sha256="0" * 64, subject_id="self-test", visit=Visit(name="self-test")
    )
    photo = Photo(identity=identity, srgb=scene.srgb, focal_length_px=scene.truth.focal_length_px)
    return score_photo(photo, protocol=protocol, segmenter=segmenter).outcome
