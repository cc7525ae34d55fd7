import datetime as dt
import hashlib
import json

import pytest

from oral_lesion.errors import BundleError, OutputError
from oral_lesion.io.bundle import (
    BundleMetadata,
    Figure,
    TensorDescription,
    TrainingData,
    TrainingDescription,
    load_bundle,
    open_segmenter,
    write_bundle,
)

FILES = ["model.onnx", "metadata.json", "model-card.md", "SHA256SUMS"]


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
    lines = [f"{hashlib.sha256((path / name).read_bytes()).hexdigest()}  {name}\n" for name in names or FILES[:3]]
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


@pytest.mark.parametrize("name", FILES[:3])
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
