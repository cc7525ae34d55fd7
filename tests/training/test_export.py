import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("onnxscript", reason="onnxscript comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import BundleError, FormatError, OutputError  # noqa: E402 - after the skips
from oral_lesion.io.bundle import load_bundle, open_segmenter  # noqa: E402
from oral_lesion.records import ModelIdentity  # noqa: E402
from oral_lesion.segment.onnx import OnnxSegmenter  # noqa: E402
from oral_lesion.training import export  # noqa: E402
from oral_lesion.training.fit import FitOptions, fit  # noqa: E402
from oral_lesion.training.network import ProbabilityNetwork, build_network  # noqa: E402
from oral_lesion.training.settings import NetworkSettings  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:torch",
    "ignore::DeprecationWarning:onnxscript",
    "ignore::FutureWarning:copyreg",
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    built = build_network(NetworkSettings(initial_weights="none")).eval()
    with torch.no_grad():  # spread the probabilities, so that areas are not empty
        built.segmentation_head[0].weight.mul_(3.0)
    return built


@pytest.fixture(scope="module")
def model_bytes(network):
    return export.onnx_bytes(network)


def test_tensor_and_area_agree_at_every_size(network, model_bytes):
    parity = export.measure_parity(network, model_bytes, threshold=0.5)
    export.require_parity(parity)
    assert parity.max_probability_difference <= 1e-4
    assert parity.max_area_difference_percent <= 0.1


def test_the_parity_pictures_hold_both_classes(network, model_bytes):
    segmenter = OnnxSegmenter(model_bytes, ModelIdentity(name="n", version="1", sha256=""), 0.5, 0.1)
    share = (segmenter.probability_of_srgb(export._drawn_picture(256, 256)) >= 0.5).mean()
    assert 0.01 < share < 0.99


def test_a_batch_equals_its_pictures_one_by_one(network, model_bytes):
    import onnxruntime

    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])
    (got,) = session.run(["probability"], {"image_rgb": pictures})
    with torch.inference_mode():
        expected = ProbabilityNetwork(network)(torch.from_numpy(pictures)).numpy()
    assert got.shape == (3, 64, 96)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_the_model_holds_no_paths(model_bytes):
    assert b".py" not in model_bytes
    assert b"site-packages" not in model_bytes
    assert len(model_bytes) < 16e6


def test_a_model_of_another_network_does_not_pass(model_bytes):
    torch.manual_seed(1)
    other = build_network(NetworkSettings(initial_weights="none")).eval()
    with pytest.raises(BundleError, match=r"differs from the network.*in probability.*in area"):
        export.require_parity(export.measure_parity(other, model_bytes, threshold=0.5))


@pytest.mark.parametrize("field", ["max_probability_difference", "max_area_difference_percent"])
def test_each_limit_of_the_gate_holds_alone(field):
    right = export.Parity(max_probability_difference=1e-5, max_area_difference_percent=0.0)
    export.require_parity(right)
    with pytest.raises(BundleError):
        export.require_parity(dataclasses.replace(right, **{field: 1.0}))


def test_a_run_becomes_a_bundle(tiny_settings, tmp_path, monkeypatch, model_bytes, network):
    monkeypatch.setattr(export, "onnx_bytes", lambda _network: model_bytes)  # the export itself is tested above
    monkeypatch.setattr(
        export,
        "measure_parity",
        lambda *_args, **_kwargs: export.Parity(max_probability_difference=0.0, max_area_difference_percent=0.0),
    )
    fit(tiny_settings, tmp_path / "run", options=FitOptions(stop_after_epochs=3))
    target = tmp_path / "models" / "tiny"
    export.export_run(tmp_path / "run", target, version="0.0.1", threshold=0.4)
    metadata = load_bundle(target).metadata
    assert (metadata.name, metadata.version, metadata.threshold) == ("tiny", "0.0.1", 0.4)
    assert metadata.training_data[0].pictures == 6
    assert metadata.training.epochs == 3
    assert metadata.training.stages[1].startswith("two: 1 of 2 epochs")
    assert str(tmp_path) not in (target / "metadata.json").read_text()
    assert open_segmenter(target).probability_of_srgb(np.zeros((40, 50, 3), np.uint8)).shape == (40, 50)
    with pytest.raises(OutputError, match="--overwrite"):
        export.export_run(tmp_path / "run", target, version="0.0.2", threshold=0.4)


def test_a_folder_without_run_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no checkpoint there"):
        export.export_run(tmp_path, tmp_path / "bundle", version="1", threshold=0.5)
