import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("onnxscript", reason="onnxscript comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import BundleError, FormatError, InputError, OutputError  # noqa: E402 - after the skips
from oral_lesion.io.bundle import load_bundle, open_segmenter  # noqa: E402
from oral_lesion.records import ModelIdentity  # noqa: E402
from oral_lesion.segment.onnx import OnnxSegmenter  # noqa: E402
from oral_lesion.training import export  # noqa: E402
from oral_lesion.training.calibration_run import CalibrationSettings  # noqa: E402
from oral_lesion.training.export import ExportSettings  # noqa: E402
from oral_lesion.training.exported import (  # noqa: E402
    DomainProjection,
    ExportedNetwork,
    Parity,
    domain_features,
    measure_parity,
    onnx_bytes,
    require_parity,
)
from oral_lesion.training.exported import _drawn_picture as drawn_picture  # noqa: E402
from oral_lesion.training.fit import FitOptions, fit  # noqa: E402
from oral_lesion.training.network import build_network  # noqa: E402
from oral_lesion.training.settings import NetworkSettings, TrainingSettings  # noqa: E402

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
def exported(network):
    rng = np.random.default_rng(0)
    projection = DomainProjection(
        weight=rng.normal(size=(5, 112)).astype(np.float32), bias=rng.normal(size=5).astype(np.float32)
    )
    return ExportedNetwork(network, temperature=1.7, projection=projection).eval()


@pytest.fixture(scope="module")
def model_bytes(exported):
    return onnx_bytes(exported)


@pytest.fixture(scope="module")
def session(model_bytes):
    import onnxruntime

    return onnxruntime.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])


def drawn(count, height, width):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_tensor_and_area_agree_at_every_size(exported, model_bytes):
    parity = measure_parity(exported, model_bytes, threshold=0.5, pictures=[drawn(1, 70, 50)[0]])
    require_parity(parity)
    assert parity.max_probability_difference <= 1e-4
    assert parity.max_area_difference_percent <= 0.1


def test_the_parity_pictures_hold_both_classes(model_bytes):
    segmenter = OnnxSegmenter(model_bytes, ModelIdentity(name="n", version="1", sha256=""), 0.5, 0.1)
    share = (segmenter.probability_of_srgb(drawn_picture(256, 256)) >= 0.5).mean()
    assert 0.01 < share < 0.99


def test_a_batch_equals_its_pictures_one_by_one_to_the_bit(exported, session):
    pictures = drawn(3, 64, 96)
    probability, domain = session.run(["probability", "domain"], {"image_rgb": pictures})
    assert probability.shape == (3, 64, 96)
    assert domain.shape == (3, 5, 2, 3)
    with torch.inference_mode():
        expected = exported(torch.from_numpy(pictures))
    np.testing.assert_allclose(probability, expected[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(domain, expected[1].numpy(), atol=1e-3)
    for number in range(3):
        alone = session.run(["probability", "domain"], {"image_rgb": pictures[number : number + 1]})
        np.testing.assert_array_equal(alone[0][0], probability[number])
        np.testing.assert_array_equal(alone[1][0], domain[number])


def test_the_temperature_divides_the_logits(network, session):
    pictures = drawn(1, 64, 96)
    with torch.inference_mode():
        plain = ExportedNetwork(network).eval()(torch.from_numpy(pictures)).numpy().astype(np.float64)
    (probability,) = session.run(["probability"], {"image_rgb": pictures})
    logits = np.log(plain) - np.log1p(-plain)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logits / 1.7)), atol=1e-4)


def test_the_domain_is_a_linear_map_of_the_features_that_it_is_fitted_to(network, exported, session):
    pictures = drawn(1, 64, 96)
    (domain,) = session.run(["domain"], {"image_rgb": pictures})
    features = domain_features(network, pictures[0])
    weight, bias = exported.project.weight.detach().numpy()[:, :, 0, 0], exported.project.bias.detach().numpy()
    expected = np.einsum("fc,crs->frs", weight, features) + bias[:, None, None]
    np.testing.assert_allclose(domain[0], expected, atol=1e-3)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_none_is_refused(network, temperature):
    with pytest.raises(InputError, match="temperature"):
        ExportedNetwork(network, temperature=temperature)


def test_the_model_holds_no_paths(model_bytes):
    assert b".py" not in model_bytes
    assert b"site-packages" not in model_bytes
    assert len(model_bytes) < 16e6


def test_a_model_of_another_network_does_not_pass(model_bytes):
    torch.manual_seed(1)
    other = build_network(NetworkSettings(initial_weights="none")).eval()
    with pytest.raises(BundleError, match=r"differs from the network.*in probability.*in area"):
        require_parity(measure_parity(ExportedNetwork(other), model_bytes, threshold=0.5))


@pytest.mark.parametrize("field", ["max_probability_difference", "max_area_difference_percent"])
def test_each_limit_of_the_gate_holds_alone(field):
    right = Parity(max_probability_difference=1e-5, max_area_difference_percent=0.0)
    require_parity(right)
    with pytest.raises(BundleError):
        require_parity(dataclasses.replace(right, **{field: 1.0}))


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory, picture_root):
    folder = tmp_path_factory.mktemp("runs") / "run"
    stage = {"pictures_per_epoch": 5, "batch_size": 2, "crop_px": 64, "learning_rate": 1e-3, "shares": {"disks": 1.0}}
    source = {"name": "disks", "layout": "pairs", "path": "disks", "longer_side_px": [64, 128]}
    content = {
        "name": "tiny",
        "seed": 3,
        "data_root": str(picture_root),
        "working_mm_per_px": 0.1,
        "network": {"initial_weights": "none"},
        "sources": [{**source, "licence": "drawn", "source": "drawn by the test"}],
        "stages": [{"name": "one", "epochs": 2, **stage}, {"name": "two", "epochs": 2, **stage}],
    }
    fit(TrainingSettings.model_validate(content), folder, options=FitOptions(stop_after_epochs=3))
    return folder


