"""Seeds by name: a child seed is a hash of a path of names, so that no draw depends on the order of any other."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def seed_of(*names: int | str) -> int:
    """A 63-bit seed named by a path such as `(run_seed, "reply", step, episode, role, attempt, turn)`.

    SHA-256 of the names as JSON: the same on every machine, and unrelated for names that differ in any part.
    """
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator_of(*names: int | str) -> np.random.Generator:
    """A fresh PCG64 generator for the path `names`."""
    return np.random.Generator(np.random.PCG64(seed_of(*names)))
