"""A plug-in examiner that does to its process what hostile files do to decoders."""

from __future__ import annotations

from pathlib import Path

_MODULE = """
import ctypes, os, signal, time
import numpy as np

class Hostile:
    name = "hostile"
    version = "1"

    def examine(self, media):
        match media.name:
            case "segfault.png":
                ctypes.string_at(0)
            case "hang.png":
                time.sleep(20)
            case "killed.png":
                os.kill(os.getpid(), signal.SIGKILL)
            case "memory.png":
                hoard = []
                while True:
                    hoard.append(np.zeros(200_000_000, np.uint8))  # asked for, never touched
            case "slow.png":
                time.sleep(1.5)
        return []
"""


def install(folder: Path) -> Path:
    """Write the plug-in, with its entry point, into a folder for `sys.path`."""
    (folder / "hostile_examiner.py").write_text(_MODULE)
    about = folder / "hostile_examiner-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-examiner\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[assay.examiners]\nhostile = hostile_examiner:Hostile\n"
    )
    return folder
