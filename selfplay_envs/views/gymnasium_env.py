"""The gymnasium view: one step is one message of the slot whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium

from ..core.arguments import action_text, check_options, seed_number
from ..core.errors import ResetNeeded
from ..core.messages import Slot
from ..core.records import Episode, Reply
from ..core.spaces import UnicodeText, observation_space
from ..names.registration import build_game
from ..play.ledger import CreditLedger
from ..play.match import Match, advance
from ..play.render import render_match
from .base import GameView, Observation, check_reward_role, episode_seed, observe, verdict_info


class SelfPlayEnv(GameView, gymnasium.Env[Observation, str]):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A self-play game, one message per step.

    ## Action Space
    `UnicodeText`: the message, as a model wrote it. Text that UTF-8 cannot encode is replaced, not refused.

    ## Observation Space
    `Dict(role, attempt, turn, messages)`: see `selfplay_envs.core.spaces.observation_space`.

    ## Rewards
    The credit of the acting message so far (0.0 where it is only known later). With `reward_role` the reward is
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

    `gym.make_vec(id, ...)` gives the vector view with lanes (`selfplay_envs.views.vector_env`), whose autoreset is disabled.
    Gymnasium's `AsyncVectorEnv` runs this view with `shared_memory=False` only, as text cannot live in shared memory.

    Judges other than `rules` make the environment nondeterministic (`spec.nondeterministic`). A game with the judge `self`
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
        self._set_up(self.game, kwargs, sandbox=sandbox, judge=judge)
        self.action_space = UnicodeText()
        self.observation_space = observation_space()
        self._match: Match | None = None
        self._ledger = CreditLedger()
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; the same (seed, options, messages) always give the same one.

        Raises:
            UsageError: The seed or an option is wrong, or a judge that the game needs is not bound.
        """
        seed = None if seed is None else seed_number(seed)
        checked = check_options(options, self.game)
        super().reset(seed=seed)
        self.referee.judges.open_all(self.game.judges)
        self._match = self._start(self.game, episode_seed(seed, self.np_random), checked)
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
        credits = self._ledger.take_new(self._match)
        role = self.reward_role
        reward = float(sum(credit for known, credit in credits if (known.role == role if role else known == slot)))
        info = self._info(credits) | verdict_info(verdict)
        return observe(self._match, self._next_slot()), reward, self._match.done, False, info

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

    def _info(self, credits: Sequence[tuple[Slot, float]] = ()) -> dict[str, Any]:
        rewards = {role: float(sum(credit for slot, credit in credits if slot.role == role)) for role in self.game.roles}
        untrained = [] if self._match is None else self._ledger.take_untrained(self._match)
        return {
            "credit": tuple((*slot, float(credit)) for slot, credit in credits),
            "untrained": tuple(tuple(slot) for slot in untrained),
            "role_rewards": rewards,
            "task_id": self.game.task_id,
            "step": self._steps,
        }
