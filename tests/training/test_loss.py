import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")

from oral_lesion.training.loss import focal_tversky_loss, loss_of, segmentation_loss  # noqa: E402 - after the skip
from oral_lesion.training.settings import OptimizerSettings  # noqa: E402


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((2, 1, 8, 8), generator=generator)
    labels = torch.where(torch.rand((2, 8, 8), generator=generator) > 0.6, 255, 0).to(torch.uint8)
    labels[:, :3] = 128
    return logits, labels


def test_ignored_pixels_change_neither_loss_nor_gradient():
    logits, labels = batch()
    changed = logits.clone()
    changed[:, :, :3] = 9.0
    losses = []
    for values in (logits, changed):
        values.requires_grad_()
        loss = segmentation_loss(values, labels)
        loss.backward()
        losses.append(loss.detach())
        assert not values.grad[:, :, :3].any()
        assert values.grad[:, :, 3:].all()
    assert torch.equal(*losses)


def test_dice_of_a_hand_made_case():
    # p = (1/2, 1/2), g = (1, 0): 1 - (2·½ + 1) / (¼ + ¼ + 1 + 1) = 0.2
    labels = torch.tensor([[[255, 0]]], dtype=torch.uint8)
    assert segmentation_loss(torch.zeros((1, 1, 1, 2)), labels, dice_weight=1.0).item() == pytest.approx(0.2)


def test_cross_entropy_of_a_hand_made_case():
    labels = torch.tensor([[[255, 0, 128]]], dtype=torch.uint8)
    loss = segmentation_loss(torch.zeros((1, 1, 1, 3)), labels, dice_weight=0.0)
    assert loss.item() == pytest.approx(0.693147, abs=5e-7)  # ln 2


def test_a_perfect_prediction_costs_next_to_nothing():
    _, labels = batch()
    logits = torch.where(labels == 255, 30.0, -30.0)[:, None]
    assert segmentation_loss(logits, labels).item() < 1e-6


@pytest.mark.parametrize("dice_weight", [0.0, 0.5, 1.0])
def test_a_batch_without_judgement_costs_nothing(dice_weight):
    logits, labels = batch()
    assert segmentation_loss(logits, torch.full_like(labels, 128), dice_weight=dice_weight).item() == 0.0


def test_focal_tversky_of_a_hand_made_case():
    # p = (1/2, 1/2), g = (1, 0), alpha 0.7, beta 0.3: index (0.5 + 1) / (0.5 + 0.35 + 0.15 + 1) = 0.75,
    # loss (1 - 0.75)^(3/4) = 0.353553.
    labels = torch.tensor([[[255, 0, 128]]], dtype=torch.uint8)
    loss = focal_tversky_loss(torch.zeros((1, 1, 1, 3)), labels)
    assert loss.item() == pytest.approx(0.353553, abs=5e-7)


def test_focal_tversky_weighs_missed_lesion_by_alpha():
    # 10 of 10 lesion pixels missed: index 1 / (7 + 1); 10 false ones: index 1 / (3 + 1); gamma 1 takes no root.
    missed = focal_tversky_loss(
        torch.full((1, 1, 1, 10), -50.0), torch.full((1, 1, 10), 255, dtype=torch.uint8), gamma=1.0
    )
    false = focal_tversky_loss(torch.full((1, 1, 1, 10), 50.0), torch.zeros((1, 1, 10), dtype=torch.uint8), gamma=1.0)
    assert (missed.item(), false.item()) == (pytest.approx(7 / 8), pytest.approx(3 / 4))


def test_focal_tversky_has_a_finite_slope_where_all_is_right_or_ignored():
    _, labels = batch()
    for marks in (labels, torch.full_like(labels, 128)):
        logits = torch.where(labels == 255, 60.0, -60.0)[:, None].requires_grad_()
        focal_tversky_loss(logits, marks).backward()
        assert torch.isfinite(logits.grad).all()


def test_the_settings_choose_the_loss():
    logits, labels = batch()
    chosen = OptimizerSettings(loss="focal-tversky", tversky_alpha=0.6, tversky_beta=0.4, tversky_gamma=2.0)
    expected = focal_tversky_loss(logits, labels, weights=(0.6, 0.4), gamma=2.0)
    assert loss_of(logits, labels, chosen).item() == expected.item()
    dice = OptimizerSettings(dice_weight=0.25)
    assert loss_of(logits, labels, dice).item() == segmentation_loss(logits, labels, dice_weight=0.25).item()
