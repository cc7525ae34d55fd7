"""The open card's sheet: true to size, the same bytes each time, and read back after being photographed."""

import cv2
import numpy as np
import pypdfium2
import pytest

from oral_lesion.adapters.card import PAPERS_MM, card_pdf
from oral_lesion.adapters.card.texts import characters_of, sheet_texts
from oral_lesion.errors import InputError
from oral_lesion.io.settings import load_card
from oral_lesion.io.texts import Language
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.numerics.markers import marker_cells
from oral_lesion.standardize.markers import find_markers

NAMES = ("open-card-54x86", "open-strip-15x60")
DPI = 600
PX_PER_MM = DPI / 25.4


def raster(content, dpi=DPI):
    """Return the page as RGB, and its size in mm."""
    document = pypdfium2.PdfDocument(content)
    try:
        assert len(document) == 1
        page = document[0]
        size = tuple(side / 72 * 25.4 for side in page.get_size())
        return np.ascontiguousarray(page.render(scale=dpi / 72).to_numpy()[..., ::-1][..., -3:]), size
    finally:
        document.close()


def words_of(content):
    document = pypdfium2.PdfDocument(content)
    try:
        return " ".join(document[0].get_textpage().get_text_range().split())
    finally:
        document.close()


@pytest.fixture(scope="module", params=NAMES)
def printed(request):
    card = load_card(request.param)
    page, size = raster(card_pdf(card))
    return card, page, size


def edges_mm(page, row_mm, columns_mm):
    """Return where a row of the page changes between black and white, in mm, halfway up the pixel's grey."""
    row = page[round(row_mm * PX_PER_MM)].mean(axis=1) / 255.0
    low, high = (round(at * PX_PER_MM) for at in columns_mm)
    at = np.flatnonzero(np.abs(np.diff((row[low:high] > 0.5).astype(int))))
    ahead, behind = row[low + at], row[low + at + 1]
    return (low + at + 0.5 + (0.5 - ahead) / (behind - ahead)) / PX_PER_MM


def card_corner_mm(card, page):
    """Find the card on the page by its first marker, detected in the picture."""
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    corners, ids, _ = detector.detectMarkers(page)
    first = card.markers.placed[0]
    corner = corners[ids.ravel().tolist().index(first.id)][0][0]
    return (corner + 0.5) / PX_PER_MM - np.array(first.xy_mm) + card.markers.side_mm / 2


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "down"])
def test_marker_edges_lie_where_the_layout_says(printed, axis):
    card, page, _ = printed
    if axis == 1:
        page = np.ascontiguousarray(page.swapaxes(0, 1))
    corner = np.roll(card_corner_mm(card, printed[1]), axis)
    half, module = card.markers.side_mm / 2, card.markers.module_mm
    found, expected = [], []
    for marker in card.markers.placed:
        along, across = np.roll(marker.xy_mm, axis)
        cells = marker_cells(marker.id) if axis == 0 else marker_cells(marker.id).T
        for index, line in enumerate(cells):
            y = corner[1] + across - half + (index + 0.5) * module
            x = corner[0] + along - half
            found += list(edges_mm(page, y, (x - 0.5, x + 2 * half + 0.5)))
            changes = np.flatnonzero(np.diff(np.concatenate([[True], line, [True]]).astype(int)))
            expected += list(along - half + changes * module)
    offset = np.median(np.array(found) - expected)
    assert np.abs(np.array(found) - expected - offset).max() < 0.05


def test_check_lines_are_50_mm(printed):
    card, page, _ = printed
    below = page[round((24 + card.outer_mm[1] + 8) * PX_PER_MM) :]
    dark = below.max(axis=2) < 128
    # Text has no straight runs that long.
    longest = [max(_runs(line), default=0) / PX_PER_MM for line in (dark, dark.T)]
    assert longest == pytest.approx([50.0, 50.0], abs=0.2)


def _runs(dark):
    best = []
    for line in dark[dark.sum(axis=1) > 40 * PX_PER_MM]:
        ends = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        best.append(int((ends[1::2] - ends[::2]).max()))
    return best


@pytest.mark.parametrize("paper", PAPERS_MM)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", Language)
def test_the_page_has_the_papers_size_and_nothing_leaves_it(name, paper, language):
    page, size = raster(card_pdf(load_card(name), paper=paper, language=language), dpi=72)
    assert size == pytest.approx(PAPERS_MM[paper], abs=0.01)
    border = round(8 * 72 / 25.4)
    assert all((edge == 255).all() for edge in (page[:border], page[-border:], page[:, :border], page[:, -border:]))


def test_patches_are_printed_where_and_as_the_layout_says(printed):
    from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_from_linear

    card, page, _ = printed
    corner = card_corner_mm(card, page) + np.array(card.first_patch_xy_mm)
    colors = srgb_from_linear(linear_rgb_from_lab_d50([patch.lab_d50 for patch in card.patches])) * 255
    for index, color in enumerate(colors):
        row, column = divmod(index, card.columns)
        middle = corner + np.array([column, row]) * card.pitch_xy_mm
        half = np.array(card.patch_xy_mm) / 2 - 0.1
        (x0, y0), (x1, y1) = (np.rint((middle + sign * half) * PX_PER_MM).astype(int) for sign in (-1, 1))
        patch = page[y0:y1, x0:x1].reshape(-1, 3).astype(float)
        assert np.abs(patch - color).max() < 1.5


def bare(text):
    """Return letters and digits alone: where lines and runs of a font end does not matter."""
    return "".join(letter for letter in text if letter.isalnum())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", Language)
