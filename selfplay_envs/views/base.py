"""The common part of the gymnasium, vector and PettingZoo views: game, referee, spec, episodes and observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from ..core.errors import UsageError
from ..core.game import Game, Verdict
from ..core.messages import Slot
from ..judges.registry import is_pure
from ..play.match import Match, Start
from ..play.referee import Referee

Observation = dict[str, Any]


class GameView:
    """A view's referee, its spec, and the matches that it starts."""

    referee: Referee
    """Its sandbox and judges answer the game's requests; may be replaced before `reset`."""

    def _set_up(self, game: Game, kwargs: Mapping[str, Any], *, sandbox: str, judge: str, env_id: str = "") -> None:
        """Takes what a view is made with.

        Args:
            game: The game, or one of several equal ones.
            kwargs: Its keywords, for the record.
            sandbox: As for `Referee`.
            judge: As for `Referee`.
            env_id: Of a view that no `gym.make` gives a spec.

        Raises:
            UsageError: No judge has that name.
        """
        self.referee = Referee(sandbox, judge)
        self._kwargs = kwargs
        self._judges = (judge, *game.judges)
        self._env_id = env_id or type(game).__name__
        self._spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """How `gym.make` or `gym.make_vec` made this environment; nondeterministic where a judge may be."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = mark_nondeterministic(spec, self._judges)

    def _start(self, game: Game, seed: int, options: Mapping[str, Any]) -> Match:
        """The match of an episode, as it is recorded."""
        return Match(Start(self._env_id if self._spec is None else self._spec.id, seed, self._kwargs, dict(options)), game)


def mark_nondeterministic(spec: EnvSpec | None, judges: Iterable[str]) -> EnvSpec | None:
    """`spec`, marked as nondeterministic where one of the environment's judges is not known to be a pure function."""
    if spec is None or all(map(is_pure, judges)):
        return spec
    return replace(spec, nondeterministic=True)


def check_reward_role(reward_role: str | None, game: Game) -> str | None:
    """`reward_role` if the game has that role, or None.

    Raises:
        UsageError: The game has no such role.
    """
    if reward_role is not None and reward_role not in game.roles:
        raise UsageError(
            f"reward_role={reward_role!r} is not a role of this game; choose one of {', '.join(game.roles)}, or None."
        )
    return reward_role


def episode_seed(seed: int | None, rng: np.random.Generator) -> int:
    """The seed of an episode: as given, or drawn from the view's generator."""
    return int(rng.integers(2**63 - 1)) if seed is None else seed


def observe(match: Match | None, slot: Slot | None) -> Observation:
    """The observation of a waiting slot, built afresh; the empty one where nobody is to act."""
    if match is None or slot is None:
        return {"role": "", "attempt": np.int64(0), "turn": np.int64(0), "messages": ()}
    messages = tuple({"role": m.role, "content": m.content} for m in match.waiting[slot])
    return {"role": slot.role, "attempt": np.int64(slot.attempt), "turn": np.int64(slot.turn), "messages": messages}


def verdict_info(verdict: Verdict) -> dict[str, Any]:
    """The part of a step's info that says how the message was judged."""
    return {"valid": verdict.valid, "reason": verdict.reason, "score": float(verdict.score)}
