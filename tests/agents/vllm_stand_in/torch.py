"""Stands in for torch next to the stand-in for vLLM, which computes nothing: importing the real one takes seconds."""

import os
from pathlib import Path
from types import SimpleNamespace

accelerator = SimpleNamespace(is_available=lambda: (Path(os.environ["STAND_IN"]) / "accelerator").exists())