def test_the_sheet_says_all_that_it_must_in_each_language(name, language):
    words, texts = words_of(card_pdf(load_card(name), batch="2026-11-A", language=language)), sheet_texts(language)
    assert name in words
    assert f"{texts.batch} 2026-11-A" in words
    for sentence in (texts.card_warning, texts.check, texts.title, *texts.steps, texts.note, *texts.captions):
        assert bare(sentence) in bare(words), sentence
    assert "50 mm" in texts.check
    assert f"{texts.batch} ___" in words_of(card_pdf(load_card(name), language=language))


def test_the_guides_have_the_same_steps_in_each_language():
    assert len({len(sheet_texts(language).steps) for language in Language}) == 1


def test_every_character_has_a_glyph():
    from fontTools.ttLib import TTFont

    from oral_lesion.adapters.card.sheet import CHINESE_FONT_FILE

    known = set(TTFont(CHINESE_FONT_FILE).getBestCmap())
    for language in Language:
        for letter in characters_of(sheet_texts(language)):
            if language is Language.CHINESE and not letter.encode("cp1252", "ignore"):
                assert ord(letter) in known, f"{letter}: run scripts/subset_card_font.py again"
            else:
                letter.encode("cp1252")


@pytest.mark.parametrize("paper", PAPERS_MM)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", Language)
def test_the_guide_ends_above_the_pictograms_and_they_above_the_foot(name, paper, language):
    page, _ = raster(card_pdf(load_card(name), paper=paper, language=language), dpi=72)
    rows = np.flatnonzero((page < 200).any(axis=(1, 2))) / 72 * 25.4
    assert not ((rows > 162) & (rows < 167)).any()
    assert 235 < rows.max() < PAPERS_MM[paper][1] - 12


def test_a_picture_of_each_rule_is_drawn():
    page, _ = raster(card_pdf(load_card("open-card-54x86")), dpi=150)
    foot = page[round(168 * 150 / 25.4) :]
    frames = cv2.findContours((foot.max(axis=2) < 200).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    sides = [cv2.boundingRect(frame)[2:] for frame in frames]
    squares = [wide for wide, high in sides if abs(wide - high) < 3 and wide * 25.4 / 150 > 20]
    assert len(squares) == 12


def test_equal_input_gives_equal_bytes():
    card = load_card("open-card-54x86")
    assert card_pdf(card) == card_pdf(card)
    assert card_pdf(card) != card_pdf(card, batch="B")
    assert card_pdf(card, language=Language.CHINESE) == card_pdf(card, language=Language.CHINESE)
    assert b"/PrintScaling /None" in card_pdf(card)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tilt_deg", [0, 12, 20])
def test_printed_and_photographed_it_gives_the_scale(name, tilt_deg):
    card = load_card(name)
    page, _ = raster(card_pdf(card), dpi=300)
    px_per_mm = 300 / 25.4
    middle = card_corner_mm_at(card, page, px_per_mm) + np.array(card.outer_mm) / 2
    photo_from_mm, truth = view(middle, tilt_deg, mm_per_px=card.outer_mm[0] / 560)
    photo_from_page = photo_from_mm @ np.diag([1 / px_per_mm, 1 / px_per_mm, 1.0])
    photo_from_page = photo_from_page @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    photo = cv2.warpPerspective(page, photo_from_page, (1400, 1050), flags=cv2.INTER_AREA, borderValue=(90, 60, 60))
    photo = cv2.GaussianBlur(photo, (0, 0), 1.2).astype(float) * (0.8, 0.72, 0.6)
    photo += np.random.default_rng(tilt_deg).normal(0, 4, photo.shape)
    _, coded = cv2.imencode(".jpg", np.clip(photo, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])
    reading = find_markers(np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]), card)
    assert 1.0 / local_scale(reading.photo_xy_from_card_mm, reading.pose.centre_mm) == pytest.approx(truth, rel=0.005)
    seen = apply_homography_xy(reading.photo_xy_from_card_mm, reading.pose.centre_mm)
    np.testing.assert_allclose(seen, apply_homography_xy(photo_from_mm, middle), atol=0.5)


def card_corner_mm_at(card, page, px_per_mm):
    return card_corner_mm(card, cv2.resize(page, None, fx=PX_PER_MM / px_per_mm, fy=PX_PER_MM / px_per_mm))


def view(middle_mm, tilt_deg, *, mm_per_px):
    """Return the homography of a camera over the page, and the scale at `middle_mm`."""
    focal, width, height = 1500.0, 1400, 1050
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
    rotation, _ = cv2.Rodrigues(np.radians(tilt_deg) * np.array([0.6, 0.8, 0.0]))
    place = np.array([0.02, -0.03, 1.0]) * focal * mm_per_px
    homography = camera @ np.column_stack([rotation[:, 0], rotation[:, 1], place])
    homography = homography @ np.array([[1, 0, -middle_mm[0]], [0, 1, -middle_mm[1]], [0, 0, 1.0]])
    return homography / homography[2, 2], 1.0 / float(local_scale(homography / homography[2, 2], middle_mm))


def test_wrong_cards_and_papers_are_named():
    with pytest.raises(InputError, match="markers"):
        card_pdf(load_card("colorchecker-classic"))
    for batch in ("批次", "x" * 40):
        with pytest.raises(InputError, match="batch"):
            card_pdf(load_card("open-strip-15x60"), batch=batch)
    with pytest.raises(InputError, match="a4, letter"):
        card_pdf(load_card("open-card-54x86"), paper="a3")
