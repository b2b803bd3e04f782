"""The letters game with gold replies: what the task says under `gold`, else `aaa`; None: it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from selfplay_envs import Slot, register_game
from tests.helpers.toys import Letters

GOLD_GAME = "Test/GoldLetters-v0"


class GoldLetters(Letters):
    """A right answer begins with `a`."""

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().reset(rng, options)
        self.gold = (options.get("task") or {}).get("gold", "aaa")

    def gold_reply(self, slot: Slot) -> str | None:
        return self.gold if slot.role == "solver" else None


if GOLD_GAME not in gymnasium.registry:
    register_game(GOLD_GAME, "tests.helpers.gold_game:GoldLetters")
