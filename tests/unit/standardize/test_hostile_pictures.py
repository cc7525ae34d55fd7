"""Nasty pictures in a process of their own: OpenCV's detector can crash the interpreter."""

import subprocess
import sys
from pathlib import Path

SCRIPT = r"""
import sys, tomllib
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import LIMITS, UNCERTAINTY, card_named, photo_of
from oral_lesion.errors import Refused
from oral_lesion.standardize import read_card

rng = np.random.default_rng(0)
checks = (np.indices((600, 800)) // 40).sum(axis=0) % 2
fine = (np.indices((401, 603)) // 2).sum(axis=0) % 2
stripes = (np.arange(900) // 7 % 2)[None].repeat(500, axis=0)
colors = rng.integers(0, 256, (24, 40, 3), dtype=np.uint8)
squares = np.kron(colors, np.ones((20, 20, 1), np.uint8))
squares[np.arange(480) % 20 < 3] = 0
squares[:, np.arange(800) % 20 < 3] = 0
dots = np.zeros((500, 700, 3), np.uint8)
dots[::9, ::9] = 255
ramp = np.linspace(0, 255, 640).astype(np.uint8)[None, :, None].repeat(480, axis=0).repeat(3, axis=2)
pictures = [
    np.zeros((1, 1, 3), np.uint8), np.full((2, 9, 3), 255, np.uint8), np.zeros((1, 5000, 3), np.uint8),
    rng.integers(0, 256, (60, 9000, 3), dtype=np.uint8), rng.integers(0, 256, (4000, 49, 3), dtype=np.uint8),
    rng.integers(0, 256, (300, 400, 3), dtype=np.uint8), np.full((900, 1200, 3), 255, np.uint8),
    np.dstack([checks * 255] * 3).astype(np.uint8), np.dstack([fine * 255] * 3).astype(np.uint8),
    np.dstack([stripes * 255] * 3).astype(np.uint8), np.ascontiguousarray(squares), dots, ramp,
    np.ascontiguousarray(squares[:47, :47]), np.ascontiguousarray(squares[:, ::-1][:48]),
]
card = card_named("colorchecker-classic-nano")
for picture in pictures:
    try:
        read_card(photo_of(picture), card, limits=LIMITS, uncertainty=UNCERTAINTY)
    except Refused as refused:
        sys.stdout.write(refused.refusal.reason.value + "\n")
    else:
        sys.stdout.write("READ\n")
"""


def test_no_picture_ends_the_process():
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = done.stdout.split()
    assert len(outcomes) == 15
    assert set(outcomes) <= {"no-card", "blurred"}, outcomes
