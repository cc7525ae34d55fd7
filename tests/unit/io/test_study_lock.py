"""A lock names each thing that is not as it was, and nothing else."""

import copy
import datetime as dt
import json

import pytest

from oral_lesion.errors import FormatError, OutputError, SettingsError
from oral_lesion.io.bundle import BundleMetadata, TensorDescription, TrainingData, TrainingDescription, write_bundle
from oral_lesion.io.resources import default_protocol_path
from oral_lesion.io.settings import load_study_protocol
from oral_lesion.io.study_lock import (
    StudyLock,
    current_environment,
    hashes_for_audit,
    lock_study,
    read_lock,
    require_locked,
    verify_lock,
    write_lock,
)


def bundle_at(path, *, model=b"model", version="1.0", threshold=0.5, overwrite=False):
    metadata = BundleMetadata(
        name="test-erosion",
        version=version,
        created=dt.date(2026, 1, 2),
        classes=("erosion",),
        working_mm_per_px=0.1,
        threshold=threshold,
        input=TensorDescription(name="image_rgb", dtype="uint8", axes=("1",), content="sRGB"),
        output=TensorDescription(name="probability", dtype="float32", axes=("1",), content="probability"),
        multiple_of_px=32,
        training_data=(TrainingData(name="mouths", licence="none", source="drawn", pictures=1),),
        licence="research",
        intended_use="tests",
        limits=(),
        training=TrainingDescription(
            settings_sha256="a" * 64, seed=1, epochs=1, crops=1, encoder="none", initial_weights="none", stages=()
        ),
    )
    write_bundle(path, metadata, model, overwrite=overwrite)
    return path


@pytest.fixture
def bundle(tmp_path):
    return bundle_at(tmp_path / "model")


@pytest.fixture(scope="module")
def study():
    return load_study_protocol()


def protocol_with(tmp_path, old, new):
    text = default_protocol_path().read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "protocol.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_study_protocol(path)


def keys(differences):
    return [one.key for one in differences]


def test_what_was_locked_is_accepted(tmp_path, study, bundle):
    lock = lock_study(study, bundle)
    write_lock(tmp_path / "study.lock", lock)
    assert read_lock(tmp_path / "study.lock") == lock
    assert verify_lock(lock, protocol=study, bundle=bundle) == ()
    assert require_locked(tmp_path / "study.lock", protocol=study, bundle=bundle).sha256 == lock.sha256


def test_the_file_says_in_clear_what_is_frozen(tmp_path, study, bundle):
    write_lock(tmp_path / "study.lock", lock_study(study, bundle))
    contents = json.loads((tmp_path / "study.lock").read_text(encoding="utf-8"))
    assert contents["protocol"]["sha256"] == study.sha256
    assert contents["protocol"]["settings"]["limits"]["max_tilt_deg"] == study.scoring.limits.max_tilt_deg
    assert contents["protocol"]["settings"]["card"]["name"] == study.scoring.card.name
    assert set(contents["model"]["files"]) == {
        "model.onnx", "metadata.json", "model-card.md", "LICENSE", "SHA256SUMS",
    }  # fmt: skip
    packages = contents["environment"]["packages"]
    assert {"numpy", "scipy", "opencv-python-headless", "scikit-image", "onnxruntime", "Pillow"} <= set(packages)
    assert str(tmp_path) not in (tmp_path / "study.lock").read_text(encoding="utf-8")


def test_one_limit_is_named_alone(tmp_path, study, bundle):
    tilt = study.scoring.limits.max_tilt_deg
    other = protocol_with(tmp_path, f"max_tilt_deg = {tilt:g}", f"max_tilt_deg = {tilt - 5:g}")
    (difference,) = verify_lock(lock_study(study, bundle), protocol=other, bundle=bundle)
    assert difference.key == "protocol.settings.limits.max_tilt_deg"
    assert (float(difference.expected), float(difference.got)) == (tilt, tilt - 5)


def test_another_card_is_named(study, bundle):
    other = load_study_protocol(card="colorchecker-classic-mini")
    found = keys(verify_lock(lock_study(study, bundle), protocol=other, bundle=bundle))
    assert "protocol.settings.card.name" in found
    assert "protocol.settings.card.pitch_mm" in found
    assert all(key.startswith("protocol.settings.card.") for key in found)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"model": b"other"}, "model.sha256"),
        ({"version": "1.1"}, "model.version"),
        ({"threshold": 0.6}, "model.files.metadata.json"),
    ],
)
def test_another_model_is_named(study, bundle, changes, named):
    lock = lock_study(study, bundle)
    bundle_at(bundle, overwrite=True, **changes)
    found = keys(verify_lock(lock, protocol=study, bundle=bundle))
    assert named in found
    assert all(key.startswith("model.") for key in found)


