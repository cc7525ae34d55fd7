import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import InputError
from oral_lesion.training.data import find_pictures, open_sources
from oral_lesion.training.settings import SourceSettings, TrainingSettings

DATASET = """
name = "drawn"
licence = "drawn"
source = "drawn by the test"
classes = ["lesion"]
split_rule = "given"
"""
PHOTOS = """id,file,mask,group,split,weight,mm_per_px,confidence
b,b.png,bm.png,g2,train,2.0,0.2,low
a,a.png,,g1,train,,0.05,high
n,n.png,,g4,train,0,0.05,high
c,c.png,cm.png,g3,val,,,high
"""


@pytest.fixture
def dataset_root(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.toml").write_text(DATASET, encoding="utf-8")
    (tmp_path / "set" / "photos.csv").write_text(PHOTOS, encoding="utf-8")
    return tmp_path


def source_of(**changes):
    content = {"name": "s", "layout": "dataset", "path": "set", "licence": "-", "source": "-"}
    return SourceSettings.model_validate(content | changes)


def test_a_data_set_is_opened_with_split_weights_and_scale(dataset_root):
    found = find_pictures(source_of(split="train", confidence_weights={"low": 0.25}), dataset_root)
    # Pictures of weight 0 are never drawn and are left out.
    assert [(picture.picture_id, picture.weight, picture.mm_per_px) for picture in found] == [
        ("a", 1.0, 0.05),
        ("b", 0.5, 0.2),
    ]
    assert find_pictures(source_of(keep={"group": "g2"}), dataset_root)[0].picture_id == "b"


def test_pictures_without_scale_need_a_range(dataset_root):
    with pytest.raises(InputError, match=r"1 pictures have no mm_per_px, c first.*longer_side_px"):
        find_pictures(source_of(), dataset_root)
    assert len(find_pictures(source_of(longer_side_px=(64, 96)), dataset_root)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": ""}, "needs the folder"),
        ({"layout": "pairs"}, "has no scale"),
        ({"layout": "phantom"}, "give no path"),
        ({"backgrounds": "s"}, "only phantoms"),
    ],
)
def test_keys_must_fit_the_layout(changes, message):
    with pytest.raises(ValueError, match=message):
        source_of(**changes)


@pytest.fixture
def phantom_content(tiny_content):
    phantoms = {"name": "rendered", "layout": "phantom", "scenes": 2, "licence": "-", "source": "-"}
    stages = [stage | {"shares": {"rendered": 1.0}} for stage in tiny_content["stages"]]
    return tiny_content | {
        "working_mm_per_px": 0.3,
        "sources": [*tiny_content["sources"], phantoms],
        "stages": stages,
    }


def test_phantoms_depend_on_the_seed_alone_and_have_the_working_resolution(phantom_content):
    def first_of(content):
        source = open_sources(TrainingSettings.model_validate(content))["rendered"]
        assert [picture.mm_per_px for picture in source.pictures] == [0.3, 0.3]
        assert source.magnification(source.pictures[0]) == 1.0
        return source.read(source.pictures[0])

    srgb, labels = first_of(phantom_content)
    assert srgb.shape[:2] == labels.shape
    assert 70 / 0.3 - 2 <= labels.shape[1] <= 95 / 0.3 + 2
    assert set(np.unique(labels)) <= {0, 255}
    np.testing.assert_array_equal(first_of(phantom_content)[0], srgb)
    assert not np.array_equal(first_of(phantom_content | {"seed": 4})[0], srgb)


def test_photographs_are_composed_into_phantoms(phantom_content, picture_root):
    phantom_content["sources"][1] |= {"backgrounds": "disks", "scenes": 1}
    source = open_sources(TrainingSettings.model_validate(phantom_content))["rendered"]
    picture = source.pictures[0]
    assert picture.group == "0"
    labels = source.read(picture)[1]
    mask = cv2.imread(str(picture_root / "disks" / "masks" / "0.png"), cv2.IMREAD_GRAYSCALE)
    # The photograph is 96 px wide and laid out 40 to 65 mm wide; the tilt takes a little of its area.
    low, high = ((mask == 255).sum() * (width / 96) ** 2 for width in (40, 65))
    assert 0.85 * low < (labels == 255).sum() * 0.3**2 < 1.15 * high


def test_backgrounds_must_be_photographs(phantom_content):
    phantom_content["sources"][1] |= {"backgrounds": "rendered"}
    with pytest.raises(ValueError, match="must name sources of photographs; got rendered"):
        TrainingSettings.model_validate(phantom_content)
