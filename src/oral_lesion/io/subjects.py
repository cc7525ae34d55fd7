"""subjects.csv: who is in the study, and each subject's strata; never the treatment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from oral_lesion.endpoint import EndpointSettings, read_strata_header
from oral_lesion.errors import Fault, SettingsError
from oral_lesion.io.hand_made_tables import lines_of
from oral_lesion.io.naming import printable

__all__ = ["SUBJECTS_NAME", "read_subjects"]

SUBJECTS_NAME = "subjects.csv"

Strata = dict[str, dict[str, str | None]]


def read_subjects(path: Path, photographed: Iterable[str], settings: EndpointSettings) -> Strata:
    """
    Read the subjects and their strata.

    Parameters
    ----------
    path : Path
        Of subjects.csv; comma, semicolon or tab separated, UTF-8. Where it is missing and the protocol names no strata,
        the subjects are those that were photographed.
    photographed : iterable of str
        Subjects with a folder.
    settings : EndpointSettings
        Names the strata.

    Returns
    -------
    dict of str to dict
        Strata by subject; None for an empty cell.

    Raises
    ------
    SettingsError
        With all faults at once: a column that the protocol does not name or that seems to tell the treatment, a subject
        that comes twice or has no name, a folder whose subject is not listed, and a file that is missing or no table.
    """
    photographed = sorted(set(photographed))
    if not path.exists() and not settings.strata:
        return {subject: {} for subject in photographed}
    strata_wanted = f"the protocol names the strata {', '.join(settings.strata)}" if settings.strata else "it is there"
    lines = lines_of(path, expected="a header with a column 'subject'", wanted_for=strata_wanted)
    places = read_strata_header(lines[0][1], settings.strata, source=path.name)
    strata: Strata = {}
    faults: list[Fault] = []
    for line, cells in lines[1:]:
        texts = [printable(cell) for cell in cells] + [""] * len(lines[0][1])
        subject = texts[places["subject"]]
        if not subject:
            faults.append(Fault(f"line {line}, subject", "is empty"))
        elif subject in strata:
            faults.append(Fault(f"line {line}, subject", f"{subject!r} comes twice"))
        if len([cell for cell in cells[len(lines[0][1]) :] if cell.strip()]):
            faults.append(Fault(f"line {line}", f"has {len(cells)} cells, the header {len(lines[0][1])}"))
        strata[subject] = {name: texts[places[name]] or None for name in settings.strata}
    faults += [
        Fault(subject, f"has a folder with photos, but no line in {path.name}")
        for subject in photographed
        if subject not in strata
    ]
    if faults:
        raise SettingsError(path.name, faults)
    return strata
