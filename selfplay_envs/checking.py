"""The conformance suite: what every registered game must satisfy, as one function that game authors can call.

`selfplay check ID` prints it; the test suite runs it on every id and for several panel sizes.
"""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from .errors import SelfPlayError
from .parsing import fence
from .play import Start, play_episode
from .players import RandomTextPlayer
from .records import Episode
from .referee import Referee
from .registration import make_game
from .replay import differences, rejudge, replay


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise: its name, whether it holds, and what was seen."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _Subject:
    env_id: str
    kwargs: dict[str, Any]
    seed: int

    def start(self, seed: int) -> Start:
        return Start(self.env_id, seed, self.kwargs)

    def make(self, **extra: Any) -> gym.Env[Any, Any]:
        return gym.make(self.env_id, **self.kwargs, **extra)


class _Failure(AssertionError):
    """A promise that does not hold; its text is the detail."""


def _expect(condition: bool, detail: str) -> None:
    if not condition:
        raise _Failure(detail)


def check_game(env_id: str, *, seed: int = 0, pettingzoo: bool | None = None, **kwargs: Any) -> list[CheckResult]:
    """Runs every check on a registered id.

    Args:
        env_id: A registered game.
        seed: Seeds everything; the same seed gives the same checks.
        pettingzoo: Whether to run PettingZoo's own tests; None runs them where it is installed.
        **kwargs: Keywords of the game, such as `attempts`.

    Returns:
        One result per check, in order; failures do not stop the later ones.

    Raises:
        UsageError: The id is not registered, or the game does not take a keyword.
    """
    make_game(env_id, **kwargs)
    subject = _Subject(env_id, kwargs, seed)
    checks = [
        gymnasium_check,
        spec_round_trip,
        credits_complete,
        determinism,
        replays,
        lanes_equal_sequence,
        global_random_untouched,
    ]
    results = [_run(check, subject) for check in checks]
    try:
        from . import aec_checking
    except ImportError:
        if pettingzoo:
            raise
        return [
            *results,
            CheckResult("pettingzoo", True, "not installed; pip install 'selfplay[pettingzoo]' to check that view too"),
        ]
    return results if pettingzoo is False else [*results, _run(aec_checking.pettingzoo_check, subject)]


def _run(check: Callable[[_Subject], str], subject: _Subject) -> CheckResult:
    name = check.__name__
    try:
        return CheckResult(name, True, check(subject))
    except _Failure as failure:
        return CheckResult(name, False, str(failure))
    except (SelfPlayError, AssertionError, Warning, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return CheckResult(name, False, f"{type(error).__name__}: {error}")


def mumbled(subject: _Subject, seed: int) -> Episode:
    """One episode of the game between players who say random Unicode."""
    player = RandomTextPlayer(np.random.default_rng([subject.seed, seed]))
    return play_episode(subject.start(seed), player, Referee(strict=True))


def gymnasium_check(subject: _Subject) -> str:
    """Gymnasium's own `check_env`, warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = subject.make(render_mode="ansi")
        check_env(env.unwrapped)
        env.close()
    return "check_env passes with warnings as errors"


def spec_round_trip(subject: _Subject) -> str:
    """The spec survives JSON, so worker processes and records can rebuild the environment."""
    spec = subject.make().spec
    _expect(spec is not None, "env.spec is None: a keyword cannot be copied")
    assert spec is not None
    again = EnvSpec.from_json(spec.to_json())
    _expect(again.kwargs == spec.kwargs, f"kwargs changed from {spec.kwargs} to {again.kwargs}")
    gym.make(again).close()
    return "spec -> JSON -> spec -> env"


def credits_complete(subject: _Subject) -> str:
    """Every message of a finished episode has a finite credit, and zero-sum games sum to 0."""
    zero_sum = make_game(subject.env_id, **subject.kwargs).zero_sum
    count = 0
    for seed in range(10):
        episode = mumbled(subject, seed)
        _expect(bool(episode.messages), "an episode had no message")
        _expect(all(np.isfinite(m.credit) for m in episode.messages), "a credit is not finite")
        _expect(not zero_sum or abs(sum(episode.outcome.values())) < 1e-9, f"outcome {dict(episode.outcome)} does not sum to 0")
        count += len(episode.messages)
    return f"{count} messages of 10 episodes" + (", outcomes sum to 0" if zero_sum else "")


def determinism(subject: _Subject) -> str:
    """The same seed, options and messages give the same episode, and records are plain JSON."""
    for seed in range(3):
        first, second = (json.dumps(mumbled(subject, seed).to_json()) for _ in range(2))
        _expect(first == second, f"seed {seed} gave two different episodes")
    return "3 seeds played twice"


def replays(subject: _Subject) -> str:
    """`replay` and `rejudge` reproduce every credit, also from the record's JSON."""
    for seed in range(3):
        episode = mumbled(subject, seed)
        restored = Episode.from_json(json.loads(json.dumps(episode.to_json())))
        for name, other in (("replay", replay(restored)), ("rejudge", rejudge(restored, Referee(strict=True)))):
            found = differences(episode, other)
            _expect(not found, f"{name} of seed {seed} differs: {found[:1]}")
    return "3 episodes replayed and rejudged from JSON"


PHRASES = (
    *(
        fence(label, body)
        for label, body in (("action", "check"), ("action", "bet"), ("output", "1"), ("answer", "red"), ("input", "1"))
    ),
    "🙂",
    "",
)


def say(slot: tuple[str, int, int], seed: int) -> str:
    """A phrase that depends on slot and seed alone, not on who is asked first."""
    role, attempt, turn = slot
    rng = np.random.default_rng([seed, attempt, turn, *role.encode()])
    return PHRASES[int(rng.integers(len(PHRASES)))]


def lanes_equal_sequence(subject: _Subject) -> str:
    """The vector view with lanes plays the same episodes as one message per step."""
    groups, attempts = 3, make_game(subject.env_id, **subject.kwargs).attempts
    seeds = [subject.seed + 11 * group for group in range(groups)]
    vector: Any = gym.make_vec(subject.env_id, num_envs=groups * attempts, **subject.kwargs)
    observation, info = vector.reset(seed=seeds)
    while info["active"].any():
        rows = range(groups * attempts)
        slots = [(observation["role"][r], int(observation["attempt"][r]), int(observation["turn"][r])) for r in rows]
        observation, _, _, _, info = vector.step(
            [say(s, seeds[r // attempts]) if info["active"][r] else "" for r, s in enumerate(slots)]
        )
    for seed, lane in zip(seeds, vector.unwrapped.episodes(), strict=True):
        env: Any = subject.make().unwrapped
        seen, _ = env.reset(seed=seed)
        over = False
        while not over:
            seen, _, over, _, _ = env.step(say((seen["role"], int(seen["attempt"]), int(seen["turn"])), seed))
        one, other = ({tuple(m.slot): (m.verdict, m.credit) for m in e.messages} for e in (lane, env.episode()))
        _expect(one == other, f"seed {seed}: lanes {one} differ from sequence {other}")
    return f"{groups} groups x {attempts} attempts"


def global_random_untouched(subject: _Subject) -> str:
    """Neither `random` nor numpy's global generator is read or reseeded."""
    before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
    mumbled(subject, 5)
    after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
    _expect(before == after, "a global random state changed")
    return "random and numpy.random keep their state"
