"""The processor of this machine in words: speeds, and the last bits of floating point, are a matter of its kind."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
NAMES = ("model name", "Model", "cpu model", "cpu", "Hardware")
"""Fields that hold the name, by architecture; the first that is there counts."""
VECTORS = {"amx_tile": "AMX", "avx512f": "AVX-512", "avx2": "AVX2", "sve": "SVE", "asimd": "NEON"}
"""Names of vector units by a processor's flags, widest first: they decide which paths of torch it takes."""


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """`Intel Xeon Processor (family 6, model 207; AMX, AVX-512, AVX2), 2 cores`: name, kind, vector units, and `cores`.

    Virtual machines hide the product's name, so that family and model stand beside it, where they are known. Where the file
    is missing, as on macOS, or names nothing, the system is asked.

    Args:
        cpuinfo: As Linux describes its processors.
    """
    fields = _fields(cpuinfo)
    name = next((fields[field] for field in NAMES if fields.get(field)), "") or _name_by_system()
    name = " ".join(re.sub(r"\((R|TM|tm)\)", "", name).split())
    kind = [f"{word} {fields[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if fields.get(key)]
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    vectors = [word for flag, word in VECTORS.items() if flag in flags]
    about = "; ".join(filter(None, (", ".join(kind), ", ".join(vectors))))
    return f"{name}{f' ({about})' if about else ''}, {cores()} core{'s' if cores() > 1 else ''}"


def _name_by_system() -> str:
    """The processor's name as the system gives it, where no file does."""
    if sys.platform == "darwin":
        answer = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        if answer.stdout.strip():
            return answer.stdout.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def _fields(cpuinfo: Path) -> Mapping[str, str]:
    """The first processor's fields; none where the file cannot be read."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return {}
    values: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            values.setdefault(name.strip(), value.strip())
    return values
