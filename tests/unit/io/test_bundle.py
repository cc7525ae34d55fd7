import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from oral_lesion.errors import BundleError, OutputError
from oral_lesion.io.bundle import (
    BoundaryUncertainty,
    BundleMetadata,
    Domain,
    DomainCheck,
    Figure,
    Int8Model,
    ProbabilityCalibration,
    TensorDescription,
    ThresholdChoice,
    TrainingData,
    TrainingDescription,
    load_bundle,
    open_segmenter,
    write_bundle,
)
from oral_lesion.segment.onnx import InferenceOptions

SCHEMA = Path(__file__).parents[3] / "docs" / "model-bundle.schema.json"
FILES = ["model.onnx", "metadata.json", "model-card.md", "LICENSE", "SHA256SUMS"]


@pytest.fixture
def metadata() -> BundleMetadata:
    return BundleMetadata(
        name="test-erosion",
        version="1.2.3",
        created=dt.date(2026, 1, 2),
        classes=("erosion",),
        working_mm_per_px=0.1,
        threshold=0.45,
        input=TensorDescription(
            name="image_rgb", dtype="uint8", axes=("batch", "height", "width", "3"), content="sRGB"
        ),
        output=TensorDescription(
            name="probability", dtype="float32", axes=("batch", "height", "width"), content="probability"
        ),
        multiple_of_px=32,
        training_data=(TrainingData(name="mouths", licence="CC BY-NC", source="a | hospital", pictures=12),),
        licence="research use only",
        intended_use="research",
        limits=("none known",),
        training=TrainingDescription(
            settings_sha256="a" * 64,
            seed=1,
            epochs=2,
            crops=3,
            encoder="lite0",
            initial_weights="none",
            stages=("first: 2 epochs",),
        ),
        figures=(Figure(name="Dice", value=0.75, data_set="mouths", n=9, command="python -m evaluate"),),
    )


@pytest.fixture
def bundle_path(tmp_path, metadata):
    path = tmp_path / "models" / "test-erosion"
    write_bundle(path, metadata, b"not really a model")
    return path


def resum(path, *names):
    """Write the sums anew, as someone would who means to change a file."""
    lines = [f"{hashlib.sha256((path / name).read_bytes()).hexdigest()}  {name}\n" for name in names or FILES[:4]]
    (path / "SHA256SUMS").write_text("".join(lines))


def test_what_is_written_is_read_back(bundle_path, metadata):
    bundle = load_bundle(bundle_path)
    assert bundle.metadata == metadata
    assert bundle.model_bytes == b"not really a model"
    assert bundle.identity.sha256 == hashlib.sha256(b"not really a model").hexdigest()
    assert sorted(file.name for file in bundle_path.iterdir()) == sorted(FILES)
    assert [file.name for file in bundle_path.parent.iterdir()] == ["test-erosion"]


def test_the_card_tells_all_that_matters(bundle_path):
    card = (bundle_path / "model-card.md").read_text(encoding="utf-8")
    for text in (
        "Research use only, not validated for pemphigus; retrain on your trial's own annotated photographs",
        "CC BY-NC",
        "a \\| hospital",
        "| Dice | 0.75 | mouths | 9 |",
        "python -m evaluate",
        "none known",
    ):
        assert text in card


