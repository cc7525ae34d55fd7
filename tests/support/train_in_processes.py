"""
Train in every process that torchrun started; each process writes what it ended with.

    torchrun --nproc-per-node 2 train_in_processes.py SETTINGS.json RUN_FOLDER
"""

import sys
from pathlib import Path

import cv2
import torch

from oral_lesion.training.fit import fit
from oral_lesion.training.run import TrainingRun
from oral_lesion.training.settings import TrainingSettings


class SavingEach(TrainingRun):
    """A run that every process saves for itself as well."""

    def save(self, run_folder: Path) -> None:
        """Save network and average of this process, then what the run saves."""
        kept = {"network": self.network.state_dict(), "average": self.average.network.state_dict()}
        torch.save(kept, run_folder / f"rank-{self.fabric.global_rank}.pt")
        super().save(run_folder)


def main() -> None:
    """Train."""
    from oral_lesion.training import fit as module

    cv2.setNumThreads(1)
    module.TrainingRun = SavingEach
    settings = TrainingSettings.model_validate_json(Path(sys.argv[1]).read_bytes())
    fit(settings, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
