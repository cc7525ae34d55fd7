"""Loss: soft Dice and binary cross-entropy, both blind to pixels that are to be ignored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE

__all__ = ["segmentation_loss"]


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
    scores = logits[:, 0].float()
    counted = (labels != IGNORE_VALUE).float()
    target = (labels == LESION_VALUE).float()
    cross_entropy = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
    cross_entropy = (cross_entropy * counted).sum() / counted.sum().clamp(min=1.0)
    probability = torch.sigmoid(scores) * counted
    overlap = (probability * target).sum()
    total = (probability.square() + target.square()).sum()
    dice = (1.0 - (2.0 * overlap + 1.0) / (total + 1.0)) * counted.amax()
    return dice_weight * dice + (1.0 - dice_weight) * cross_entropy
