"""What several tests say of visit folders."""

from pathlib import Path

SITES = ("buccal-left", "tongue-ventral", "palate-hard")


def tree_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
