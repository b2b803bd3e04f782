"""The vector view with lanes: rows are groups x attempts, and one step takes a message from every pending slot.

A panel of K solvers costs one batch of the model instead of K steps. Rows that are not to act are marked inactive;
whatever action they are given is ignored. Row `g * attempts + a` acts for attempt `a` of group `g`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..core.arguments import action_text, check_options, seed_number
from ..core.errors import ResetNeeded, UsageError
from ..core.messages import Slot
from ..core.records import Episode, Reply
from ..core.spaces import UnicodeText, observation_space
from ..names.registration import build_game
from ..play.ledger import CreditLedger
from ..play.match import Match, advance
from .base import GameView, check_reward_role, episode_seed, observe, verdict_info


class SelfPlayVectorEnv(GameView, VectorEnv[dict[str, Any], tuple[str, ...], np.ndarray]):  # pyright: ignore[reportIncompatibleVariableOverride]
    """Many games in lock-step; `gym.make_vec(id, num_envs=rows, attempts=K)` gives it.

    Args:
        num_envs: Rows; a multiple of `attempts`. There are `num_envs // attempts` groups.
        Others: As for `SelfPlayEnv`.

    `reset(seed=..., options=...)`: `seed` is one whole number, or a sequence or array of one per group; `options` may hold
    `groups`, one options dict per group, and `reset_mask`, a bool per row (a group is reset when its first row is marked).
    Autoreset is disabled: a finished group waits for `reset`.

    `step` returns observations as a dict of tuples and arrays, rewards `(num_envs,)` float64, `terminated` per row
    (all rows of a group end together), and info with `active` (bool per row: whether it is to act next), `step` (int per
    row: steps that its group's episode has taken, 0 after `reset`), `valid`,
    `reason`, `score`, `credit` (tuple per row, that row's newly known credits) and `role_rewards` (array per role, the
    group's newly known credits of that role, on the group's first row).
    """

    metadata = {"render_modes": ["ansi"], "autoreset_mode": AutoresetMode.DISABLED}

    def __init__(
        self,
        game: str,
        num_envs: int = 1,
        *,
        sandbox: str = "auto",
        judge: str = "rules",
        reward_role: str | None = None,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        first = build_game(game, kwargs)
        self.attempts = first.attempts
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1 or num_envs % self.attempts:
            raise UsageError(
                f"num_envs={num_envs!r} is not a multiple of attempts={self.attempts}; rows are groups x attempts."
            )
        self.num_envs = num_envs = int(num_envs)
        self.games = [first, *(build_game(game, kwargs) for _ in range(num_envs // self.attempts - 1))]
        self.reward_role = check_reward_role(reward_role, first)
        self.render_mode = render_mode
        self._set_up(first, kwargs, sandbox=sandbox, judge=judge)
        self.single_action_space = UnicodeText()
        self.single_observation_space = observation_space()
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._matches: list[Match | None] = [None] * len(self.games)
        self._ledgers = [CreditLedger() for _ in self.games]
        self._steps = np.zeros(len(self.games), dtype=np.int64)

    def reset(
        self, *, seed: int | Sequence[int | None] | np.ndarray | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Starts an episode in every group, or in those that `options["reset_mask"]` marks.

        Raises:
            UsageError: A seed or an option is wrong, the number of seeds, of group options or of marked rows is not the
                number of groups or rows, or a judge is not bound.
        """
        self.referee.judges.open_all(self.games[0].judges)
        shared = dict(check_options(options, self.games[0], view_keys=("groups", "reset_mask")))
        mask = shared.pop("reset_mask", None)
        if mask is not None and (np.shape(mask) != (self.num_envs,) or np.asarray(mask).dtype.kind not in "bi"):
            raise UsageError(f"options['reset_mask']={mask!r:.60} is not one bool per row; there are {self.num_envs} rows.")
        per_group = self._group_options(shared.pop("groups", None))
        seeds = self._seeds(seed)
        for group, game in enumerate(self.games):
            if mask is None or bool(mask[group * self.attempts]):
                self._matches[group] = self._start(game, seeds[group], {**shared, **per_group[group]})
                self._ledgers[group] = CreditLedger()
                self._steps[group] = 0
        return self._observe(), {"active": self._active(), "step": self._row_steps()}

    def step(self, actions: Sequence[str]) -> tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Plays one message for every active row.

        Raises:
            ResetNeeded: No row is active.
            UsageError: The number of actions is not the number of rows, or the action of an active row is no text.
        """
        if isinstance(actions, str) or not isinstance(actions, Sequence | np.ndarray):
            raise UsageError(f"actions={actions!r:.40} is not a sequence; pass one str per row ('' for inactive ones).")
        if len(actions) != self.num_envs:
            raise UsageError(f"actions has {len(actions)} entries; there are {self.num_envs} rows (inactive ones take '').")
        rows = self._rows()
        if not rows:
            raise ResetNeeded("no row is active: call reset().")
        texts = {row: action_text(actions[row], f"actions[{row}]") for row in rows}
        verdicts = advance([(match, slot, Reply(text=texts[row])) for row, (match, slot) in rows.items()], self.referee)
        rewards = np.zeros(self.num_envs)
        info: dict[str, Any] = {
            "valid": np.zeros(self.num_envs, dtype=bool),
            "reason": [""] * self.num_envs,
            "score": np.zeros(self.num_envs),
            "credit": [()] * self.num_envs,
            "untrained": [()] * self.num_envs,
            "role_rewards": {role: np.zeros(self.num_envs) for role in self.games[0].roles},
        }
        for row, verdict in zip(rows, verdicts, strict=True):
            for name, value in verdict_info(verdict).items():
                info[name][row] = value
        for group in sorted({row // self.attempts for row in rows}):
            self._steps[group] += 1
            acted = {slot: row for row, (_, slot) in rows.items() if row // self.attempts == group}
            self._report_credit(group, acted, rewards, info)
        for name in ("reason", "credit", "untrained"):
            info[name] = tuple(info[name])
        info |= {"active": self._active(), "step": self._row_steps()}
        done = np.repeat([match is not None and match.done for match in self._matches], self.attempts)
        return self._observe(), rewards, done, np.zeros(self.num_envs, dtype=bool), info

    def episodes(self) -> list[Episode]:
        """The records of the finished groups, in order."""
        return [match.episode(self.referee.backend) for match in self._matches if match is not None and match.done]

    def _report_credit(self, group: int, acted: dict[Slot, int], rewards: np.ndarray, info: dict[str, Any]) -> None:
        """Reports a group's newly known credits; a role's late credit goes to the row of its attempt."""
        match = self._matches[group]
        assert match is not None
        for slot in self._ledgers[group].take_untrained(match):
            row = group * self.attempts + slot.attempt
            info["untrained"][row] = (*info["untrained"][row], tuple(slot))
        for slot, credit in self._ledgers[group].take_new(match):
            row = group * self.attempts + slot.attempt
            info["credit"][row] = (*info["credit"][row], (*slot, float(credit)))
            info["role_rewards"][slot.role][group * self.attempts] += credit
            if slot.role == self.reward_role if self.reward_role else acted.get(slot) == row:
                rewards[row] += credit

    def _rows(self) -> dict[int, tuple[Match, Slot]]:
        """The next slot of every row that has one, in row order."""
        rows: dict[int, tuple[Match, Slot]] = {}
        for group, match in enumerate(self._matches):
            if match is not None:
                for slot in match.waiting:
                    rows.setdefault(group * self.attempts + slot.attempt, (match, slot))
        return dict(sorted(rows.items()))

    def _active(self) -> np.ndarray:
        active = np.zeros(self.num_envs, dtype=bool)
        active[list(self._rows())] = True
        return active

    def _observe(self) -> dict[str, Any]:
        rows = self._rows()
        observations = [observe(*rows.get(row, (None, None))) for row in range(self.num_envs)]
        return {
            "role": tuple(observation["role"] for observation in observations),
            "attempt": np.array([observation["attempt"] for observation in observations], dtype=np.int64),
            "turn": np.array([observation["turn"] for observation in observations], dtype=np.int64),
            "messages": tuple(observation["messages"] for observation in observations),
        }

    def _row_steps(self) -> np.ndarray:
        return np.repeat(self._steps, self.attempts)

    def _group_options(self, groups: Any) -> list[Mapping[str, Any]]:
        """The options that each group has to itself."""
        if groups is None:
            return [{} for _ in self.games]
        if not isinstance(groups, list | tuple):
            raise UsageError(f"options['groups']={groups!r:.60} is not a list; pass one options dict per group.")
        if len(groups) != len(self.games):
            raise UsageError(f"options['groups'] has {len(groups)} entries; there are {len(self.games)} groups.")
        return [
            check_options(options, self.games[0], where=f"options['groups'][{group}]") for group, options in enumerate(groups)
        ]

    def _seeds(self, seed: Any) -> list[int]:
        """One seed per group: given, or spawned from one number, or drawn from this view's generator."""
        several: Any = isinstance(seed, list | tuple | range) or (isinstance(seed, np.ndarray) and seed.ndim > 0)
        each: list[Any] = [None] * len(self.games)
        if several:
            each = [*seed]
        elif seed is not None:
            self._np_random = np.random.Generator(np.random.PCG64(seed_number(seed)))
        numbers = [None if entry is None else seed_number(entry, f"seed[{group}]") for group, entry in enumerate(each)]
        if len(numbers) != len(self.games):
            raise UsageError(f"seed has {len(numbers)} entries; there are {len(self.games)} groups.")
        return [episode_seed(number, self.np_random) for number in numbers]
