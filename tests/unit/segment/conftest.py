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
