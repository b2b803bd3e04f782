"""The agent: sampler, learner and algorithm under the plain step API, `env.step(agent.act(obs))`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, SupportsFloat

import numpy as np

from selfplay_envs import Message, Reply, Slot
from selfplay_envs.game import short_hash

from .algorithm import Algorithm
from .algorithms import find_algorithm
from .batch import Sample, Tag, collate
from .learner import Learner
from .learner_config import LearnerConfig
from .models import load_model
from .sampler import Prompt, Sampler, TransformersSampler
from .sampling import Sampling
from .seeding import seed_of

Observation = Mapping[str, Any]
CreditMode = Literal["info", "return"]


@dataclass(slots=True)
class _Said:
    slot: Slot
    prompt: Prompt
    reply: Reply
    credit: float | None = None
    trains: bool = True


class Agent:
    """Plays every seat of a game and learns from what its messages earned.

        agent = Agent.load("tiny")
        obs, info = env.reset(seed=0)
        done = False
        while not done:
            obs, reward, terminated, truncated, info = env.step(agent.act(obs))
            agent.observe(reward, terminated, truncated, info)
            done = terminated or truncated
        metrics = agent.learn()

    Args:
        sampler: Who speaks.
        learner: Who learns; None for an agent that only plays.
        algorithm: A row of `agents.algorithms`, or its name.
        sampling: How replies are drawn; at the temperature the learner was made with.
        seed: Names the seeds of all replies, with a running number.
        credit: `info` matches each message with its own entry of `info["credit"]`, however late it comes. `return` pays
            every message of
            an episode the sum of the episode's rewards: plain single-agent learning, with environments made with
            `reward_role=...`.
        roles: Roles that learn; None: all. With `credit="return"` name the `reward_role` here, or the others learn from its
            return.
        task_type: Written on the messages, for algorithms that group by it; observations do not say it.

    Messages that `info["untrained"]` names, which the game masks or which are void, do not train.
    """

    def __init__(
        self,
        sampler: Sampler,
        learner: Learner | None = None,
        algorithm: str | Algorithm = "trr++",
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
        credit: CreditMode = "info",
        roles: Collection[str] | None = None,
        task_type: str = "",
    ) -> None:
        if credit not in ("info", "return"):
            raise ValueError(f"credit={credit!r} is not known; choose 'info' or 'return'.")
        self.sampler = sampler
        self.learner = learner
        self.algorithm = find_algorithm(algorithm) if isinstance(algorithm, str) else algorithm
        self.sampling = sampling or Sampling()
        self.credit_mode = credit
        self.roles = None if roles is None else frozenset(roles)
        self.task_type = task_type
        self._seed = seed
        self._asked = 0
        self._episodes = 0
        self._open: dict[int, list[_Said]] = {}
        self._return: dict[int, float] = {}
        self._ready: list[Sample] = []

    @classmethod
    def load(cls, model: str = "tiny", *, learner: LearnerConfig | None = None, device: str = "auto", **kwargs: Any) -> Self:
        """An agent on a model by name; `kwargs` as for the class.

        Raises:
            ModelUnavailable: The model's files are not on this machine.
        """
        loaded, tokenizer = load_model(model, device=device)
        sampling = kwargs.setdefault("sampling", Sampling())
        limit = sampling.max_new_tokens
        trainer = Learner(loaded, learner, temperature=sampling.temperature or 1.0, reply_limit=limit)
        return cls(TransformersSampler(trainer.model, tokenizer), trainer, **kwargs)

    @property
    def num_ready(self) -> int:
        """Messages whose episode is over and whose credit is known: what `learn` would train on."""
        return len(self._ready)

    def act(self, obs: Observation) -> str:
        """The agent's message for the slot that the observation names."""
        return self._say([(0, obs)])[0]

    def act_batch(self, obs: Observation, active: Sequence[bool] | np.ndarray | None = None) -> tuple[str, ...]:
        """One message per row of a vector observation, in one call of the sampler; `''` for rows that are not active.

        Args:
            obs: Of the vector view: a dict of tuples and arrays, a row each.
            active: `info["active"]`; by default the rows whose role is not empty.
        """
        count = len(obs["role"])
        on = [bool(obs["role"][row]) for row in range(count)] if active is None else [bool(flag) for flag in active]
        rows = [
            (row, {key: obs[key][row] for key in ("role", "attempt", "turn", "messages")}) for row in range(count) if on[row]
        ]
        texts = dict(zip((row for row, _ in rows), self._say(rows), strict=True))
        return tuple(texts.get(row, "") for row in range(count))

    def observe(self, reward: SupportsFloat, terminated: bool, truncated: bool, info: Mapping[str, Any]) -> None:
        """Takes in what a step of the gymnasium view returned."""
        self._take(0, float(reward), terminated or truncated, info.get("credit", ()), info.get("untrained", ()))

    def observe_batch(self, rewards: Any, terminated: Any, truncated: Any, info: Mapping[str, Any]) -> None:
        """Takes in what a step of the vector view returned."""
        credits = info.get("credit", [()] * len(rewards))
        untrained = info.get("untrained", [()] * len(rewards))
        for row in range(len(rewards)):
            done = bool(terminated[row]) or bool(truncated[row])
            self._take(row, float(rewards[row]), done, credits[row], untrained[row])

    def learn(self) -> dict[str, float]:
        """One update on everything that is ready, which is then forgotten; no metrics where nothing is.

        Raises:
            ValueError: The agent has no learner, or the algorithm's needs are not met.
        """
        if self.learner is None:
            raise ValueError("this agent has no learner; pass one, or build the agent with Agent.load(...).")
        samples, self._ready = [s for s in self._ready if s.reply.token_ids], []
        if not samples:
            return {}
        metrics = self.learner.update(collate(samples), self.algorithm)
        self.learner.sync(self.sampler)
        return metrics

    def _say(self, rows: Sequence[tuple[int, Observation]]) -> list[str]:
        prompts = [tuple(Message(m["role"], m["content"]) for m in obs["messages"]) for _, obs in rows]
        seeds = [(seed_of(self._seed, "agent", self._asked + i),) for i in range(len(rows))]
        self._asked += len(rows)
        answers = self.sampler.act(prompts, self.sampling, seeds)
        for (row, obs), prompt, [reply] in zip(rows, prompts, answers, strict=True):
            slot = Slot(str(obs["role"]), int(obs["attempt"]), int(obs["turn"]))
            self._open.setdefault(row, []).append(_Said(slot, prompt, reply))
        return [reply.text for [reply] in answers]

    def _take(
        self,
        row: int,
        reward: float,
        done: bool,
        credits: Sequence[tuple[str, int, int, float]],
        untrained: Sequence[tuple[str, int, int]],
    ) -> None:
        said = self._open.get(row, [])
        self._return[row] = self._return.get(row, 0.0) + reward
        known = {Slot(role, attempt, turn): credit for role, attempt, turn, credit in credits}
        for one in said:
            one.credit = known.get(one.slot, one.credit)
            one.trains = one.trains and tuple(one.slot) not in untrained
        if not done or not said:
            return
        total = self._return.pop(row)
        for index, one in enumerate(self._open.pop(row)):
            credit = total if self.credit_mode == "return" else one.credit
            if credit is not None and one.trains and (self.roles is None or one.slot.role in self.roles):
                chat = short_hash([[m.role, m.content] for m in one.prompt])
                tag = Tag(role=one.slot.role, task_type=self.task_type, prompt_id=chat, episode=self._episodes, message=index)
                self._ready.append(Sample(one.reply, credit, tag))
        self._episodes += 1
