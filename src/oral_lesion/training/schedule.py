"""Learning rate of every step."""

from __future__ import annotations

import math

from oral_lesion.training.settings import OptimizerSettings, StageSettings

__all__ = ["cosine_rate_at", "learning_rate_at", "scheduled_rate"]


def scheduled_rate(stage: StageSettings, step: int, settings: OptimizerSettings) -> float:
    """
    Return the learning rate of a step by the schedule that the settings name.

    Parameters
    ----------
    stage : StageSettings
        Stage with its highest learning rate.
    step : int
        Step of the stage, from 0.
    settings : OptimizerSettings
        Name of the schedule and its warm-up.

    Returns
    -------
    float
        Learning rate.
    """
    if settings.schedule == "cosine":
        return cosine_rate_at(stage, step)
    return learning_rate_at(stage, step, settings.warmup_fraction)


def learning_rate_at(stage: StageSettings, step: int, warmup_fraction: float) -> float:
    """
    Return the learning rate of a step: up from 1/25, then down to 1/250000 of the highest, as cosines [1]_.

    Parameters
    ----------
    stage : StageSettings
        Stage with its highest learning rate.
    step : int
        Step of the stage, from 0.
    warmup_fraction : float
        Share of the steps in which the rate rises.

    Returns
    -------
    float
        Learning rate.

    References
    ----------
    .. [1] Smith, Topin 2018, arXiv:1708.07120.
       Checked: tests/training/test_fit.py, against torch's OneCycleLR.
    """
    last = stage.epochs * stage.steps_per_epoch - 1
    peak = warmup_fraction * (last + 1) - 1
    low, high, final = stage.learning_rate / 25, stage.learning_rate, stage.learning_rate / 250_000
    if step <= peak and peak > 0:
        start, end, part = low, high, step / peak
    else:
        start, end, part = high, final, (step - peak) / max(last - peak, 1e-9)
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2


def cosine_rate_at(stage: StageSettings, step: int) -> float:
    """
    Return the learning rate of a step: from the highest down towards 0 as a half cosine [1]_.

    Parameters
    ----------
    stage : StageSettings
        Stage with its highest learning rate.
    step : int
        Step of the stage, from 0.

    Returns
    -------
    float
        Learning rate.

    References
    ----------
    .. [1] Loshchilov, Hutter 2017, arXiv:1608.03983, equation 5 without restarts, lowest rate 0.
       Checked: tests/training/test_fit.py, against torch's CosineAnnealingLR.
    """
    return stage.learning_rate * (1 + math.cos(math.pi * step / (stage.epochs * stage.steps_per_epoch))) / 2
