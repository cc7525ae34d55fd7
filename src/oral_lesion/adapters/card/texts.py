"""The words on the open card's sheet, in the languages of the site's answers."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from oral_lesion.io.texts import Language

__all__ = ["SheetTexts", "characters_of", "sheet_texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetTexts:
    """
    All words of a sheet in one language.

    Parameters
    ----------
    card_warning : str
        On the card itself.
    batch : str
        What stands before the batch's name.
    check : str
        Below the check line.
    title : str
        Of the guide.
    steps : tuple of str
        The guide, in order.
    note : str
        What the printed colours are worth.
    captions : tuple of str
        Below the pictograms, in their order: print, plane, square, frame, light, mirror.
    """

    card_warning: str
    batch: str
    check: str
    title: str
    steps: tuple[str, ...]
    note: str
    captions: tuple[str, str, str, str, str, str]


_ENGLISH = SheetTexts(
    card_warning="Printed colours are no colour reference without a measured batch.",
    batch="Batch",
    check=(
        "This line is exactly 50 mm, and so is the upright one: measure both. If either is off by more than 0.25 mm, "
        "throw the sheet away and print again at 100 %."
    ),
    title="Photographing with the card",
    steps=(
        "Print at 100 % (“actual size”, never “fit to page”) on matte white paper, and measure the two 50 mm lines.",
        "Cut along the marks. Keep the white rim around the black squares. Paper cannot be disinfected: a fresh card "
        "for each patient and visit.",
        "Lay the card flat beside the lesion, in its plane and as far from the camera. At least three black squares "
        "must be seen whole; fingers, saliva and shadows stay off the card.",
        "Camera 20 to 30 cm away, square to the card (tilted by less than 20°), optical zoom rather than going closer. "
        "No digital zoom, filter, portrait or beauty mode.",
        "Lesion and card in view and sharp, the card about a third of the picture's width. Tap on the lesion to focus.",
        "Even light without shine on card or mucosa; dry the lesion. The same light and camera at every visit.",
        "A mouth mirror may be used: put card and lesion both into the mirror. The mirrored picture is recognised.",
        "Two photos of each site, named after the site, such as buccal-left_1.jpg. Do not crop, edit or send them "
        "through a messenger.",
    ),
    note=(
        "The squares give scale and tilt. Colours are corrected only where the patches of this print run were "
        "measured with a spectrophotometer and the batch file is named in the protocol: printed colours are no colour "
        "reference."
    ),
    captions=(
        "Print at 100 %, then measure 50 mm",
        "Card in the lesion's plane",
        "Camera square to the card, 20–30 cm away",
        "Lesion and whole card in view, card 1/3 of the width",
        "Even light, no shine on card or lesion",
        "Mirror: card and lesion both in it",
    ),
)

_GERMAN = SheetTexts(
    card_warning="Gedruckte Farben sind ohne gemessene Charge keine Farbreferenz.",
    batch="Charge",
    check=(
        "Diese Linie ist genau 50 mm lang, die senkrechte auch: messen Sie beide. Weicht eine um mehr als 0,25 mm "
        "ab, werfen Sie das Blatt weg und drucken Sie mit 100 % neu."
    ),
    title="Fotografieren mit der Karte",
    steps=(
        "Mit 100 % drucken („tatsächliche Größe“, nie „an Seite anpassen“), auf mattem weißem Papier; dann die "
        "beiden 50-mm-Linien messen.",
        "An den Marken ausschneiden; der weiße Rand um die schwarzen Quadrate bleibt. Papier lässt sich nicht "
        "desinfizieren: für jede Person und jeden Besuch eine neue Karte.",
        "Die Karte flach neben die Läsion legen, in deren Ebene und gleich weit von der Kamera. Mindestens drei "
        "schwarze Quadrate müssen ganz zu sehen sein; keine Finger, kein Speichel, kein Schatten auf der Karte.",
        "Kamera 20 bis 30 cm entfernt und senkrecht zur Karte (um weniger als 20° geneigt); lieber optisch zoomen "
        "als näher gehen. Kein Digitalzoom, kein Filter, kein Porträt- oder Schönheitsmodus.",
        "Läsion und Karte im Bild und scharf, die Karte etwa ein Drittel der Bildbreite. Zum Scharfstellen auf die "
        "Läsion tippen.",
        "Gleichmäßiges Licht ohne Glanz auf Karte oder Schleimhaut; die Läsion trocknen. Bei jedem Besuch dasselbe "
        "Licht und dieselbe Kamera.",
        "Mit Mundspiegel: Karte und Läsion gehören beide in den Spiegel. Das Spiegelbild wird erkannt.",
        "Zwei Fotos von jeder Stelle, nach ihr benannt, etwa buccal-left_1.jpg. Nicht zuschneiden, nicht bearbeiten, "
        "nicht über einen Messenger senden.",
    ),
    note=(
        "Die Quadrate geben Maßstab und Neigung. Farben werden nur korrigiert, wenn die Felder dieses Druckes mit "
        "einem Spektralphotometer gemessen wurden und das Protokoll die Datei der Charge nennt: gedruckte Farben sind "
        "keine Farbreferenz."
    ),
    captions=(
        "Mit 100 % drucken, dann 50 mm messen",
        "Karte in der Ebene der Läsion",
        "Kamera senkrecht zur Karte, 20–30 cm entfernt",
        "Läsion und ganze Karte im Bild, Karte 1/3 der Breite",
        "Gleichmäßiges Licht, kein Glanz",
        "Spiegel: Karte und Läsion beide darin",
    ),
)

_CHINESE = SheetTexts(
    card_warning="未经测量批次的印刷颜色不能作为颜色参考。",
    batch="批次",
    check="此线与竖线均为 50 mm：请分别测量。任一条偏差超过 0.25 mm，请作废本页并按 100 % 重新打印。",
    title="使用色卡拍照",
    steps=(
        "用哑光白纸按 100 % 打印（“实际大小”，不要“适合页面”），然后测量两条 50 mm 线。",
        "沿标记裁剪，保留黑色方块周围的白边。纸卡无法消毒：每位患者每次访视使用一张新卡。",
        "将卡片平放在病损旁，与病损同一平面、距相机相同。至少三个黑色方块必须完整可见；卡片上不要有手指、唾液或阴影。",
        "相机距离 20 至 30 cm，正对卡片（倾斜小于 20°）；宁可使用光学变焦，也不要靠得更近。"
        "不要使用数码变焦、滤镜、人像或美颜模式。",
        "病损与卡片都在画面内且清晰，卡片约占画面宽度的三分之一。轻触病损对焦。",
        "光照均匀，卡片与黏膜无反光；拍照前擦干病损。每次访视使用相同的光源和相机。",
        "可使用口镜：卡片与病损都要在镜中。程序能识别镜像。",
        "每个部位拍两张，以部位命名，如 buccal-left_1.jpg。不要裁剪、编辑，也不要通过聊天软件发送。",
    ),
    note=(
        "黑色方块给出比例和倾斜。"
        "只有当本批印刷的色块经分光光度计测量、且方案中指定了该批次文件时，才校正颜色：印刷颜色不是颜色参考。"
    ),
    captions=(
        "按 100 % 打印，再测量 50 mm",
        "卡片与病损在同一平面",
        "相机正对卡片，距离 20–30 cm",
        "病损和整张卡片在画面内，卡片约占宽度 1/3",
        "光照均匀，卡片和病损无反光",
        "口镜：卡片与病损都在镜中",
    ),
)

_TEXTS = {Language.ENGLISH: _ENGLISH, Language.GERMAN: _GERMAN, Language.CHINESE: _CHINESE}


def sheet_texts(language: Language) -> SheetTexts:
    """
    Return the words of the sheet.

    Parameters
    ----------
    language : Language
        In which they are.

    Returns
    -------
    SheetTexts
    """
    return _TEXTS[language]


def characters_of(texts: SheetTexts) -> list[str]:
    """
    Return the characters that a font must have.

    Parameters
    ----------
    texts : SheetTexts
        All words.

    Returns
    -------
    list of str
        Each once, sorted.
    """
    sentences = [part for value in astuple(texts) for part in (value if isinstance(value, tuple) else (value,))]
    return sorted(set("".join(sentences)))
