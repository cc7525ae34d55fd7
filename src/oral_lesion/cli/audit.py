"""`oral-lesion audit`: begin, show and verify the log of who scored what, when and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oral_lesion.io.audit import AuditedRun, LogVerdict

__all__ = ["AuditOption", "AuditOptions", "LockedOption", "OperatorOption", "ReasonOption", "SupersedeOption", "app"]

OperatorOption = Annotated[
    str | None, typer.Option("--operator", help="Who, for the audit log. [default: the system's user]")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit log. No patient's name.")]
AuditOption = Annotated[
    Path | None,
    typer.Option("--audit", envvar="ORAL_LESION_AUDIT", help="Audit log. [default: beside the results, or the lock]"),
]
LockedOption = Annotated[
    Path | None, typer.Option("--locked", help="Lock of the study: anything else than it names is refused.")
]
SupersedeOption = Annotated[
    bool, typer.Option("--supersede", help="A second result, with --reason; the first stays under another name.")
]

app = typer.Typer(
    help="The log of who scored what, when, with which hashes and why: begin it, show it, verify it."
    "\n\nExample: oral-lesion audit verify scores/oral-lesion-audit.jsonl",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Log = Annotated[Path, typer.Argument(help="Audit log, or the folder that it is in.", show_default=False)]


@app.command("start", short_help="Begin a log for all results below a folder.")
def start(
    folder: Annotated[Path, typer.Argument(help="Folder of the results, such as scores/.", show_default=False)],
    operator: OperatorOption = None,
    reason: ReasonOption = "",
) -> None:
    """
    Begin a log in a folder; results in it, and one folder deeper, are recorded there.

    Example: oral-lesion audit start scores --operator "A. B." --reason "trial X begins"
    """
    from oral_lesion.errors import OutputError
    from oral_lesion.io.audit import LOG_NAME, AuditLog

    path = folder / LOG_NAME
    if path.exists():
        raise OutputError(f"{path}: is there already, and a log is never begun anew. Verify it with `audit verify`.")
    entry = AuditLog(path).append("log-opened", details={}, operator=operator, reason=reason)
    typer.echo(f"{path}: begun, head {entry.sha256}")


@app.command("verify", short_help="Find any edit, removal, move, addition or cut.")
def verify(
    log: _Log,
    results: Annotated[
        list[Path] | None, typer.Option(help="Results folder to check against the log; several are allowed.")
    ] = None,
    head: Annotated[
        list[str] | None, typer.Option(help="Hash noted from an earlier `verify`: it must be in the log.")
    ] = None,
) -> None:
    """
    Verify a log: exit 0 where it is intact, 1 where it is not, each fault with its line.

    Example: oral-lesion audit verify scores --results scores/S-001/week-04
    """
    from oral_lesion.io.audit import Finding, verify_log, verify_results
    from oral_lesion.io.results_store import STORE_NAME, compare_reads_with_log, compare_with_tables

    path = _log_path(log)
    verdict = verify_log(path, noted_heads=tuple(head or ()))
    for folder in results or ():
        verdict = verify_results(folder, verdict)
        found = (*compare_with_tables(folder), *compare_reads_with_log(folder, verdict.entries))
        of_store = (Finding(where=f"{folder.name}/{STORE_NAME}", what=what) for what in found)
        verdict = replace(verdict, findings=(*verdict.findings, *of_store))
    for note in verdict.notes:
        typer.echo(f"note: {note}")
    for finding in verdict.findings:
        typer.echo(f"BROKEN: {finding}")
    _say_verdict(path, verdict)
    raise typer.Exit(0 if verdict.intact else 1)


@app.command("show", short_help="List the entries.")
def show(
    log: _Log,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last entries.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="The lines as they stand, with all details.")] = False,
) -> None:
    """
    List the entries of a log: number, time (UTC), who, what, where, why.

    Example: oral-lesion audit show scores --last 20
    """
    from oral_lesion.io.audit import AuditLog
    from oral_lesion.io.naming import printable

    entries = AuditLog(_log_path(log)).entries()
    for entry in entries[-last:] if last else entries:
        if json:
            typer.echo(entry.line.decode("ascii"), nl=False)
            continue
        who = entry.who.get("operator") or entry.who.get("os_user", "")
        cells = (entry.utc, who, entry.action, str(entry.details.get("results", "")), entry.reason)
        typer.echo("  ".join([f"{entry.sequence:>4}", *(printable(cell) or "–" for cell in cells)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """
    What the command line says of who, why and under which lock.

    Parameters
    ----------
    operator : str or None
        Who.
    reason : str
        Why.
    log : Path or None
        Audit log.
    locked : Path or None
        Lock of the study.
    supersede : bool
        Whether a second result is wanted.
    """

    operator: str | None
    reason: str
    log: Path | None
    locked: Path | None
    supersede: bool

    def require_no_contradiction(self, *, overwrite: bool) -> None:
        """
        Refuse options that contradict each other.

        Parameters
        ----------
        overwrite : bool
            Whether earlier results are to be replaced.

        Raises
        ------
        typer.BadParameter
            Which ends with exit code 2.
        """
        if overwrite and (self.locked is not None or self.supersede):
            raise typer.BadParameter(
                "--overwrite loses the first result: under --locked, and in trials, use --supersede"
            )
        if self.supersede and not self.reason.strip():
            raise typer.BadParameter("--supersede needs --reason: why is there a second result?")

    def run(
        self,
        command: str,
        results: Path,
        *,
        inputs: Path | None,
        photos: Collection[str],
        hashes: Mapping[str, str],
    ) -> AuditedRun:
        """
        Return the run that is to be audited; under a lock, photos are read once and the log is that of the lock.

        Parameters
        ----------
        command : str
            Its name.
        results : Path
            Folder that it writes.
        inputs : Path or None
            Folder of the photos.
        photos : collection of str
            SHA-256 of each; empty where a file could not be read.
        hashes : mapping
            From `hashes_for_audit`.

        Returns
        -------
        AuditedRun
        """
        from oral_lesion.io.audit import AuditedRun, find_log

        return AuditedRun(
            command=command,
            results=results,
            inputs=inputs,
            operator=self.operator,
            reason=self.reason,
            log=find_log(results if self.locked is None else self.locked, self.log),
            hashes=hashes,
            photos=[sha256 for sha256 in photos if sha256],
            supersede=self.supersede,
            read_once=self.locked is not None,
        )


def _log_path(given: Path) -> Path:
    from oral_lesion.io.audit import LOG_NAME

    return given / LOG_NAME if given.is_dir() else given


def _say_verdict(path: Path, verdict: LogVerdict) -> None:
    count = f"{len(verdict.entries)} {'entry' if len(verdict.entries) == 1 else 'entries'}"
    if verdict.intact:
        typer.echo(f"{path}: intact, {count}, head {verdict.head_sha256}")
    else:
        faults = "1 fault" if len(verdict.findings) == 1 else f"{len(verdict.findings)} faults"
        typer.echo(f"{path}: BROKEN, {faults}, {count} could be read. Keep the file as it is, and find out why.")
