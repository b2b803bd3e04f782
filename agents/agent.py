"""The agent: sampler, learner and algorithm under the plain step API, `env.step(agent.act(obs))`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, SupportsFloat

import numpy as np

from selfplay_envs import Message, Reply, Slot
from selfplay_envs.game import short_hash

from .algorithm import Algorithm
from .algorithms import find_algorithm
from .batch import Sample, Tag, collate, queries
from .learner import Learner
from .learner_config import LearnerConfig
from .master_weights import loading_dtype
from .models import load_model
from .sampler import Prompt, Sampler, TransformersSampler
from .sampling import Sampling, check_trainable
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


@dataclass(slots=True)
class _Row:
    """What the agent has said in the episode that a row of environments is in."""

    said: list[_Said] = field(default_factory=list[_Said])
    """Messages whose step was observed."""
    fresh: _Said | None = None
    """The newest, until its step is observed; a message that another replaces before that was never played."""
    paid: float = 0.0
    """Sum of the rewards."""
    step: int = 0
    """The last that was observed."""

    def observe(self, step: int | None) -> None:
        """Goes on by one step; where its number does not rise, `reset` has begun another episode, and what was said is void.

        Args:
            step: `info["step"]`, if the environment gives it.
        """
        if step is not None:
            if step <= self.step:
                self.said, self.paid = [], 0.0
            self.step = step
        if self.fresh is not None:
            self.said.append(self.fresh)
            self.fresh = None


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
        sampling: How replies are drawn; with a learner from the whole distribution, at the temperature that it was made with.
        seed: Names the seeds of all replies, with a running number.
        credit: `info` matches each message with its own entry of `info["credit"]`, however late it comes. `return` pays
            every message of
            an episode the sum of the episode's rewards: plain single-agent learning, with environments made with
            `reward_role=...`.
        roles: Roles that learn; None: all. With `credit="return"` name the `reward_role` here, or the others learn from its
            return.
        task_type: Written on the messages, for algorithms that group by it; observations do not say it.

    Messages that `info["untrained"]` names, which the game masks or which are void, do not train. Of an episode that is cut
    short (`truncated`), those messages train whose credit is known by then. Of one that `reset` abandons none does: the number
    of steps in `info["step"]` tells the agent that another has begun.

    Raises:
        ValueError: An argument is wrong, or the learner cannot learn from replies that are drawn so.
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
        if learner is not None:
            check_trainable(self.sampling, "sampling")
            if learner.scorer.temperature != self.sampling.temperature:
                raise ValueError(
                    f"sampling.temperature={self.sampling.temperature!r} is not the learner's, {learner.scorer.temperature!r}; "
                    "give both the same: Learner(model, config, temperature=...)."
                )
            self.algorithm.check_off_policy(steps=learner.config.epochs * learner.config.mini_batches, stale=False)
        self.credit_mode = credit
        self.roles = None if roles is None else frozenset(roles)
        self.task_type = task_type
        self._seed = seed
        self._asked = 0
        self._episodes = 0
        self._rows: dict[int, _Row] = {}
        self._ready: list[Sample] = []

    @classmethod
    def load(
        cls,
        model: str = "tiny",
        *,
        learner: LearnerConfig | None = None,
        device: str = "auto",
        short_cuts: str = "auto",
        **kwargs: Any,
    ) -> Self:
        """An agent that learns, on a model by name; `kwargs` as for the class, the rest as for `load_model`.

        What short cuts are tried decides about rounding: for the same bits another time, name them.

        Raises:
            ModelUnavailable: The model's files are not on this machine.
            ValueError: `sampling` draws replies that cannot be learned from; to play alone, build the agent without a learner.
        """
        sampling = kwargs.setdefault("sampling", Sampling())
        check_trainable(sampling, "sampling")
        loaded, tokenizer = load_model(
            model, device=device, dtype=loading_dtype(learner or LearnerConfig()), short_cuts=short_cuts
        )
        trainer = Learner(loaded, learner, temperature=sampling.temperature, reply_limit=sampling.max_new_tokens)
        return cls(TransformersSampler(trainer.model, tokenizer), trainer, **kwargs)

    @property
    def num_ready(self) -> int:
        """Messages with tokens whose episode is over and whose credit is known: what `learn` would train on."""
        return sum(bool(sample.reply.token_ids) for sample in self._ready)

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
        """Takes in what a step of the gymnasium view returned; call it after every step."""
        row = self._row(0, info.get("step"))
        self._take(row, float(reward), terminated or truncated, info.get("credit", ()), info.get("untrained", ()))

    def observe_batch(self, rewards: Any, terminated: Any, truncated: Any, info: Mapping[str, Any]) -> None:
        """Takes in what a step of the vector view returned; call it after every step."""
        count = len(rewards)
        credits, untrained = info.get("credit", [()] * count), info.get("untrained", [()] * count)
        steps = info.get("step", [None] * count)
        for row in range(count):
            done = bool(terminated[row]) or bool(truncated[row])
            self._take(self._row(row, steps[row]), float(rewards[row]), done, credits[row], untrained[row])

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
            self._rows.setdefault(row, _Row()).fresh = _Said(slot, prompt, reply)
        return [reply.text for [reply] in answers]

    def _row(self, number: int, step: int | None) -> _Row:
        row = self._rows.setdefault(number, _Row())
        row.observe(step)
        return row

    def _take(
        self,
        row: _Row,
        reward: float,
        done: bool,
        credits: Sequence[tuple[str, int, int, float]],
        untrained: Sequence[tuple[str, int, int]],
    ) -> None:
        row.paid += reward
        known = {Slot(role, attempt, turn): credit for role, attempt, turn, credit in credits}
        for one in row.said:
            one.credit = known.get(one.slot, one.credit)
            one.trains = one.trains and tuple(one.slot) not in untrained
        if not done:
            return
        asked = queries([one.slot for one in row.said], self._episodes)
        for index, one in enumerate(row.said):
            credit = row.paid if self.credit_mode == "return" else one.credit
            if credit is not None and one.trains and (self.roles is None or one.slot.role in self.roles):
                chat = short_hash([[m.role, m.content] for m in one.prompt])
                tag = Tag(
                    role=one.slot.role,
                    task_type=self.task_type,
                    prompt_id=chat,
                    episode=self._episodes,
                    message=index,
                    query=asked[index],
                )
                self._ready.append(Sample(one.reply, credit, tag))
        self._episodes += bool(row.said)
        row.said, row.paid = [], 0.0
