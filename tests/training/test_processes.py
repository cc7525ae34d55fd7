import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("lightning_fabric", reason="lightning-fabric comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.training.batches import CropDrawer, EpochPlan, parts_of_step  # noqa: E402 - after the skips
from oral_lesion.training.checkpoint import read_checkpoint  # noqa: E402
from oral_lesion.training.data import open_sources  # noqa: E402
from oral_lesion.training.fit import fit  # noqa: E402
from oral_lesion.training.settings import TrainingSettings  # noqa: E402

SCRIPT = Path(__file__).parents[1] / "support" / "train_in_processes.py"


def train_in_two_processes(settings, run_folder):
    """Train under torchrun, on the CPU, with gloo."""
    written = run_folder.with_suffix(".json")
    written.write_text(settings.model_dump_json())
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*launch, str(SCRIPT), str(written), str(run_folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_learn_what_one_does_with_two_parts(tiny_content, tmp_path):
    # 5 crops in steps of 4: the last step has one crop, so that the second process has none of it.
    tiny_content["stages"] = [tiny_content["stages"][0] | {"batch_size": 4, "epochs": 2}]
    tiny_content["network"] = {}
    tiny_content["validation"] = {"fraction": 0.34, "longer_side_px": 96}
    settings = TrainingSettings.model_validate(tiny_content)
    train_in_two_processes(settings, tmp_path / "two")
    ranks = [torch.load(tmp_path / "two" / f"rank-{rank}.pt", weights_only=True) for rank in range(2)]
    for name in ("network", "average"):
        for first, second in zip(ranks[0][name].values(), ranks[1][name].values(), strict=True):
            assert torch.equal(first, second)
    optimizer = settings.optimizer.model_copy(update={"accumulate": 2})
    alone = fit(settings.model_copy(update={"optimizer": optimizer}), tmp_path / "one")
    two, one = read_checkpoint(tmp_path / "two"), read_checkpoint(tmp_path / "one")
    assert [record["loss"] for record in two["history"]] == pytest.approx([r.loss for r in alone], rel=1e-4)
    weights = [name for name in one["network"] if "running" not in name and "num_batches" not in name]
    for name in weights:
        torch.testing.assert_close(two["network"][name], one["network"][name], rtol=1e-4, atol=1e-5)
    assert two["history"][-1]["validation_dice"] is not None
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "best.pt",
        "checkpoint.pt",
        "history.csv",
        "rank-0.pt",
        "rank-1.pt",
        "settings.json",
        "validation.csv",
    ]


@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (1, 3), (2, 1), (2, 2), (4, 1)])
def test_every_crop_of_a_step_is_dealt_once(tiny_settings, processes, accumulate):
    stage = tiny_settings.stages[0].model_copy(update={"pictures_per_epoch": 11, "batch_size": 8})
    for step, expected in enumerate([range(8), range(8, 11)]):
        dealt = []
        for rank in range(processes):
            plan = EpochPlan(stage=stage, seed=0, epoch=0, rank=rank, processes=processes, accumulate=accumulate)
            dealt += parts_of_step(plan, step)
        assert sum(weight for _, weight in dealt) == pytest.approx(1.0)
        assert [position for part, weight in dealt if weight for position in part] == list(expected)
        assert all(part for part, _ in dealt)


def test_a_worker_draws_the_same_crops(tiny_settings):
    sources = open_sources(tiny_settings)
    plan = EpochPlan(stage=tiny_settings.stages[0], seed=3, epoch=1)
    with CropDrawer(sources, 0) as here, CropDrawer(sources, 1) as beside:
        for one, other in zip(here.stream_steps(plan), beside.stream_steps(plan), strict=True):
            assert [part.weight for part in one] == [part.weight for part in other]
            assert torch.equal(one[0].srgb, other[0].srgb)
            assert torch.equal(one[0].labels, other[0].labels)