def test_no_model_is_named(study, bundle):
    found = verify_lock(lock_study(study, bundle), protocol=study, bundle=None)
    assert {one.got for one in found} == {"nothing"}
    assert "model.sha256" in keys(found)


def test_another_version_of_a_package_is_named(study, bundle):
    environment = copy.deepcopy(current_environment())
    lock = lock_study(study, bundle, environment=environment)
    environment["packages"] |= {"numpy": "1.0", "new-package": "2"}
    environment["python"] = "3.99"
    del environment["packages"]["scipy"]
    found = verify_lock(lock, protocol=study, bundle=bundle, environment=environment)
    assert keys(found) == [
        "environment.packages.new-package",
        "environment.packages.numpy",
        "environment.packages.scipy",
        "environment.python",
    ]
    assert found[0].expected == "nothing"
    assert found[1].got == '"1.0"'
    assert found[2].got == "nothing"


def test_refusing_names_every_difference(tmp_path, study, bundle):
    environment = {**current_environment(), "oral-lesion": "0.0.1"}
    write_lock(tmp_path / "study.lock", lock_study(study, bundle, environment=environment))
    bundle_at(bundle, overwrite=True, version="1.1")
    with pytest.raises(SettingsError) as refused:
        require_locked(tmp_path / "study.lock", protocol=study, bundle=bundle)
    text = str(refused.value)
    assert 'environment.oral-lesion: locked as "0.0.1", got' in text
    assert 'model.version: locked as "1.0", got "1.1"' in text


@pytest.mark.parametrize("old, new", [('"python": "', '"python": "9'), ('"max_tilt_deg": ', '"max_tilt_deg": 1')])
def test_an_edited_lock_is_refused(tmp_path, study, bundle, old, new):
    path = tmp_path / "study.lock"
    write_lock(path, lock_study(study, bundle))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormatError, match="was edited"):
        read_lock(path)


@pytest.mark.parametrize("content", ["", "{}", "[]", "[" * 100_000, '{"kind": "oral-lesion study lock"}'])
def test_a_file_that_is_no_lock(tmp_path, content):
    (tmp_path / "study.lock").write_text(content)
    with pytest.raises(FormatError, match="expected"):
        read_lock(tmp_path / "study.lock")
    with pytest.raises(FormatError, match="cannot be read"):
        read_lock(tmp_path / "none.lock")


def test_a_lock_of_another_schema_says_so(tmp_path, study, bundle):
    lock = lock_study(study, bundle)
    write_lock(tmp_path / "study.lock", StudyLock(contents={**lock.contents, "schema_version": 9}))
    with pytest.raises(FormatError, match="schema_version 1, got 9"):
        read_lock(tmp_path / "study.lock")


def test_a_lock_is_never_replaced(tmp_path, study, bundle):
    path = tmp_path / "study.lock"
    write_lock(path, lock_study(study, bundle))
    before = path.read_bytes()
    with pytest.raises(OutputError, match="never replaced"):
        write_lock(path, lock_study(study, None))
    assert path.read_bytes() == before


class _Source:
    """A source of segmenters that is no bundle."""

    working_mm_per_px = 0.1

    def __init__(self, model):
        self.model = model


def test_hashes_for_the_audit_log_with_and_without_a_lock(tmp_path, study, bundle, model):
    source = _Source(model)
    hashes = hashes_for_audit(study, source)
    assert hashes == {
        "study_protocol_sha256": study.sha256,
        "protocol_sha256": study.scoring.sha256,
        "model_sha256": model.sha256,
    }
    write_lock(tmp_path / "study.lock", lock_study(study, bundle))
    with pytest.raises(SettingsError, match=r"model\.sha256"):
        hashes_for_audit(study, source, lock=tmp_path / "study.lock")


def test_the_bundles_other_model_is_refused_under_a_lock(tmp_path, study, bundle, model):
    from oral_lesion.io.batch import BundleSegmenters

    write_lock(tmp_path / "study.lock", lock_study(study, bundle))
    source = BundleSegmenters(bundle=bundle, model=model, working_mm_per_px=0.1)
    with pytest.raises(SettingsError, match=r"model\.sha256: locked as"):
        hashes_for_audit(study, source, lock=tmp_path / "study.lock")
