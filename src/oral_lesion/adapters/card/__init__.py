"""The open card's sheet: the card at true size, lines to check the print by, and a guide for the site."""

from oral_lesion.adapters.card.pdf import PAPERS_MM, card_pdf

__all__ = ["PAPERS_MM", "card_pdf"]
