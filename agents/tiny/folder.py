"""The tiny laboratory model: a one-million-parameter checkpoint, the Python it was warm-started on, its held-out tasks."""

from __future__ import annotations

from pathlib import Path

TINY_MODEL = Path(__file__).parent
"""Folder of the shipped checkpoint, for `from_pretrained`, and of `heldout_triplets.jsonl` and `heldout_induction.jsonl`."""

__all__ = ["TINY_MODEL"]
