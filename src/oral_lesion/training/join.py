"""Several checkpoints as one model: the mean of their weights, or an ensemble of their networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oral_lesion.errors import FormatError, InputError
from oral_lesion.training.checkpoint import (
    CHECKPOINT_NAME,
    SETTINGS_NAME,
    read_checkpoint,
    write_atomically,
    write_checkpoint,
)
from oral_lesion.training.network import build_network
from oral_lesion.training.settings import TrainingSettings

__all__ = ["join_runs", "mean_weights"]

Weights = dict[str, Tensor]


def join_runs(
    settings: TrainingSettings, checkpoints: Sequence[Path], run_folder: Path, *, as_ensemble: bool
) -> TrainingSettings:
    """
    Join checkpoints into a run folder that can be exported.

    Parameters
    ----------
    settings : TrainingSettings
        Of the runs; their networks must be the one that it names.
    checkpoints : sequence of Path
        Files such as ``best.pt``, or run folders; at least one, for an ensemble two.
    run_folder : Path
        New folder. It cannot be resumed.
    as_ensemble : bool
        Keep all networks and average their probabilities; else average their weights.

    Returns
    -------
    TrainingSettings
        As written to the folder.

    Raises
    ------
    InputError
        Too few or too many checkpoints, or the folder holds a run already.
    FormatError
        A checkpoint cannot be read, or is of another network.
    """
    if not (2 if as_ensemble else 1) <= len(checkpoints) <= 16:
        raise InputError(f"join: expected {'2' if as_ensemble else '1'} to 16 checkpoints, got {len(checkpoints)}")
    if (run_folder / CHECKPOINT_NAME).exists():
        raise InputError(f"{run_folder}: holds a run already; name another folder")
    read = [_fitting(settings, path) for path in checkpoints]
    weights = [checkpoint["average"] for checkpoint in read]
    joined = settings
    if as_ensemble:
        network = settings.network.model_copy(update={"members": len(read)})
        joined = settings.model_copy(update={"network": network})
        average = {
            f"members.{number}.{name}": tensor for number, own in enumerate(weights) for name, tensor in own.items()
        }
    else:
        average = mean_weights(weights)
    told_of = _own_run(settings, read)
    run_folder.mkdir(parents=True, exist_ok=True)
    content = joined.model_dump_json(indent=2).encode()
    write_atomically(run_folder / SETTINGS_NAME, lambda file: file.write(content))
    write_checkpoint(
        run_folder,
        {
            "settings_sha256": joined.sha256,
            "average": average,
            "average_steps": told_of["average_steps"],
            "history": told_of["history"][: settings.epochs],
        },
    )
    return joined


def _own_run(settings: TrainingSettings, read: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the longest of the runs that the training file itself describes; where there is none, of all."""
    own = [checkpoint for checkpoint in read if settings.continues(str(checkpoint.get("settings_sha256")))]
    return max(own or read, key=lambda checkpoint: len(checkpoint["history"]))


def _fitting(settings: TrainingSettings, path: Path) -> dict[str, Any]:
    """Read a checkpoint whose weights fit the network."""
    checkpoint = read_checkpoint(path)
    network = build_network(settings.network.model_copy(update={"initial_weights": "none", "members": 1}))
    try:
        network.load_state_dict(checkpoint["average"])
    except (KeyError, RuntimeError) as error:
        raise FormatError(
            f"{path}: its network is not that of the training file ({str(error).splitlines()[0]}); "
            "name checkpoints of runs with the same [network]"
        ) from error
    return checkpoint


def mean_weights(weights: Sequence[Weights]) -> Weights:
    """
    Return the mean of each tensor over several networks [1]_.

    Batch statistics are averaged as the weights are; whole numbers, which count batches, are those of the first.

    Parameters
    ----------
    weights : sequence of dict of str to Tensor
        State of each network, with equal names and shapes; not empty.

    Returns
    -------
    dict of str to Tensor
        The mean, in double precision until it is rounded once.

    References
    ----------
    .. [1] Wortsman et al. 2022, arXiv:2203.05482, the uniform soup: the networks must start from the same weights.
       Checked: tests/training/test_join.py.
    """
    first = weights[0]
    return {
        name: torch.stack([own[name].double() for own in weights]).mean(dim=0).to(tensor.dtype)
        if tensor.dtype.is_floating_point
        else tensor.clone()
        for name, tensor in first.items()
    }