@pytest.mark.parametrize("name", FILES[:4])
def test_a_changed_file_is_refused_by_name(bundle_path, name):
    with (bundle_path / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=rf"{name}: expected SHA-256 .* it was changed; copy"):
        load_bundle(bundle_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(bundle_path, name):
    (bundle_path / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: missing"):
        load_bundle(bundle_path)


def test_a_missing_directory_is_refused(tmp_path):
    with pytest.raises(BundleError, match="no such model directory"):
        load_bundle(tmp_path / "none")


def test_sums_that_leave_out_a_file_are_refused(bundle_path):
    resum(bundle_path, "model.onnx", "metadata.json")
    with pytest.raises(BundleError, match=r"no line for model-card\.md"):
        load_bundle(bundle_path)


def test_sums_of_another_form_are_refused(bundle_path):
    (bundle_path / "SHA256SUMS").write_text("hello\n")
    with pytest.raises(BundleError, match="expected lines of hash and file name"):
        load_bundle(bundle_path)


def test_all_faults_of_the_metadata_are_named(bundle_path):
    content = json.loads((bundle_path / "metadata.json").read_text())
    content |= {"threshold": 1.5, "extra_key": 1}
    del content["licence"]
    (bundle_path / "metadata.json").write_text(json.dumps(content))
    resum(bundle_path)
    with pytest.raises(BundleError, match=r"(?s)(?=.*threshold)(?=.*extra_key)(?=.*licence)"):
        load_bundle(bundle_path)


def test_metadata_that_are_no_json_are_refused(bundle_path):
    (bundle_path / "metadata.json").write_text("{")
    resum(bundle_path)
    with pytest.raises(BundleError, match=r"metadata\.json"):
        load_bundle(bundle_path)


def test_a_model_that_is_none_is_refused_with_its_file(bundle_path):
    with pytest.raises(BundleError, match=r"test-erosion.model\.onnx.*onnxruntime cannot open it"):
        open_segmenter(bundle_path)


def test_a_bundle_is_not_replaced_unasked(bundle_path, metadata):
    with pytest.raises(OutputError, match="--overwrite"):
        write_bundle(bundle_path, metadata, b"new")
    write_bundle(bundle_path, metadata, b"new", overwrite=True)
    assert load_bundle(bundle_path).model_bytes == b"new"
    assert [file.name for file in bundle_path.parent.iterdir()] == ["test-erosion"]


def test_what_is_no_bundle_is_never_replaced(tmp_path, metadata):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not a model directory"):
        write_bundle(tmp_path, metadata, b"new", overwrite=True)
    assert (tmp_path / "thesis.txt").exists()


INT8 = b"an eight-bit model"


@pytest.fixture
def calibrated(metadata) -> BundleMetadata:
    """The same with all calibrations, and an int8 model that passed."""
    return metadata.model_copy(
        update={
            "test_time_augmentation": "mirror",
            "probability_calibration": ProbabilityCalibration(
                temperature=1.5,
                nll_before=0.2,
                nll_after=0.1,
                ece_before=0.04,
                ece_after=0.02,
                data_set="mouths",
                n=9,
            ),
            "threshold_choice": ThresholdChoice(
                rule="smallest bias",
                dice_by_image=0.71,
                area_bias=0.02,
                dice_by_image_at_half=0.7,
                area_bias_at_half=-0.1,
                data_set="mouths",
                n=9,
            ),
            "boundary_uncertainty": BoundaryUncertainty(
                factor=2.0,
                relative_floor=0.12,
                coverage=0.9,
                coverage_left_out=0.875,
                coverage_uncalibrated=0.5,
                n=8,
                n_missed=1,
                coverage_of_all=0.95,
                n_of_all=9,
                data_set="mouths",
            ),
            "domain": Domain(
                rule="Far is foreign.",
                distance_limit=9.5,
                contrast_limit=3.5,
                percentile=98.5,
                inside="mouths",
                n_inside=30,
                outside="feet",
                n_outside=20,
                checks=(DomainCheck(data_set="desks", n=4, flagged=0.75),),
            ),
            "int8": Int8Model(
                written=True,
                sha256=hashlib.sha256(INT8).hexdigest(),
                dice_drop=0.001,
                area_bias=-0.003,
                max_dice_drop=0.005,
                max_area_bias=0.01,
                speed_ratio=0.8,
                n=9,
                data_set="mouths",
                verdict="passed",
            ),
        }
    )


@pytest.fixture
def calibrated_path(tmp_path, calibrated):
    path = tmp_path / "calibrated"
    write_bundle(path, calibrated, b"not really a model", int8_bytes=INT8)
    return path


def test_calibrations_are_read_back_and_steer_inference(calibrated_path, calibrated):
    bundle = load_bundle(calibrated_path)
    assert bundle.metadata == calibrated
    assert bundle.int8_bytes == INT8
    options = bundle.metadata.inference_options
    assert options.mirror
    assert (options.boundary.factor, options.boundary.relative_floor) == (2.0, 0.12)
    assert (options.domain.distance, options.domain.contrast) == (9.5, 3.5)


def test_the_card_tells_the_calibrations(calibrated_path):
    card = (calibrated_path / "model-card.md").read_text(encoding="utf-8")
    for text in (
        "Temperature 1.5",
        "0.45: smallest bias. On 9 pictures (mouths): Dice by image 0.710 and area bias +2.0%",
        "covers the reference area of 90.0% of 8 pictures with a lesion (mouths), of which 1 were missed whole",
        "judged without itself: 87.5%; without calibration: 50.0%",
        "Far is foreign. Limits: distance 9.5, contrast 3.5",
        "desks: 75.0% of 4 flagged",
        "passed its gate, in the bundle as model-int8.onnx",
        "mirrored left to right",
    ):
        assert text in card


def test_the_card_says_what_was_not_calibrated(bundle_path):
    card = (bundle_path / "model-card.md").read_text(encoding="utf-8")
    for text in ("Not calibrated.", "0.45, set by hand.", "not calibrated.", "cannot tell", "Not tried."):
        assert text in card


def test_figures_can_be_added_without_the_int8_model_at_hand(calibrated_path, calibrated):
    write_bundle(calibrated_path, calibrated, b"not really a model", overwrite=True)
    assert load_bundle(calibrated_path).int8_bytes == INT8


def test_an_int8_model_that_failed_is_left_out(tmp_path, calibrated):
    failed = calibrated.int8.model_copy(update={"written": False, "verdict": "failed"})
    metadata = calibrated.model_copy(update={"int8": failed})
    write_bundle(tmp_path / "failed", metadata, b"not really a model", int8_bytes=INT8)
    assert sorted(file.name for file in (tmp_path / "failed").iterdir()) == sorted(FILES)
    bundle = load_bundle(tmp_path / "failed")
    assert bundle.int8_bytes is None
    assert "failed its gate, not in the bundle" in (tmp_path / "failed" / "model-card.md").read_text(encoding="utf-8")
    with pytest.raises(BundleError, match=r"no model-int8\.onnx; use the fp32 model"):
        bundle.open_segmenter(precision="int8")


def test_another_int8_model_than_the_metadata_mean_is_not_written(tmp_path, calibrated):
    with pytest.raises(OutputError, match="not the model that the metadata mean"):
        write_bundle(tmp_path / "wrong", calibrated, b"not really a model", int8_bytes=b"another")
    with pytest.raises(OutputError, match="not there"):
        write_bundle(tmp_path / "none", calibrated, b"not really a model")
    assert not list(tmp_path.glob("*/*"))


@pytest.mark.parametrize("content", [b"changed", None])
def test_a_changed_or_missing_int8_model_is_refused(calibrated_path, content):
    file = calibrated_path / "model-int8.onnx"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(BundleError, match=r"model-int8\.onnx"):
        load_bundle(calibrated_path)


def test_metadata_of_version_1_are_read_without_calibrations(bundle_path):
    content = json.loads((bundle_path / "metadata.json").read_text())
    new = ("test_time_augmentation", "probability_calibration", "threshold_choice", "boundary_uncertainty", "domain")
    for key in (*new, "int8"):
        del content[key]
    content["schema_version"] = 1
    (bundle_path / "metadata.json").write_text(json.dumps(content))
    resum(bundle_path)
    metadata = load_bundle(bundle_path).metadata
    assert metadata.schema_version == 1
    assert metadata.inference_options == InferenceOptions()


def test_the_schema_in_the_docs_is_that_of_the_metadata():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema == BundleMetadata.model_json_schema(), "write it again: python scripts/write_bundle_schema.py"


def test_the_schema_knows_the_keys_that_are_written(calibrated):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    content = json.loads(calibrated.model_dump_json())
    assert set(content) == set(schema["properties"])
    assert schema["additionalProperties"] is False
    for key in ("boundary_uncertainty", "domain", "int8", "threshold_choice", "probability_calibration"):
        (reference,) = (way["$ref"] for way in schema["properties"][key]["anyOf"] if "$ref" in way)
        assert set(content[key]) == set(schema["$defs"][reference.rpartition("/")[2]]["properties"])