@pytest.fixture
def quick_gate(monkeypatch, model_bytes):
    """The ONNX graph and its gate are tested above; here another network's graph stands in."""
    monkeypatch.setattr(export, "onnx_bytes", lambda _exported: model_bytes)
    right = Parity(max_probability_difference=0.0, max_area_difference_percent=0.0)
    monkeypatch.setattr(export, "measure_parity", lambda *_args, **_kwargs: right)


@pytest.mark.usefixtures("quick_gate")
def test_a_run_becomes_a_bundle(tiny_run, tmp_path):
    target = tmp_path / "models" / "tiny"
    export.export_run(tiny_run, target, ExportSettings(version="0.0.1", threshold=0.4, mirror=True))
    metadata = load_bundle(target).metadata
    assert (metadata.name, metadata.version, metadata.threshold) == ("tiny", "0.0.1", 0.4)
    assert metadata.training_data[0].pictures == 6
    assert metadata.training.epochs == 3
    assert metadata.training.stages[1].startswith("two: 1 of 2 epochs")
    assert metadata.test_time_augmentation == "mirror"
    assert metadata.boundary_uncertainty is None
    assert str(tmp_path) not in (target / "metadata.json").read_text()
    assert open_segmenter(target).probability_of_srgb(np.zeros((40, 50, 3), np.uint8)).shape == (40, 50)
    with pytest.raises(OutputError, match="--overwrite"):
        export.export_run(tiny_run, target, ExportSettings(version="0.0.2"))


@pytest.mark.usefixtures("quick_gate")
def test_a_run_is_calibrated_on_the_pictures_that_are_named(tiny_run, tmp_path, mouths):
    settings = CalibrationSettings(
        folder=mouths,
        keep={"split": "val"},
        domain_keep={"split": "train"},
        outside=mouths.parent / "noise",
        checks={"noise": mouths.parent / "noise"},
        longer_side_px=96,
    )
    target = tmp_path / "tiny"
    export.export_run(tiny_run, target, ExportSettings(version="0.0.1", calibration=settings))
    metadata = load_bundle(target).metadata
    assert metadata.probability_calibration.n == 6
    assert metadata.threshold_choice.n == 6
    assert metadata.threshold == pytest.approx(round(metadata.threshold * 20) / 20)
    assert metadata.boundary_uncertainty.n_of_all == 6
    assert (metadata.domain.n_inside, metadata.domain.n_outside) == (24, 8)
    assert [check.n for check in metadata.domain.checks] == [6, 8]
    assert str(tmp_path) not in (target / "metadata.json").read_text()
    segmenter = open_segmenter(target)
    assert segmenter.predict_srgb(np.zeros((40, 50, 3), np.uint8)).boundary == (
        metadata.boundary_uncertainty.calibration
    )
    assert segmenter.domain_score(np.zeros((40, 50, 3), np.uint8)).distance > 0


@pytest.mark.usefixtures("quick_gate")
def test_rows_are_kept_only_of_a_table(tiny_run, tmp_path, picture_root):
    settings = CalibrationSettings(folder=picture_root / "disks", keep={"split": "val"})
    with pytest.raises(InputError, match="has no table of labelled pictures"):
        export.export_run(tiny_run, tmp_path / "tiny", ExportSettings(version="0.0.1", calibration=settings))
    assert not (tmp_path / "tiny").exists()


def test_a_folder_without_run_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no checkpoint there"):
        export.export_run(tmp_path, tmp_path / "bundle", ExportSettings(version="1", threshold=0.5))


@pytest.fixture(scope="module")
def mouths(tmp_path_factory):
    """A table of 30 drawn pictures, a fifth of them held out, and a folder of noise beside it."""
    import cv2

    root = tmp_path_factory.mktemp("calibration")
    folder, noise = root / "mouths", root / "noise" / "images"
    for place in (folder / "images", folder / "masks", noise):
        place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = ["id,file,mask,group,split,confidence"]
    for number in range(30):
        mask = np.zeros((64, 96), np.uint8)
        cv2.circle(mask, (int(rng.integers(30, 60)), 32), int(rng.integers(8, 20)), 255, -1)
        srgb = np.where(mask[..., None] > 0, (170, 40, 40), (220, 150, 150)) + rng.normal(0, 6, (64, 96, 3))
        cv2.imwrite(str(folder / "images" / f"{number}.png"), np.clip(srgb, 0, 255).astype(np.uint8)[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
        split = "train" if number % 5 else "val"
        lines.append(f"{number},images/{number}.png,masks/{number}.png,g{number},{split},high")
    (folder / "photos.csv").write_text("\n".join(lines) + "\n")
    for number in range(8):
        cv2.imwrite(str(noise / f"{number}.png"), rng.integers(0, 256, (64, 96, 3), dtype=np.uint8))
    return folder
