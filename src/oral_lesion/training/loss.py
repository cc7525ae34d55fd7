"""Losses: Dice with cross-entropy, and focal Tversky; all blind to pixels that are to be ignored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE
from oral_lesion.training.settings import OptimizerSettings

__all__ = ["focal_tversky_loss", "loss_of", "segmentation_loss"]


def loss_of(logits: Tensor, labels: Tensor, settings: OptimizerSettings) -> Tensor:
    """
    Return the loss that the settings name.

    Parameters
    ----------
    logits : Tensor of float32, shape (batch, 1, height, width)
        Output of the network.
    labels : Tensor of uint8, shape (batch, height, width)
        255 lesion, 0 other, 128 ignore.
    settings : OptimizerSettings
        Name of the loss and its parameters.

    Returns
    -------
    Tensor of float32, shape ()
        The loss; 0 where every pixel is ignored.
    """
    if settings.loss == "focal-tversky":
        weights = (settings.tversky_alpha, settings.tversky_beta)
        return focal_tversky_loss(logits, labels, weights=weights, gamma=settings.tversky_gamma)
    return segmentation_loss(logits, labels, dice_weight=settings.dice_weight)


def segmentation_loss(logits: Tensor, labels: Tensor, *, dice_weight: float = 0.5) -> Tensor:
    """
    Return the loss of a batch: weighted sum of soft Dice loss and binary cross-entropy.

    Dice is taken over all pixels of the batch together, so that crops without lesion need no exception [1]_.

    Parameters
    ----------
    logits : Tensor of float32, shape (batch, 1, height, width)
        Output of the network.
    labels : Tensor of uint8, shape (batch, height, width)
        255 lesion, 0 other, 128 ignore.
    dice_weight : float
        Weight of Dice in [0, 1]; cross-entropy has the rest.

    Returns
    -------
    Tensor of float32, shape ()
        The loss; 0 where every pixel is ignored.

    References
    ----------
    .. [1] Milletari, Navab, Ahmadi 2016, V-Net, doi:10.1109/3DV.2016.79, equation 3.
       Checked: tests/training/test_loss.py.
    """
    scores, counted, target = _parts(logits, labels)
    cross_entropy = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
    cross_entropy = (cross_entropy * counted).sum() / counted.sum().clamp(min=1.0)
    probability = torch.sigmoid(scores) * counted
    overlap = (probability * target).sum()
    total = (probability.square() + target.square()).sum()
    dice = (1.0 - (2.0 * overlap + 1.0) / (total + 1.0)) * counted.amax()
    return dice_weight * dice + (1.0 - dice_weight) * cross_entropy


def focal_tversky_loss(
    logits: Tensor, labels: Tensor, *, weights: tuple[float, float] = (0.7, 0.3), gamma: float = 4 / 3
) -> Tensor:
    """
    Return the focal Tversky loss of a batch, over all pixels of the batch together [1]_.

    Missed lesion costs more than false lesion where the first weight is the larger one.

    Parameters
    ----------
    logits : Tensor of float32, shape (batch, 1, height, width)
        Output of the network.
    labels : Tensor of uint8, shape (batch, height, width)
        255 lesion, 0 other, 128 ignore.
    weights : tuple of float
        alpha, of missed lesion, and beta, of false lesion.
    gamma : float
        The loss is (1 - Tversky index) to the power of 1 / gamma.

    Returns
    -------
    Tensor of float32, shape ()
        The loss; 0 where every pixel is ignored.

    References
    ----------
    .. [1] Abraham, Khan 2019, arXiv:1810.07842, equations 3 and 4 for the class of the lesion; epsilon is 1 pixel,
       as with Dice. Checked: tests/training/test_loss.py.
    """
    scores, counted, target = _parts(logits, labels)
    probability = torch.sigmoid(scores) * counted
    overlap = (probability * target).sum()
    missed = ((1.0 - probability) * target).sum()
    false = (probability * (1.0 - target)).sum()
    index = (overlap + 1.0) / (overlap + weights[0] * missed + weights[1] * false + 1.0)
    # A root has no finite slope at 0: keep a little off it.
    return (1.0 - index).clamp(min=1e-7).pow(1.0 / gamma) * counted.amax()


def _parts(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores, what counts (1 or 0), and the target (1 lesion; 0 other or ignored)."""
    counted = (labels != IGNORE_VALUE).float()
    return logits[:, 0].float(), counted, (labels == LESION_VALUE).float()
