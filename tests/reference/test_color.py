"""Colour formulae against published numbers; tolerances are half the last printed digit."""

import numpy as np
import pytest

from oral_lesion.numerics.color import (
    WHITE_D50,
    WHITE_D65,
    XYZ_FROM_LINEAR_RGB,
    bradford_adaptation,
    delta_e_2000,
    delta_e_2000_components,
    lab_from_linear_rgb,
    lab_from_xyz,
    linear_from_srgb,
    linear_rgb_from_lab,
    linear_rgb_from_lab_d50,
    srgb_from_linear,
    srgb_uint8_from_linear,
    xyz_from_lab,
)

# Sharma, Wu, Dalal 2005, doi:10.1002/col.20070, table I: L1 a1 b1, L2 a2 b2, ΔE00.
SHARMA = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def sharma_pairs():
    return np.array([[float(value) for value in line.split()] for line in SHARMA.strip().splitlines()])


def test_ciede2000_on_all_pairs_of_sharma_wu_dalal():
    pairs = sharma_pairs()
    assert pairs.shape == (34, 7)
    np.testing.assert_allclose(delta_e_2000(pairs[:, :3], pairs[:, 3:6]), pairs[:, 6], atol=5e-5, rtol=0)


def test_ciede2000_is_symmetric_and_its_components_add_up():
    pairs = sharma_pairs()
    forth, back = delta_e_2000(pairs[:, :3], pairs[:, 3:6]), delta_e_2000(pairs[:, 3:6], pairs[:, :3])
    np.testing.assert_allclose(forth, back, atol=1e-10)
    components = delta_e_2000_components(pairs[:, :3], pairs[:, 3:6])
    np.testing.assert_allclose(np.sum(components**2, axis=1), forth**2, rtol=1e-12)


def test_ciede2000_agrees_with_scikit_image():
    from skimage.color import deltaE_ciede2000

    rng = np.random.default_rng(0)
    lab = rng.uniform((0, -90, -90), (100, 90, 90), (500, 3))
    other = lab + rng.normal(0, 8, lab.shape)
    np.testing.assert_allclose(delta_e_2000(lab, other), deltaE_ciede2000(lab, other), atol=1e-9)


def test_srgb_curve_of_iec_61966_2_1():
    # The standard's two branches meet at 0.0031308 linear, 0.04045 coded.
    assert srgb_from_linear(0.0031308) == pytest.approx(0.04045, abs=5e-6)
    assert linear_from_srgb(np.array([10], np.uint8))[0] == pytest.approx(10 / 255 / 12.92, rel=1e-6)
    # Middle grey of 18 % is coded as 46.1 %, 118 of 255 (W3C's well-known value).
    assert srgb_uint8_from_linear(np.array([0.18]))[0] == 118
    assert linear_from_srgb(np.array([0, 255], np.uint8)).tolist() == [0.0, 1.0]


def test_srgb_matrix_of_lindbloom():
    # brucelindbloom.com, RGB/XYZ matrices, sRGB with D65 (0.95047, 1, 1.08883); printed to 7 digits.
    published = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    np.testing.assert_allclose(XYZ_FROM_LINEAR_RGB, published, atol=6e-8)


def test_bradford_matrix_of_lindbloom():
    # brucelindbloom.com, chromatic adaptation, Bradford, D50 to D65; printed to 7 digits.
    published = [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.0204830, 1.3299098],
    ]
    np.testing.assert_allclose(bradford_adaptation(WHITE_D50, WHITE_D65), published, atol=6e-8)


def test_lab_of_the_srgb_primaries():
    # CIELAB (D65) of the sRGB primaries and greys, brucelindbloom.com's calculator, printed to 4 digits.
    np.testing.assert_allclose(lab_from_linear_rgb([1.0, 0, 0]), [53.2408, 80.0925, 67.2032], atol=6e-4)
    np.testing.assert_allclose(lab_from_linear_rgb([0, 1.0, 0]), [87.7347, -86.1827, 83.1793], atol=6e-4)
    np.testing.assert_allclose(lab_from_linear_rgb([0, 0, 1.0]), [32.2970, 79.1875, -107.8602], atol=6e-4)
    np.testing.assert_allclose(lab_from_linear_rgb([1.0, 1.0, 1.0]), [100, 0, 0], atol=1e-4)


def test_lab_goes_back_to_xyz():
    lab = np.random.default_rng(1).uniform((0, -80, -80), (100, 80, 80), (300, 3))
    np.testing.assert_allclose(lab_from_xyz(xyz_from_lab(lab, WHITE_D50), WHITE_D50), lab, atol=1e-9)


def test_card_colors_in_srgb():
    # Lab (D50) of white and neutral 5, through XYZ and Bradford, by hand: 243 242 235 and 121 121 120 within rounding.
    srgb = srgb_from_linear(linear_rgb_from_lab_d50([[95.19, -1.03, 2.93], [50.76, -0.13, 0.14]])) * 255
    np.testing.assert_allclose(srgb[0], [243, 242, 235], atol=2.5)
    np.testing.assert_allclose(srgb[1], [121, 121, 120], atol=2.0)


def test_lab_and_linear_rgb_are_inverse():
    rgb = np.random.default_rng(5).uniform(-0.05, 1.2, (200, 3))
    np.testing.assert_allclose(linear_rgb_from_lab(lab_from_linear_rgb(rgb)), rgb, atol=1e-12)
