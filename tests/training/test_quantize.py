import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("onnxscript", reason="onnxscript comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.io.datasets import LESION_VALUE
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.onnx import OnnxSegmenter
from oral_lesion.training import quantize
from oral_lesion.training.calibrate import SeenPicture


class FixedModel:
    """Stands for an opened model: the same probability for every picture."""

    threshold = 0.5

    def __init__(self, probability):
        self._probability = probability

    def probability_of_srgb(self, srgb):
        return self._probability


def disc(radius):
    rows, columns = np.indices((200, 200))
    return np.hypot(rows - 100, columns - 100) < radius


PICTURE = SeenPicture(
    srgb=np.zeros((200, 200, 3), np.uint8), labels=np.where(disc(60), LESION_VALUE, 0).astype(np.uint8)
)


def judged(monkeypatch, radius, speed_ratio):
    seconds = iter([speed_ratio, 1.0])  # int8 first
    monkeypatch.setattr(quantize, "_cpu_seconds", lambda _segmenter: next(seconds))
    fp32, int8 = (FixedModel(disc(r).astype(np.float32)) for r in (60, radius))
    return quantize.judge_int8(fp32, int8, [PICTURE], int8_bytes=b"int8", data_set="drawn")


def test_an_equal_and_faster_model_passes(monkeypatch):
    verdict = judged(monkeypatch, 60, 0.7)
    assert (verdict.written, verdict.verdict, verdict.dice_drop, verdict.area_bias) == (True, "passed", 0.0, 0.0)


@pytest.mark.parametrize(("radius", "bias"), [(61, 0.033), (59, -0.033)])
def test_a_biased_area_fails_to_either_side(monkeypatch, radius, bias):
    verdict = judged(monkeypatch, radius, 0.7)
    assert not verdict.written
    assert verdict.area_bias == pytest.approx(bias, abs=0.003)


def test_a_lost_dice_fails_at_equal_area(monkeypatch):
    monkeypatch.setattr(quantize, "_cpu_seconds", lambda _segmenter: 1.0)
    moved = np.roll(disc(60), 8, axis=1).astype(np.float32)
    models = FixedModel(disc(60).astype(np.float32)), FixedModel(moved)
    verdict = quantize.judge_int8(*models, [PICTURE], int8_bytes=b"int8", data_set="drawn")
    assert verdict.area_bias == 0.0
    assert verdict.dice_drop > 0.005
    assert verdict.verdict == "failed"


def test_a_slower_model_fails(monkeypatch):
    assert judged(monkeypatch, 60, 1.2).verdict == "failed"


def convolving_model():
    """A small model of the package's format: two convolutions with drawn weights, and a sigmoid."""
    import onnx

    helper, tensor, rng = onnx.helper, onnx.TensorProto, np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["image_rgb"], ["float"], to=tensor.FLOAT),
        helper.make_node("Div", ["float", "white"], ["ratio"]),
        helper.make_node("Transpose", ["ratio"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "first", "first_bias"], ["hidden"], pads=[1] * 4),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "second", "second_bias"], ["logits"], pads=[1] * 4),
        helper.make_node("Sigmoid", ["logits"], ["sigmoid"]),
        helper.make_node("Squeeze", ["sigmoid", "one"], ["probability"]),
    ]
    weights = {
        "white": np.float32(255.0),
        "first": rng.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "first_bias": np.zeros(8, np.float32),
        "second": rng.normal(size=(1, 8, 3, 3)).astype(np.float32) / 4,
        "second_bias": np.zeros(1, np.float32),
        "one": np.array([1], np.int64),
    }
    axes = ["batch", "height", "width"]
    graph = helper.make_graph(
        nodes,
        "convolving",
        [helper.make_tensor_value_info("image_rgb", tensor.UINT8, [*axes, 3])],
        [helper.make_tensor_value_info("probability", tensor.FLOAT, axes)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def test_the_int8_model_answers_about_as_the_fp32_model_and_computes_in_integers():
    import onnx

    model_bytes = convolving_model()
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (70, 90, 3), dtype=np.uint8) for _ in range(4)]
    int8_bytes = quantize.quantized_bytes(model_bytes, pictures)
    identity = ModelIdentity(name="int8", version="1", sha256="")
    fp32, int8 = (OnnxSegmenter(content, identity, 0.5, 0.1) for content in (model_bytes, int8_bytes))
    difference = np.abs(fp32.probability_of_srgb(pictures[0]) - int8.probability_of_srgb(pictures[0]))
    assert 0 < difference.mean() < 0.03
    assert "QuantizeLinear" in {node.op_type for node in onnx.load_from_string(int8_bytes).graph.node}
