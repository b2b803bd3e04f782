"""A toy distribution, as pip would have installed it, in a folder that is first on `sys.path`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, modules: Mapping[str, str]) -> None:
    """Installs `name` with these modules (name to source) into `folder`, and keeps copies of it out of the user's cache."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    files = [f"{about.name}/METADATA", f"{about.name}/RECORD", *(f"{module}.py" for module in modules)]
    (about / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
