"""The PettingZoo view: agents `proposer_0`, `solver_0`, ... take turns; needs the extra `pettingzoo`."""

from __future__ import annotations

from typing import Any

import numpy as np
from pettingzoo import AECEnv

from ..core.arguments import action_text, check_options, seed_number
from ..core.errors import GameError, ResetNeeded
from ..core.messages import Slot
from ..core.records import Reply
from ..core.spaces import UnicodeText, observation_space
from ..names.registration import make_game
from ..play.ledger import CreditLedger
from ..play.match import Match, advance
from ..play.render import render_match
from .base import GameView, episode_seed, observe, verdict_info


def agent_name(slot: Slot) -> str:
    """The PettingZoo agent that acts in a slot."""
    return f"{slot.role}_{slot.attempt}"


class SelfPlayAEC(GameView, AECEnv[str, dict[str, Any], str | None]):
    """A self-play game as an agent-environment cycle; an agent's rewards are its credits as they become known.

    The agents are the game's `seats`: whoever may act in some episode, and nobody else.
    """

    metadata = {"render_modes": ["ansi"], "name": "selfplay", "is_parallelizable": False}

    def __init__(
        self, env_id: str, *, sandbox: str = "auto", judge: str = "rules", render_mode: str | None = None, **kwargs: Any
    ) -> None:
        """Wraps the game registered as `env_id`.

        Args:
            env_id: As for `gym.make`.
            sandbox: As for `Referee`.
            judge: As for `Referee`.
            render_mode: `ansi`, or None.
            **kwargs: Keywords of the game; all of them, and nothing else, stand in the record. Every agent has rewards of its
                own here, so that there is no `reward_role`.

        Raises:
            UsageError: The id or a keyword is wrong.
        """
        super().__init__()
        self.env_id = env_id
        self.game = make_game(env_id, **kwargs)
        self.kwargs = kwargs
        self.render_mode = render_mode
        self._set_up(self.game, kwargs, sandbox=sandbox, judge=judge, env_id=env_id)
        self.metadata = {**self.metadata, "name": env_id}
        self.possible_agents = [f"{role}_{attempt}" for role, attempt in self.game.seats]
        self.observation_spaces = {agent: observation_space() for agent in self.possible_agents}
        self.action_spaces = {agent: UnicodeText() for agent in self.possible_agents}
        self.agents: list[str] = []
        self._np_random = np.random.default_rng()

    def observation_space(self, agent: str) -> Any:
        """The space of `agent`'s observations; the same object on every call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The space of `agent`'s messages; the same object on every call."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Starts an episode; the same (seed, options, messages) always give the same one.

        Raises:
            UsageError: The seed or an option is wrong, or a judge that the game needs is not bound.
            GameError: The game lets somebody act whom its `seats` do not list.
        """
        seed = None if seed is None else seed_number(seed)
        checked = check_options(options, self.game)
        self.referee.judges.open_all(self.game.judges)
        if seed is not None:
            self._np_random = np.random.Generator(np.random.PCG64(seed))
        self._match: Match = self._start(self.game, episode_seed(seed, self._np_random), checked)
        self._ledger = CreditLedger()
        self._steps = 0
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self._select()

    def observe(self, agent: str) -> dict[str, Any]:
        """The observation of `agent`; the empty one where it is not its turn."""
        slot = next((slot for slot in self._match.waiting if agent_name(slot) == agent), None)
        return observe(self._match, slot)

    def step(self, action: str | None) -> None:
        """Plays one message of `agent_selection`; dead agents step None.

        Raises:
            ResetNeeded: Before `reset`, or after everybody's last step.
            UsageError: The action of an agent that lives is no text.
        """
        if not self.agents:
            raise ResetNeeded("nobody is to act: call reset() first.")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)  # type: ignore[arg-type]
            return
        text = action_text(action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        slot = next(slot for slot in self._match.waiting if agent_name(slot) == agent)
        [verdict] = advance([(self._match, slot, Reply(text=text))], self.referee)
        self._steps += 1
        self.infos[agent] = {
            **verdict_info(verdict),
            "untrained": tuple(tuple(slot) for slot in self._ledger.take_untrained(self._match)),
            "step": self._steps,
        }
        for known, credit in self._ledger.take_new(self._match):
            self.rewards[agent_name(known)] += float(credit)
        self._accumulate_rewards()
        if self._match.done:
            self.terminations = dict.fromkeys(self.agents, True)
        self._select()

    def _select(self) -> None:
        slot = next(iter(self._match.waiting), None)
        self.agent_selection = agent_name(slot) if slot is not None else self.agents[0]
        if self.agent_selection not in self.possible_agents:
            raise GameError(
                f"{self.agent_selection} is to speak in {self.env_id}, whose seats are {', '.join(self.possible_agents)}; "
                "name the role in `answers` if it comes in panels, or override `Game.seats`."
            )

    def render(self) -> str | None:
        """The conversation so far as text; None without `render_mode="ansi"`."""
        return None if self.render_mode is None else render_match(self._match)

    def close(self) -> None:
        """Nothing to close: sandboxes are shared by the process and end with it."""
