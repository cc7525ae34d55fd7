"""Which columns of subjects.csv may be read: the subject and the protocol's strata, never the treatment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from oral_lesion.errors import Fault, SettingsError

__all__ = ["SUBJECT_COLUMN", "read_strata_header", "tells_treatment"]

SUBJECT_COLUMN = "subject"

_CDISC = re.compile(
    # ARM, ARMCD, ACTARM, ACTARMUD, ARMNRS · TRT01P, TRTP, TRTA, TRTSEQP, TRTGRP · TR01AG1, TR01PG1N · DOSE01P · EXTRT …
    r"(act|plan|planned|actual|rand)?arm(cd|nrs|ud|n)?[0-9]*"
    r"|trt[0-9a-z]*|tr[0-9]{2}[a-z]+[0-9]*n?|dose[0-9a-z]*|ex(trt|dose|dosu|dosfrq|kit|route)[0-9]*"
)
_STEMS = re.compile(
    r"treat|therap|placebo|verum|sham|randomi|randno|alloc|blind|drug|dosage|dosing|medicat|medik|medicin|interven|regimen"
    r"|comparator|behandl|dosis|traitement|medicament|tratamiento|tratamento|trattament|farmac|braco|brazo|braccio"
    r"|terap|zuteil|verblind"
    r"|лечен|терап|препарат|рандом|плацебо|治疗|治療|疗法|分组|组别|組別|试验组|試驗組|实验组|對照|对照|随机|隨機|药物|藥物|剂量|劑量"
    r"|安慰剂|安慰劑|干预|盲|投与|割付|無作為|プラセボ|치료|배정|위약|무작위"
)
_WORDS = frozenset(
    {"arm", "arms", "studyarm", "trialarm", "studienarm", "groupe", "grupo", "gruppo", "bras", "kit", "cohort",
     "kohorte", "cohorte", "active", "control", "dose", "trt", "группа", "доза", "组", "組", "群", "군"}
)  # fmt: skip
_GROUP = re.compile(r"(groups?|gruppe|grp)$")
_HARMLESS_GROUPS = frozenset({"age", "blood", "ethnic", "weight", "alters", "alter"})


def tells_treatment(column: str) -> bool:
    """
    Return whether a column's name seems to tell the treatment.

    Rather one column too many: the names of CDISC (ARM, ACTARMCD, TRT01P, TRTA, TR01AG1, EXDOSE, …), and words for
    treatment, group, randomisation, dose or blinding in English, German, French, Spanish, Italian, Portuguese,
    Russian, Chinese, Japanese and Korean. Groups by age, blood, ethnicity or weight are let through.

    Parameters
    ----------
    column : str
        As written; case, accents, spaces, hyphens and underscores do not matter.

    Returns
    -------
    bool
        False says only that the name is harmless, not the content.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    words = re.findall(r"[^\W_]+", _plain(spaced))
    run_together = "".join(re.findall(r"[^\W_]+", _plain(column)))
    if _STEMS.search(run_together) or _CDISC.fullmatch(run_together):
        return True
    if _GROUP.sub("", run_together) in _HARMLESS_GROUPS:
        return False
    bare = [re.sub(r"[0-9]+$", "", word) for word in words]
    return any(word in _WORDS or _CDISC.fullmatch(word) or _GROUP.search(word) for word in (*words, *bare))


def read_strata_header(header: Sequence[str], strata: Sequence[str], *, source: str) -> dict[str, int]:
    """
    Return where the subject and each of the protocol's strata stand in a header.

    Parameters
    ----------
    header : sequence of str
        First line of subjects.csv.
    strata : sequence of str
        Names that the protocol demands.
    source : str
        File name for the error message.

    Returns
    -------
    dict
        Column number by name: ``subject`` first, then the strata in the protocol's order.

    Raises
    ------
    SettingsError
        With all faults at once: columns that seem to tell the treatment, that the protocol does not name, that come
        twice or that are missing.
    """
    known = (SUBJECT_COLUMN, *strata)
    columns = [_plain(cell).replace(" ", "_") for cell in header]
    faults = []
    for written, column in zip(header, columns, strict=True):
        if tells_treatment(written):
            message = (
                "seems to tell the treatment. Endpoints are computed blinded: remove the column from the file, and "
                "join it by subject after unblinding"
            )
        elif column in {_plain(name).replace(" ", "_") for name in known}:
            continue
        else:
            message = f"is not among the protocol's strata; expected {', '.join(known)}. Remove it or name it there"
        faults.append(Fault(f"column {written.strip()!r}", message))
    places: dict[str, int] = {}
    for name in known:
        count = columns.count(_plain(name).replace(" ", "_"))
        if count == 1:
            places[name] = columns.index(_plain(name).replace(" ", "_"))
        else:
            faults.append(Fault(f"column {name!r}", "is missing" if count == 0 else f"comes {count} times"))
    if faults:
        raise SettingsError(source, faults)
    return places


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.strip().lstrip("\ufeff")).casefold()
    return unicodedata.normalize("NFC", "".join(sign for sign in decomposed if not "\u0300" <= sign <= "\u036f"))
