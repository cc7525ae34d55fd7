import pytest


@pytest.fixture(scope="session")
def blurring_model() -> bytes:
    """A model of the package's format: mean of the channels, blurred over 31 px."""
    return _model()


@pytest.fixture(scope="session")
def make_model():
    return _model


def _model(input_name="image_rgb", output_name="probability", input_type="UINT8", keep_channel=False) -> bytes:
    onnx = pytest.importorskip("onnx", reason="onnx comes with oral-lesion[train]")
    helper, tensor = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", [input_name], ["float"], to=tensor.FLOAT),
        helper.make_node("Div", ["float", "white"], ["ratio"]),
        helper.make_node("ReduceMean", ["ratio", "channel"], ["grey"], keepdims=1),
        helper.make_node("Transpose", ["grey"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["blurred"], kernel_shape=[31, 31], pads=[15] * 4, count_include_pad=0
        ),
        helper.make_node(
            "Identity" if keep_channel else "Squeeze", ["blurred", "one"][: 2 - keep_channel], [output_name]
        ),
    ]
    constants = [
        helper.make_tensor("white", tensor.FLOAT, [], [255.0]),
        helper.make_tensor("channel", tensor.INT64, [1], [3]),
        helper.make_tensor("one", tensor.INT64, [1], [1]),
    ]
    axes = ["batch", "height", "width"]
    out_axes = ["batch", 1, "height", "width"] if keep_channel else axes
    graph = helper.make_graph(
        nodes,
        "blur",
        [helper.make_tensor_value_info(input_name, getattr(tensor, input_type), [*axes, 3])],
        [helper.make_tensor_value_info(output_name, tensor.FLOAT, out_axes)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def sided_model() -> bytes:
    """A model of the package's format that answers more to the right: mean of the channels plus a ramp."""
    onnx = pytest.importorskip("onnx", reason="onnx comes with oral-lesion[train]")
    helper, tensor = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image_rgb"], ["float"], to=tensor.FLOAT),
        helper.make_node("Div", ["float", "white"], ["ratio"]),
        helper.make_node("ReduceMean", ["ratio", "channel"], ["grey"], keepdims=0),
        helper.make_node("Shape", ["grey"], ["width"], start=2, end=3),
        helper.make_node("ConstantOfShape", ["width"], ["ones"], value=helper.make_tensor("v", tensor.FLOAT, [1], [1])),
        helper.make_node("CumSum", ["ones", "first"], ["columns"]),
        helper.make_node("Mul", ["columns", "slope"], ["shift"]),
        helper.make_node("Add", ["grey", "shift"], ["probability"]),
    ]
    constants = [
        helper.make_tensor("white", tensor.FLOAT, [], [510.0]),
        helper.make_tensor("slope", tensor.FLOAT, [], [0.1 / 64]),
        helper.make_tensor("channel", tensor.INT64, [1], [3]),
        helper.make_tensor("first", tensor.INT64, [], [0]),
    ]
    return _serialized(nodes, constants, ["probability"])


@pytest.fixture(scope="session")
def domain_model() -> bytes:
    """A model of the package's format with a second output: mean red and green of cells of 32 px, as its features."""
    onnx = pytest.importorskip("onnx", reason="onnx comes with oral-lesion[train]")
    helper, tensor = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image_rgb"], ["float"], to=tensor.FLOAT),
        helper.make_node("Div", ["float", "white"], ["ratio"]),
        helper.make_node("ReduceMean", ["ratio", "channel"], ["probability"], keepdims=0),
        helper.make_node("Transpose", ["ratio"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["means"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Slice", ["means", "begin", "end", "axis"], ["domain"]),
    ]
    constants = [
        helper.make_tensor("white", tensor.FLOAT, [], [255.0]),
        helper.make_tensor("channel", tensor.INT64, [1], [3]),
        helper.make_tensor("begin", tensor.INT64, [1], [0]),
        helper.make_tensor("end", tensor.INT64, [1], [2]),
        helper.make_tensor("axis", tensor.INT64, [1], [1]),
    ]
    return _serialized(nodes, constants, ["probability", "domain"])


def _serialized(nodes, constants, outputs) -> bytes:
    onnx = pytest.importorskip("onnx", reason="onnx comes with oral-lesion[train]")
    helper, tensor = onnx.helper, onnx.TensorProto
    axes = {"probability": ["batch", "height", "width"], "domain": ["batch", 2, "rows", "columns"]}
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("image_rgb", tensor.UINT8, ["batch", "height", "width", 3])],
        [helper.make_tensor_value_info(name, tensor.FLOAT, axes[name]) for name in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()
