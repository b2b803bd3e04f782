from __future__ import annotations

import platform
from pathlib import Path

import pytest

from agents.hardware import processor
from agents.hardware.processor import processor_name

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R)  Processor
flags\t\t: fpu sse avx2 avx512f amx_tile

processor\t: 1
model name\t: another
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve\nCPU part\t: 0xd40\n\nModel\t\t: Some Board 5\n"


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "cores", lambda: 2)
    monkeypatch.setattr(processor.sys, "platform", "linux")


@pytest.mark.parametrize(
    ("text", "name"),
    [(INTEL, "Intel Xeon Processor (family 6, model 207; AMX, AVX-512, AVX2)"), (ARM, "Some Board 5 (SVE, NEON)")],
)
def test_the_processor_in_words(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert processor_name(path) == f"{name}, 2 cores"


@pytest.mark.parametrize(
    ("known", "name"), [(("i386", "x86_64"), "i386"), (("", "arm64"), "arm64"), (("", ""), "unknown processor")]
)
def test_where_the_system_says_nothing_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: tuple[str, str], name: str
) -> None:
    monkeypatch.setattr(platform, "processor", lambda: known[0])
    monkeypatch.setattr(platform, "machine", lambda: known[1])
    assert processor_name(tmp_path / "no such file") == f"{name}, 2 cores"


def test_this_machine_has_a_name() -> None:
    name, _, count = processor_name().rpartition(", ")
    assert name
    assert count == "2 cores"
