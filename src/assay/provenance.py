"""Provenance: with what, where and how dearly a number was made."""

import contextlib
import platform
import resource
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import assay


@cache
def software() -> dict[str, str]:
    """Versions of what computes, and the commit of assay where it runs from a checkout."""
    names = ("torch", "numpy", "scipy", "scikit-learn")
    found = {"assay": assay.__version__, "python": platform.python_version(), **{name: version(name) for name in names}}
    commit = _commit()
    return {**found, "commit": commit} if commit else found


def _commit() -> str:
    folder = Path(__file__).parent
    if not (folder.parents[1] / ".git").exists():  # of a checkout; an installed copy may lie in somebody else's
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def forget_peak() -> None:
    """Let the process's peak memory begin anew at what it holds now, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def describe_run(device: str, seconds: float) -> dict[str, Any]:
    """The provenance of a cell that took so many seconds.

    `peak_memory_mb` is the largest resident memory of the process since `forget_peak`, or so far where that does
    nothing: an upper bound for the cell.
    """
    where = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()
    return {
        "software": software(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": f"{device} ({where})",
        "threads": torch.get_num_threads(),
        "seconds": round(seconds, 3),
        "peak_memory_mb": round(_peak() / 2**20),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _peak() -> float:
    """Bytes: Linux's high-water mark, which `forget_peak` lowers; what getrusage tells begins at a parent's peak."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


@cache
def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
