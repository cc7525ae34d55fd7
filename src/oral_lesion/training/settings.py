"""Training file: the frozen settings of one training run, checked as a whole."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from oral_lesion.errors import Fault, SettingsError
from oral_lesion.protocol import faults_of
from oral_lesion.training.sections import (
    CardSettings,
    FrozenSection,
    NetworkSettings,
    OptimizerSettings,
    SourceSettings,
    StageSettings,
    ValidationSettings,
)

__all__ = [
    "CardSettings",
    "NetworkSettings",
    "OptimizerSettings",
    "SourceSettings",
    "StageSettings",
    "TrainingSettings",
    "ValidationSettings",
    "load_training_settings",
    "parse_overrides",
]


class TrainingSettings(FrozenSection):
    """
    A training file.

    Parameters
    ----------
    name : str
        Name of the model.
    seed : int
        Seed of everything that is drawn.
    data_root : str
        Folder of the sources; a relative path starts at the working directory.
    working_mm_per_px : float
        Resolution (mm/px) at which the model is to be applied.
    precision : {"auto", "32-true", "bf16-mixed", "16-mixed"}
        Arithmetic on a GPU; ``auto`` takes bf16 where the GPU has it, else fp16. A CPU computes in 32 bits.
    deterministic : bool
        Let torch use deterministic algorithms alone; slower on a GPU.
    network, optimizer, validation, card : NetworkSettings, OptimizerSettings, ValidationSettings, CardSettings
        See there.
    sources : tuple of SourceSettings
        Where pictures come from.
    stages : tuple of StageSettings
        What is trained, in order.
    """

    later_keys = frozenset({"precision", "deterministic", "validation"})

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    seed: int = Field(ge=0)
    data_root: str
    working_mm_per_px: float = Field(gt=0.0)
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    deterministic: bool = False
    network: NetworkSettings = NetworkSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    validation: ValidationSettings = ValidationSettings()
    card: CardSettings = CardSettings()
    sources: tuple[SourceSettings, ...] = Field(min_length=1)
    stages: tuple[StageSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _stages_name_known_sources(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(f"source names must differ; got {', '.join(names)}")
        unknown = {name for stage in self.stages for name in stage.shares} - set(names)
        if unknown:
            raise ValueError(f"stages share out unknown sources: {', '.join(sorted(unknown))}")
        unknown = set(self.validation.sources) - set(names)
        if unknown:
            raise ValueError(f"validation holds out of unknown sources: {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _backgrounds_are_photographs(self) -> Self:
        photographs = {source.name for source in self.sources if source.layout != "phantom"}
        wrong = {source.backgrounds for source in self.sources if source.backgrounds} - photographs
        if wrong:
            raise ValueError(f"backgrounds must name sources of photographs; got {', '.join(sorted(wrong))}")
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def sha256(self) -> str:
        """Hash of the settings as canonical JSON, without the place of the data and the words of the card."""
        content = self.hashed_content()
        del content["data_root"], content["card"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def continues(self, sha256: str) -> bool:
        """
        Return whether a run with that hash can go on with these settings: they equal it, or only add stages at the end.

        Parameters
        ----------
        sha256 : str
            Hash of the settings that the run was made with.

        Returns
        -------
        bool
            True where it can.
        """
        beginnings = (self.stages[:count] for count in range(1, len(self.stages) + 1))
        return any(self.model_copy(update={"stages": stages}).sha256 == sha256 for stages in beginnings)

    def locate(self, epoch: int) -> tuple[int, StageSettings, int]:
        """
        Return the stage of an epoch.

        Parameters
        ----------
        epoch : int
            Epoch of the run, from 0.

        Returns
        -------
        tuple of (int, StageSettings, int)
            Number of the stage, the stage, and the epoch within it.
        """
        first = 0
        for number, stage in enumerate(self.stages):
            if epoch < first + stage.epochs:
                return number, stage, epoch - first
            first += stage.epochs
        raise IndexError(f"epoch {epoch} is beyond the {self.epochs} epochs of the run")


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """
    Parse ``key=value`` texts of a command line.

    Parameters
    ----------
    overrides : sequence of str
        Dotted keys; list items by number (``stages.0.epochs=2``). Values are TOML; a value that is not
        TOML counts as text.

    Returns
    -------
    dict of str to object
        Values by dotted key.

    Raises
    ------
    SettingsError
        A text has no ``=``; all such texts are named.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            faults.append(Fault(override, "expected key=value, such as seed=7"))
            continue
        try:
            values[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key.strip()] = text
    if faults:
        raise SettingsError("--override", faults)
    return values


def load_training_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainingSettings:
    """
    Read and check a training file.

    Parameters
    ----------
    path : Path
        TOML file.
    overrides : mapping of str to object, optional
        Values by dotted key that replace those of the file.

    Returns
    -------
    TrainingSettings
        The checked settings.

    Raises
    ------
    SettingsError
        The file cannot be read, is not TOML, or holds faults; all are named at once.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = "no such file; name a training file, such as configs/train/oral-erosion.toml of the source code"
        raise SettingsError(str(path), [Fault("(file)", message)]) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(str(path), [Fault("(file)", f"not a readable TOML file: {error}")]) from error
    faults = [fault for key, value in (overrides or {}).items() if (fault := _put(content, key, value))]
    try:
        settings = TrainingSettings.model_validate(content)
    except ValidationError as error:
        faults += faults_of(error)
        raise SettingsError(str(path), faults) from error
    if faults:
        raise SettingsError(str(path), faults)
    return settings


def _put(content: dict[str, Any], dotted_key: str, value: Any) -> Fault | None:
    """Replace a value in nested tables; return a fault where the key leads nowhere."""
    *parents, last = dotted_key.split(".")
    place: Any = content
    for part in parents:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            place = place.setdefault(part, {})
        else:
            return Fault(dotted_key, f"override leads nowhere at {part!r}")
    if isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        return Fault(dotted_key, f"override leads nowhere at {last!r}")
    return None
