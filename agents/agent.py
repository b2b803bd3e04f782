"""The agent: sampler, learner and algorithm under the plain step API, `env.step(agent.act(obs))`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, SupportsFloat

import numpy as np

from selfplay_envs import Message, Reply, Slot
from selfplay_envs.core.hashing import short_hash

from .algorithms.algorithm import Algorithm
from .algorithms.table import find_algorithm
from .batching.batch import Sample, Tag, collate, queries
from .config.learner import LearnerConfig
from .config.sampling import Sampling, check_trainable
from .core.seeding import seed_of
from .learner.learner import Learner
from .learner.master_weights import loading_dtype
from .models.chat import Prompt
from .models.loading import load_model
from .models.weights import weights_of
from .samplers.base import Sampler
from .samplers.deprecated import with_current_names
from .samplers.transformers import TransformersSampler

Observation = Mapping[str, Any]
CreditMode = Literal["info", "return"]
_Credits = Sequence[tuple[str, int, int, float]]
_Slots = Sequence[tuple[str, int, int]]


@dataclass(slots=True)
class _Message:
    slot: Slot
    prompt: Prompt
    reply: Reply
    credit: float | None = None
    trains: bool = True


@dataclass(slots=True)
class _Row:
    """The episode that a row of environments is in."""

    messages: list[_Message] = field(default_factory=list[_Message])
    """Those whose step was observed."""
    newest: _Message | None = None
    """Until its step is observed; a message that another replaces before that was never played."""
    reward: float = 0.0
    step: int = 0

    def begin_step(self, step: int | None) -> None:
        """Goes on by a step; where the number that `info` gives does not rise, another episode has begun: messages are void."""
        if step is not None:
            if step <= self.step:
                self.messages, self.reward = [], 0.0
            self.step = step
        if self.newest is not None:
            self.messages.append(self.newest)
            self.newest = None


class Agent:
    """Plays every seat of a game and learns from the credit of its messages.

        agent = Agent.load("tiny")
        obs, info = env.reset(seed=0)
        done = False
        while not done:
            obs, reward, terminated, truncated, info = env.step(agent.act(obs))
            agent.observe(reward, terminated, truncated, info)
            done = terminated or truncated
        metrics = agent.learn()

    Args:
        sampler: Samples the messages.
        learner: Trains; None for an agent that only plays.
        algorithm: One of `agents.algorithms`, or its name.
        sampling: Settings by which messages are sampled; with a learner from the whole distribution, at its temperature.
        seed: Names the seeds of all replies, with a running number.
        credit: `info` matches each message with its own entry of `info["credit"]`, however late it comes. `return` gives every
            message of an episode the sum of the episode's rewards: plain single-agent learning, with environments made with
            `reward_role=...`.
        roles: Roles that learn; None: all. With `credit="return"` name the `reward_role`, or others learn from its return.
        task_type: Written on the messages, for algorithms that group by it; observations do not say it.

    Messages that `info["untrained"]` names, which the game masks or which are void, do not train. Of an episode that is cut
    short (`truncated`), those messages train whose credit is known by then. Of one that `reset` abandons none does: the number
    of steps in `info["step"]` tells the agent that another has begun.

    Raises:
        ValueError: An argument is wrong, or the learner cannot learn from replies that are sampled so.
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
        self.sampler = with_current_names(sampler)
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
        self._requests = 0
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

        For the same bits another time name the short cuts: those that are tried decide about rounding.

        Raises:
            ModelUnavailable: The model's files are not on this machine.
            ValueError: Replies that `sampling` gives cannot be learned from; to play alone, build the agent without a learner.
        """
        sampling = kwargs.setdefault("sampling", Sampling())
        check_trainable(sampling, "sampling")
        dtype = loading_dtype(learner or LearnerConfig())
        loaded, tokenizer = load_model(model, device=device, dtype=dtype, short_cuts=short_cuts)
        trainer = Learner(loaded, learner, temperature=sampling.temperature, reply_limit=sampling.max_new_tokens)
        return cls(TransformersSampler(trainer.model, tokenizer), trainer, **kwargs)

    @property
    def num_ready(self) -> int:
        """Messages with tokens whose episode is over and whose credit is known: those that `learn` would train on."""
        return sum(bool(sample.reply.token_ids) for sample in self._ready)

    def act(self, obs: Observation) -> str:
        """The agent's message for the slot that the observation names."""
        return self._generate([(0, obs)])[0]

    def act_batch(self, obs: Observation, active: Sequence[bool] | np.ndarray | None = None) -> tuple[str, ...]:
        """One message per row of a vector observation, in one call of the sampler; `''` for rows that are not active.

        Args:
            obs: Of the vector view: a dict of tuples and arrays, a row each.
            active: `info["active"]`; by default the rows whose role is not empty.
        """
        count = len(obs["role"])
        flags = [bool(flag) for flag in (obs["role"] if active is None else active)]
        keys = ("role", "attempt", "turn", "messages")
        rows = [(row, {key: obs[key][row] for key in keys}) for row in range(count) if flags[row]]
        texts = dict(zip((row for row, _ in rows), self._generate(rows), strict=True))
        return tuple(texts.get(row, "") for row in range(count))

    def observe(self, reward: SupportsFloat, terminated: bool, truncated: bool, info: Mapping[str, Any]) -> None:
        """Takes in the results of a step of the gymnasium view; call it after every step."""
        done = terminated or truncated
        self._observe(0, reward, done, info.get("step"), info.get("credit", ()), info.get("untrained", ()))

    def observe_batch(self, rewards: Any, terminated: Any, truncated: Any, info: Mapping[str, Any]) -> None:
        """Takes in the results of a step of the vector view; call it after every step."""
        count = len(rewards)
        credits, untrained = info.get("credit", [()] * count), info.get("untrained", [()] * count)
        steps = info.get("step", [None] * count)
        for row in range(count):
            done = bool(terminated[row]) or bool(truncated[row])
            self._observe(row, rewards[row], done, steps[row], credits[row], untrained[row])

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
        self.sampler.load_weights(weights_of(self.learner.model, self.learner.policy_version))
        return metrics

    def _generate(self, rows: Sequence[tuple[int, Observation]]) -> list[str]:
        """One message per row, which is kept as its newest."""
        prompts = [tuple(Message(m["role"], m["content"]) for m in obs["messages"]) for _, obs in rows]
        seeds = [(seed_of(self._seed, "agent", self._requests + i),) for i in range(len(rows))]
        self._requests += len(rows)
        answers = self.sampler.generate(prompts, self.sampling, seeds)
        for (row, obs), prompt, [reply] in zip(rows, prompts, answers, strict=True):
            slot = Slot(str(obs["role"]), int(obs["attempt"]), int(obs["turn"]))
            self._rows.setdefault(row, _Row()).newest = _Message(slot, prompt, reply)
        return [reply.text for [reply] in answers]

    def _observe(self, number: int, reward: Any, done: bool, step: int | None, credits: _Credits, untrained: _Slots) -> None:
        """Takes in a step of one row; at the end of its episode the messages become samples."""
        row = self._rows.setdefault(number, _Row())
        row.begin_step(step)
        row.reward += float(reward)
        known = {Slot(role, attempt, turn): credit for role, attempt, turn, credit in credits}
        for message in row.messages:
            message.credit = known.get(message.slot, message.credit)
            message.trains = message.trains and tuple(message.slot) not in untrained
        if done:
            self._finish(row)
            self._episodes += bool(row.messages)
            row.messages, row.reward = [], 0.0

    def _finish(self, row: _Row) -> None:
        """Makes samples of the messages that train, each with the return that it trains on."""
        names = queries([message.slot for message in row.messages], self._episodes)
        for index, message in enumerate(row.messages):
            role = message.slot.role
            credit = row.reward if self.credit_mode == "return" else message.credit
            if credit is not None and message.trains and (self.roles is None or role in self.roles):
                tag = Tag(
                    role=role,
                    task_type=self.task_type,
                    prompt_id=short_hash([[m.role, m.content] for m in message.prompt]),
                    episode=self._episodes,
                    message=index,
                    query=names[index],
                )
                self._ready.append(Sample(message.reply, credit, tag))
