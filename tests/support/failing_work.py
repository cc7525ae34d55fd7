"""Work that fails in every way that a process can; a module of its own, for processes import it."""

import os
import signal
import time
from pathlib import Path

FORCED = getattr(signal, "SIGKILL", signal.SIGTERM)


def work(item):
    """Do what the item says."""
    what, value = item
    if what == "crash":
        os.kill(os.getpid(), FORCED)
    if what == "crash once" and not Path(value).exists():
        Path(value).touch()
        os.kill(os.getpid(), FORCED)
    if what == "segfault":
        import ctypes

        ctypes.string_at(0)
    if what == "hang":
        time.sleep(300)
    if what == "leave":
        os._exit(0)
    if what == "memory":
        raise MemoryError("no room")
    if what == "raise":
        raise ValueError("bad value")
    return value
