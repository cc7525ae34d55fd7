"""Digital reference objects: scenes of known area, scale, colour and tilt."""

from oral_lesion.phantom.camera import Camera
from oral_lesion.phantom.light import LIGHTS
from oral_lesion.phantom.outline import LesionShape
from oral_lesion.phantom.render import PhantomScene, render_scene
from oral_lesion.phantom.settings import SceneSettings
from oral_lesion.phantom.tree import StudyPlan, WrittenScene, plan_scenes, write_phantoms, write_scene
from oral_lesion.phantom.truth import TRUTH_COLUMNS, SceneTruth

__all__ = [
    "LIGHTS",
    "TRUTH_COLUMNS",
    "Camera",
    "LesionShape",
    "PhantomScene",
    "SceneSettings",
    "SceneTruth",
    "StudyPlan",
    "WrittenScene",
    "plan_scenes",
    "render_scene",
    "write_phantoms",
    "write_scene",
]
