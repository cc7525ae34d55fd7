import cv2
import numpy as np
import pytest

PICTURES = 6


@pytest.fixture(scope="session")
def picture_root(tmp_path_factory):
    """A folder `disks` with pictures of red disks on pink, and their masks."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "disks" / "images").mkdir(parents=True)
    (root / "disks" / "masks").mkdir()
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        mask = np.zeros((80, 96), np.uint8)
        cv2.circle(mask, (int(rng.integers(30, 60)), int(rng.integers(25, 50))), int(rng.integers(8, 20)), 255, -1)
        srgb = np.where(mask[..., None] > 0, (170, 40, 40), (220, 150, 150)) + rng.normal(0, 4, (80, 96, 3))
        cv2.imwrite(
            str(root / "disks" / "images" / f"{number}.png"),
            np.clip(srgb, 0, 255).astype(np.uint8)[..., ::-1],
        )
        cv2.imwrite(str(root / "disks" / "masks" / f"{number}.png"), mask)
    return root


@pytest.fixture
def tiny_content(picture_root):
    """Content of a training file that is done in seconds: two stages of two epochs."""
    stage = {
        "epochs": 2,
        "pictures_per_epoch": 5,
        "batch_size": 2,
        "crop_px": 64,
        "learning_rate": 1e-3,
        "shares": {"disks": 1.0},
    }
    return {
        "name": "tiny",
        "seed": 3,
        "data_root": str(picture_root),
        "working_mm_per_px": 0.1,
        "network": {"initial_weights": "none"},
        "sources": [
            {
                "name": "disks",
                "layout": "pairs",
                "path": "disks",
                "longer_side_px": [64, 128],
                "licence": "drawn",
                "source": "drawn by the test",
            }
        ],
        "stages": [{"name": "one", **stage}, {"name": "two", **stage, "learning_rate": 5e-4}],
    }


@pytest.fixture
def tiny_settings(tiny_content):
    from oral_lesion.training.settings import TrainingSettings

    return TrainingSettings.model_validate(tiny_content)
