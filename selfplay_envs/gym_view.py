"""The gymnasium view: one step is one message of the slot whose turn it is."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from .arguments import action_text, check_options, seed_number
from .errors import ResetNeeded, UsageError
from .game import Game, Slot
from .play import Match, Start, advance
from .records import Episode, Reply
from .referee import Referee
from .registration import build_game, honest_spec
from .render import render_match
from .spaces import UnicodeText, observation_space

Observation = dict[str, Any]


def observe(match: Match | None, slot: Slot | None) -> Observation:
    """The observation of a waiting slot, built afresh; the empty one where nobody is to act."""
    if match is None or slot is None:
        return {"role": "", "attempt": np.int64(0), "turn": np.int64(0), "messages": ()}
    messages = tuple({"role": m.role, "content": m.content} for m in match.waiting[slot])
    return {"role": slot.role, "attempt": np.int64(slot.attempt), "turn": np.int64(slot.turn), "messages": messages}


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


class CreditLedger:
    """What of a match was already reported, so that each thing is reported once."""

    def __init__(self) -> None:
        self.known: set[Slot] = set()
        self.left_out: set[Slot] = set()

    def news(self, match: Match) -> list[tuple[Slot, float]]:
        """Credits that became known since the last call, in slot-application order."""
        fresh = [(done.slot, match.game.credit[done.slot]) for done in match.applied if done.slot in match.game.credit]
        fresh = [(slot, credit) for slot, credit in fresh if slot not in self.known]
        self.known.update(slot for slot, _ in fresh)
        return fresh

    def untrained(self, match: Match) -> list[Slot]:
        """Messages of which became known since the last call that they shall not train: void ones, and those a game masks."""
        slots = [done.slot for done in match.applied if done.slot in match.game.void or not done.verdict.train]
        fresh = [slot for slot in slots if slot not in self.left_out]
        self.left_out.update(fresh)
        return fresh


class SelfPlayEnv(gymnasium.Env[Observation, str]):
    """A self-play game, one message per step.

    ## Action Space
    `UnicodeText`: the message, as a model wrote it. Text that UTF-8 cannot encode is replaced, not refused.

    ## Observation Space
    `Dict(role, attempt, turn, messages)`: see `selfplay_envs.spaces.observation_space`.

    ## Rewards
    What the acting message has earned so far (0.0 where that is only known later). With `reward_role` the reward is
    instead everything that became known in this step of that role's messages, so that the return of an episode is
    that role's return and single-agent code is right as it stands.

    ## Info
    - `credit`: tuple of `(role, attempt, turn, credit)`, the training returns that became known in this step.
    - `role_rewards`: `{role: sum of those credits}`, every role present.
    - `untrained`: tuple of `(role, attempt, turn)`, messages that shall not train, as became known in this step: those that
      the game masks, and those that are void (charged to nobody: the sandbox failed, or chance decides).
    - `valid`, `reason`, `score`: the verdict on the message (`step` only).
    - `task_id`: name of the task, or empty.
    - `step`: steps taken in this episode, 0 after `reset`; it shows to whoever watches steps alone that a new episode began.

    ## Arguments
    `game` is filled by registration. `sandbox` (`auto`, `docker`, `process`), `judge` (`rules`, `module:NAME`, ...),
    `reward_role`, `render_mode` (`ansi`); the rest goes to the game, `attempts` above all. `reset(options=...)` may hold `task`
    (a dict: start at the solver), `references` (a list of dicts, shown to the proposer) and the keys of `Game.option_keys`.

    `gym.make_vec(id, ...)` gives the vector view with lanes (`selfplay_envs.vector_view`), whose autoreset is disabled.
    Gymnasium's `AsyncVectorEnv` runs this view with `shared_memory=False` only, as text cannot live in shared memory.

    Judges other than `rules` make the environment nondeterministic (`spec.nondeterministic`). A game that asks `self`
    needs a model: set `env.unwrapped.referee = Referee(judges={"self": ...})` before `reset`.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(
        self,
        game: str,
        *,
        sandbox: str = "auto",
        judge: str = "rules",
        reward_role: str | None = None,
        render_mode: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.game = build_game(game, kwargs)
        self.reward_role = check_reward_role(reward_role, self.game)
        self.render_mode = render_mode
        self.referee = Referee(sandbox, judge)
        self._judges = (judge, *self.game.judges)
        self.action_space = UnicodeText()
        self.observation_space = observation_space()
        self._kwargs = kwargs
        self._spec: EnvSpec | None = None
        self._match: Match | None = None
        self._ledger = CreditLedger()
        self._steps = 0

    @property
    def spec(self) -> EnvSpec | None:
        """How `gym.make` made this environment; nondeterministic where a judge may be."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._spec = honest_spec(spec, self._judges)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; the same (seed, options, messages) always give the same one.

        Raises:
            UsageError: The seed or an option is wrong, or a judge that the game asks is not bound.
        """
        given = None if seed is None else seed_number(seed)
        checked = check_options(options, self.game)
        super().reset(seed=given)
        self.referee.check_judges(self.game.judges)
        episode_seed = given if given is not None else int(self.np_random.integers(2**63 - 1))
        env_id = self.spec.id if self.spec is not None else type(self.game).__name__
        self._match = Match(Start(env_id, episode_seed, self._kwargs, dict(checked)), self.game)
        self._ledger = CreditLedger()
        self._steps = 0
        return observe(self._match, self._next_slot()), self._info()

    def step(self, action: str) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Plays one message of the slot that the last observation named.

        Raises:
            ResetNeeded: Before `reset`, or after the episode ended.
            UsageError: The action is no text.
        """
        slot = self._next_slot()
        if self._match is None or slot is None:
            raise ResetNeeded("nobody is to act: call reset() first.")
        [verdict] = advance([(self._match, slot, Reply(text=action_text(action)))], self.referee)
        self._steps += 1
        news = self._ledger.news(self._match)
        wanted = [credit for where, credit in news if (where.role == self.reward_role if self.reward_role else where == slot)]
        info = self._info(news) | {"valid": verdict.valid, "reason": verdict.reason, "score": float(verdict.score)}
        return observe(self._match, self._next_slot()), float(sum(wanted)), self._match.done, False, info

    def episode(self) -> Episode:
        """The record of the finished episode, for `replay`.

        Raises:
            ResetNeeded: No episode was played.
            GameError: The episode is not over.
        """
        if self._match is None:
            raise ResetNeeded("no episode yet: call reset() first.")
        return self._match.episode(self.referee.backend)

    def render(self) -> str | None:
        """The conversation so far as text; None without `render_mode="ansi"`."""
        return None if self.render_mode is None or self._match is None else render_match(self._match)

    def _next_slot(self) -> Slot | None:
        return next(iter(self._match.waiting), None) if self._match is not None else None

    def _info(self, news: list[tuple[Slot, float]] | None = None) -> dict[str, Any]:
        news = news or []
        rewards = {role: float(sum(credit for slot, credit in news if slot.role == role)) for role in self.game.roles}
        untrained = [] if self._match is None else self._ledger.untrained(self._match)
        return {
            "credit": tuple((*slot, float(credit)) for slot, credit in news),
            "untrained": tuple(tuple(slot) for slot in untrained),
            "role_rewards": rewards,
            "task_id": self.game.task_id,
            "step": self._steps,
        }
