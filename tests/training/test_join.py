import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("lightning_fabric", reason="lightning-fabric comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import FormatError, InputError  # noqa: E402 - after the skips
from oral_lesion.training.checkpoint import write_checkpoint  # noqa: E402
from oral_lesion.training.export import load_trained  # noqa: E402
from oral_lesion.training.fit import FitOptions, fit  # noqa: E402
from oral_lesion.training.join import join_runs, mean_weights  # noqa: E402
from oral_lesion.training.network import EnsembleNetwork, ProbabilityNetwork, build_network  # noqa: E402


@pytest.fixture
def runs(tiny_settings, tmp_path):
    """Three run folders with networks of different weights, and the networks."""
    networks = []
    for seed in range(3):
        torch.manual_seed(seed)
        networks.append(build_network(tiny_settings.network).eval())
        folder = tmp_path / f"run-{seed}"
        folder.mkdir()
        weights = networks[-1].state_dict()
        write_checkpoint(folder, {"average": weights, "average_steps": seed, "history": [{"epoch": 1}] * seed})
    return [tmp_path / f"run-{seed}" for seed in range(3)], networks


def test_the_mean_of_weights_is_that_of_each_tensor():
    first = {"w": torch.tensor([1.0, 2.0]), "n": torch.tensor(4)}
    second = {"w": torch.tensor([2.0, 6.0]), "n": torch.tensor(8)}
    mean = mean_weights([first, second])
    assert mean["w"].tolist() == [1.5, 4.0]
    assert (mean["w"].dtype, mean["n"].item()) == (torch.float32, 4)


def test_averaged_weights_are_a_run_that_can_be_exported(tiny_settings, runs, tmp_path):
    folders, networks = runs
    join_runs(tiny_settings, [folders[0], folders[1] / "checkpoint.pt"], tmp_path / "joined", as_ensemble=False)
    settings, network, history = load_trained(tmp_path / "joined")
    expected = (networks[0].encoder.model.conv_stem.weight + networks[1].encoder.model.conv_stem.weight) / 2
    torch.testing.assert_close(network.encoder.model.conv_stem.weight, expected)
    assert settings == tiny_settings
    assert len(history) == 1
    with pytest.raises(FormatError, match="averaged weights alone"):
        fit(tiny_settings, tmp_path / "joined", options=FitOptions(resume=True))


def test_an_ensemble_gives_the_mean_probability(tiny_settings, runs, tmp_path):
    folders, networks = runs
    joined = join_runs(tiny_settings, folders, tmp_path / "joined", as_ensemble=True)
    assert joined.network.members == 3
    _, network, _ = load_trained(tmp_path / "joined")
    assert isinstance(network, EnsembleNetwork)
    srgb = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        got = ProbabilityNetwork(network)(srgb)
        expected = sum(ProbabilityNetwork(single)(srgb) for single in networks) / 3
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-6)


def test_what_cannot_be_joined_is_refused(tiny_settings, runs, tmp_path):
    folders, _ = runs
    with pytest.raises(InputError, match="expected 2 to 16 checkpoints, got 1"):
        join_runs(tiny_settings, folders[:1], tmp_path / "joined", as_ensemble=True)
    with pytest.raises(InputError, match="holds a run already"):
        join_runs(tiny_settings, folders, folders[0], as_ensemble=False)
    other = tiny_settings.network.model_copy(update={"decoder_channels": (32, 32, 16, 16, 8)})
    with pytest.raises(FormatError, match="not that of the training file"):
        join_runs(tiny_settings.model_copy(update={"network": other}), folders, tmp_path / "new", as_ensemble=False)
    assert not (tmp_path / "new").exists()
    ensemble = tiny_settings.network.model_copy(update={"members": 2})
    with pytest.raises(InputError, match="training makes single networks"):
        fit(tiny_settings.model_copy(update={"network": ensemble}), tmp_path / "new")


def test_averaged_weights_tell_of_the_run_that_the_training_file_describes(tiny_settings, runs, tmp_path):
    folders, _ = runs
    read = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in folders]
    for folder, checkpoint in zip(folders, read, strict=True):
        own = checkpoint["average_steps"] == 1
        more = {
            "settings_sha256": tiny_settings.sha256 if own else "0" * 64,
            "history": [{"epoch": 1}] * (1 if own else 99),
        }
        write_checkpoint(folder, {**checkpoint, **more})
    join_runs(tiny_settings, folders, tmp_path / "joined", as_ensemble=False)
    assert len(load_trained(tmp_path / "joined")[2]) == 1
