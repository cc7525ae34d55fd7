"""
Write the JSON schema of a bundle's metadata.json to docs/model-bundle.schema.json.

    python scripts/write_bundle_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from oral_lesion.io.bundle import BundleMetadata

SCHEMA = Path(__file__).parents[1] / "docs" / "model-bundle.schema.json"


def schema_text() -> str:
    """Return the schema as the file holds it."""
    return json.dumps(BundleMetadata.model_json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
