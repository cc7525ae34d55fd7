"""The vocabulary of sites, and the names that lead to it."""

from pathlib import Path

import pytest

from oral_lesion.io.sites import SITES, site_and_replicate_from_file_name, site_from_text

# ODSS, doi 10.1111/bjd.16265; PDAI, mucosa
ODSS_SITES = {
    "outer lips", "inner lips", "left buccal", "right buccal", "upper left gingival", "upper anterior gingival",
    "upper right gingival", "lower left gingival", "lower anterior gingival", "lower right gingival", "hard palate",
    "soft palate", "dorsum", "left ventral tongue", "right ventral tongue", "floor", "oropharynx",
}  # fmt: skip
PDAI_ORAL_SITES = {
    "buccal mucosa", "hard palate", "soft palate", "upper gingiva", "lower gingiva", "tongue", "floor of mouth",
    "labial", "posterior pharynx",
}  # fmt: skip


def test_the_vocabulary_covers_the_17_sites_of_odss_and_the_9_oral_sites_of_pdai():
    assert {site.odss for site in SITES} - {""} == ODSS_SITES
    assert {site.pdai for site in SITES} - {""} == PDAI_ORAL_SITES


def test_codes_are_unique():
    codes = [site.code for site in SITES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.code)
def test_each_site_is_found_by_its_code_title_and_phrases(site):
    for text in (site.code, site.title, *site.phrases, site.code.replace("-", ""), site.code.upper()):
        assert site_from_text(text) == site.code, text


@pytest.mark.parametrize(
    ("name", "site", "replicate"),
    [
        ("tongue-ventral_2.jpg", "tongue-ventral", 2),
        ("tongue-ventral.jpg", "tongue-ventral", 1),
        ("Tongue Ventral (3).JPG", "tongue-ventral", 3),
        ("cheek left.png", "buccal-left", 1),
        ("left buccal.heic", "buccal-left", 1),
        ("Buccal_Mucosa_R_01.tif", "buccal-right", 1),
        ("hard palate.jpg", "palate-hard", 1),
        ("HardPalate2.jpeg", "palate-hard", 2),
        ("softpalate.jpg", "palate-soft", 1),
        ("dorsum of the tongue.jpg", "tongue-dorsal", 1),
        ("upper left gum-2.dcm", "gingiva-upper-left", 2),
        ("mandibular gingiva anterior.jpg", "gingiva-lower-anterior", 1),
        ("lower lip inside.jpg", "lip-lower-inner", 1),
        ("floor of mouth.jpg", "floor-of-mouth", 1),
        ("FOM_4.jpg", "floor-of-mouth", 4),
        ("left lateral border of tongue.jpg", "tongue-lateral-left", 1),
        ("retromolar_right", "retromolar-right", 1),
        ("some/folder/oropharynx_2.jpg", "oropharynx", 2),
    ],
)
def test_file_names_that_tell_a_site(name, site, replicate):
    assert site_and_replicate_from_file_name(name) == (site, replicate)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1234.jpg", "", "2.jpg", "buccal.jpg", "tongue.jpg", "palate.jpg", "left.jpg", "lip.jpg", "upper lip.jpg",
        "buccal left right.jpg", "tongue-ventral-2-3.jpg", "buccal-left_old.jpg", "not buccal left.jpg", "gingiva.jpg",
        "buccal-left_0.jpg", "buccal-left_2026.jpg", "S01_buccal-left.jpg",
    ],
)  # fmt: skip
def test_nothing_is_guessed(name):
    assert site_and_replicate_from_file_name(name) == (None, 1)


def test_the_page_lists_the_vocabulary():
    """docs/sites.md holds a row for each site, in the order of the module."""
    page = Path(__file__).parents[3] / "docs" / "sites.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [f"| `{s.code}` | {s.title} | {s.odss or '–'} | {s.pdai or '–'} |" for s in SITES]
