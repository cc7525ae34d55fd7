import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")

from oral_lesion.errors import InputError  # noqa: E402 - after the skip
from oral_lesion.training.network import (  # noqa: E402
    MovingAverage,
    build_network,
    load_encoder_weights,
    normalize,
)
from oral_lesion.training.settings import NetworkSettings  # noqa: E402

EMPTY = NetworkSettings(initial_weights="none")


def test_the_shipped_weights_fit_all_288_encoder_tensors():
    network = build_network(EMPTY)
    before = network.encoder.state_dict()["model.conv_stem.weight"].clone()
    assert load_encoder_weights(network) == 288
    assert not torch.equal(before, network.encoder.state_dict()["model.conv_stem.weight"])


def test_an_encoder_that_the_weights_do_not_fit_is_refused():
    network = build_network(NetworkSettings(encoder="resnet18", initial_weights="none"))
    with pytest.raises(InputError, match="does not fit this encoder"):
        load_encoder_weights(network)


def test_an_unknown_encoder_is_named():
    with pytest.raises(InputError, match=r"encoder no-such-net: .* tu-efficientnet_lite0"):
        build_network(NetworkSettings(encoder="no-such-net", initial_weights="none"))


def test_a_checkpoint_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a checkpoint of this network"):
        build_network(NetworkSettings(initial_weights=str(tmp_path / "none.pt")))


def test_normalization_is_imagenets():
    white = normalize(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8))
    assert white.shape == (1, 3, 2, 2)
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert white[0, :, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_the_average_follows_the_network():
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    average = MovingAverage(network, decay=0.9)
    network.weight.data.fill_(1.0)
    average.update(network)
    assert average.network.weight.item() == pytest.approx(1 - 2 / 11)
    for _ in range(200):
        average.update(network)
    assert average.network.weight.item() == pytest.approx(1.0)
    assert not average.network.weight.requires_grad
