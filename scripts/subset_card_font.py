"""
Cut a font down to the Chinese characters of the open card's sheet, so that the sheet can hold its own font.

    python scripts/subset_card_font.py DroidSansFallbackFull.ttf

The font is Droid Sans Fallback (Apache-2.0), such as Debian's package fonts-droid-fallback brings it. Run again when
a sentence of the sheet changes; a test says so.
"""

from __future__ import annotations

import sys

from fontTools import subset

from oral_lesion.adapters.card.sheet import CHINESE_FONT_FILE
from oral_lesion.adapters.card.texts import characters_of, sheet_texts
from oral_lesion.io.texts import Language


def main() -> int:
    """Write the font beside the code that uses it."""
    font = subset.load_font(sys.argv[1], subset.Options(), dontLoadGlyphNames=True)
    options = subset.Options(
        drop_tables=["GSUB", "GPOS", "GDEF", "DSIG", "vhea", "vmtx"], hinting=False, notdef_outline=True
    )
    cut = subset.Subsetter(options)
    cut.populate(text="".join(characters_of(sheet_texts(Language.CHINESE))))
    cut.subset(font)
    font.recalcTimestamp = False
    CHINESE_FONT_FILE.parent.mkdir(exist_ok=True)
    font.save(CHINESE_FONT_FILE)
    print(f"{CHINESE_FONT_FILE.name}: {CHINESE_FONT_FILE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
