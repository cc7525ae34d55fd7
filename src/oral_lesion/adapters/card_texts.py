"""The words on the open card's sheet."""

from __future__ import annotations

__all__ = ["CARD_WARNING", "CHECK_TEXT", "GUIDE", "GUIDE_TITLE", "SHEET_NOTE"]

CARD_WARNING = "Printed colours are no colour reference without a measured batch."

CHECK_TEXT = (
    "This line is exactly 50 mm, and so is the upright one: measure both. If either is off by more than 0.25 mm, "
    "throw the sheet away and print again at 100 %."
)

GUIDE_TITLE = "Photographing with the card"

GUIDE = (
    "Print at 100 % (“actual size”, never “fit to page”) on matte white paper, and measure the two 50 mm lines.",
    "Cut along the marks. Keep the white rim around the black squares. Paper cannot be disinfected: a fresh card for "
    "each patient and visit.",
    "Lay the card flat beside the lesion, in its plane and as far from the camera. At least three black squares must "
    "be seen whole; fingers, saliva and shadows stay off the card.",
    "Camera 20 to 30 cm away, square to the card (tilted by less than 20°), optical zoom rather than going closer. No "
    "digital zoom, filter, portrait or beauty mode.",
    "Lesion and card in view and sharp, the card about a third of the picture's width. Tap on the lesion to focus.",
    "Even light without shine on card or mucosa; dry the lesion. The same light and camera at every visit.",
    "A mouth mirror may be used: put card and lesion both into the mirror. The mirrored picture is recognised.",
    "Two photos of each site, named after the site, such as buccal-left_1.jpg. Do not crop, edit or send them "
    "through a messenger.",
)

SHEET_NOTE = (
    "The squares give scale and tilt. Colours are corrected only where the patches of this print run were measured "
    "with a spectrophotometer and the batch file is named in the protocol: printed colours are no colour reference."
)
