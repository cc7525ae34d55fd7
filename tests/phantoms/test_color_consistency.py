"""The same tissue under four lights has the same colour once it is standardized."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "measure_color_consistency.py"


def test_the_same_tissue_under_other_light():
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "--scenes", "1"], check=True, stdout=subprocess.PIPE, text=True, timeout=200
    )
    figures = json.loads(ran.stdout.splitlines()[-1])
    assert figures["median_before"] > 4.0
    # Perceptible on gingiva is 2.1 (J Dent 2020;103:103502).
    assert figures["median_after"] < 1.0
    assert figures["worst_pair_median_after"] < 1.5
    assert figures["p95_after"] < 2.1
