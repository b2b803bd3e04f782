"""Promises of every game, one function per promise; `selfplay_envs.conformance.suite` runs them."""

from __future__ import annotations

import json
import pickle
import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from ..core.game import Game
from ..core.messages import Slot
from ..core.records import Episode
from ..names.registration import make_game
from ..play.match import Match, Start, advance, judging
from ..play.referee import Referee
from ..play.replay import differences, rejudge, replay
from .moves import Moves, MovesPlayer, MovesSpace

EPISODES = 12
"""Turn by the checks that count what was met."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The game under check, with its referee and its moves."""

    env_id: str
    kwargs: Mapping[str, Any]
    seed: int = 0
    moves: Moves = field(default_factory=Moves)
    sandbox: str = "auto"
    judge: str = "rules"

    def start(self, seed: int, options: Mapping[str, Any] | None = None) -> Start:
        """The start of the episode of that seed."""
        return Start(self.env_id, seed, self.kwargs, options or {})

    def game(self) -> Game:
        """A game of its own."""
        return make_game(self.env_id, **self.kwargs)

    def referee(self) -> Referee:
        """A referee that lets errors of the game's code through."""
        return Referee(self.sandbox, self.judge, strict=True)

    def make(self, **extra: Any) -> gym.Env[Any, Any]:
        """The gymnasium view."""
        keywords: dict[str, Any] = {**self.kwargs, "sandbox": self.sandbox, "judge": self.judge, **extra}
        env: Any = gym.make(self.env_id, **keywords)
        env.unwrapped.referee = self.referee()
        return env

    def make_vec(self, num_envs: int) -> gym.vector.VectorEnv[Any, Any, Any]:
        """The vector view with lanes."""
        env: Any = gym.make_vec(self.env_id, num_envs=num_envs, sandbox=self.sandbox, judge=self.judge, **self.kwargs)
        env.unwrapped.referee = self.referee()
        return env

    def play(self, seed: int, player: MovesPlayer | None = None, options: Mapping[str, Any] | None = None) -> Match:
        """One episode between players of legal moves and random text; the same seed gives the same one."""
        match, player, referee = Match(self.start(seed, options)), player or MovesPlayer(self.moves), self.referee()
        while prompts := match.pending_prompts():
            advance([(match, prompt.slot, reply) for prompt, reply in zip(prompts, player(prompts), strict=True)], referee)
        return match

    def record(self, seed: int) -> Episode:
        """The record of that episode; a message without credit is an error."""
        return self.play(seed).episode({})


class Failure(AssertionError):
    """A promise that does not hold; its text is the detail."""


def expect(condition: bool, detail: str) -> None:
    """Fails with that detail unless the condition holds."""
    if not condition:
        raise Failure(detail)


def gymnasium_check(subject: Subject) -> str:
    """Gymnasium's own `check_env`, warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env: Any = subject.make(render_mode="ansi").unwrapped
        env.action_space = MovesSpace(subject.moves, lambda: env._match)
        check_env(env)
        env.close()
    return "check_env passes with warnings as errors"


def spec_round_trip(subject: Subject) -> str:
    """The spec survives JSON, so worker processes and records can rebuild the environment."""
    spec = subject.make().spec
    expect(spec is not None, "env.spec is None: a keyword cannot be copied")
    assert spec is not None
    again = EnvSpec.from_json(spec.to_json())
    expect(again.kwargs == spec.kwargs, f"kwargs changed from {spec.kwargs} to {again.kwargs}")
    gym.make(again).close()
    return "spec -> JSON -> spec -> env"


def legal_moves(subject: Subject) -> str:
    """Every role acts, with some legal message in some episode, and the offers of `sample_action` are legal."""
    player, roles = MovesPlayer(subject.moves), subject.game().roles
    messages = [(seed, message) for seed in range(EPISODES) for message in subject.play(seed, player).applied]
    for seed, message in messages:
        if (seed, message.slot) in player.promised and not message.verdict.void:
            offer = f"{message.reply.text!r:.80} of seed {seed}, {tuple(message.slot)}"
            expect(message.verdict.valid, f"sample_action offered {offer}, and judge refused it: {message.verdict.reason}")
    valid = [message.slot.role for _, message in messages if message.verdict.valid]
    remedy = "offer legal moves with Game.sample_action, or pass --moves FILE"
    expect(bool(valid), f"no legal move was ever met in {EPISODES} episodes, which say little about this game: {remedy}")
    silent = [role for role in roles if role not in {message.slot.role for _, message in messages}]
    expect(not silent, f"{', '.join(silent)} never spoke in {EPISODES} episodes: {remedy} for whoever speaks before")
    wordless = [role for role in roles if role not in valid]
    expect(not wordless, f"{', '.join(wordless)} never made a legal move in {EPISODES} episodes: {remedy}")
    return f"{len(valid)} of {len(messages)} messages are legal, {', '.join(f'{role} {valid.count(role)}' for role in roles)}"


def slots_named(subject: Subject) -> str:
    """No two messages of an episode have the same slot, and `Game.seats` lists whoever acts."""
    game = subject.game()
    roles: Any = game.roles
    named = isinstance(roles, tuple) and all(role.isascii() and role.isalpha() and role.islower() for role in roles)
    expect(named, f"roles={roles!r} is not a tuple of names in lower-case letters, which PettingZoo's agents need")
    expect(set(game.answers) <= set(game.roles), f"answers={game.answers} names a role that is not in roles={game.roles}")
    for seed in range(EPISODES):
        slots = [message.slot for message in subject.play(seed).applied]
        for slot in slots:
            expect(slot[:2] in game.seats, f"{slot[:2]} speaks, but seats={game.seats} do not list it; see Game.seats")
            expect(type(slot.turn) is int and 0 <= slot.turn < 4096, f"turn={slot.turn!r} is not a whole number from 0 to 4095")
        twice = next((slot for slot in slots if slots.count(slot) > 1), None)
        expect(twice is None, f"two messages of seed {seed} have the slot {twice and tuple(twice)}; count turns up")
    return f"{EPISODES} episodes, seats {', '.join(f'{role}_{attempt}' for role, attempt in game.seats)}"


def determinism(subject: Subject) -> str:
    """The same seed, options and messages give the same episode, and records are plain JSON."""
    for seed in range(4):
        first, second = (subject.record(seed) for _ in range(2))
        expect(
            first.to_line() == second.to_line(),
            f"seed {seed} gave two different episodes: {differences(first, second)[:1] or 'their prompts differ'}",
        )
    return "4 seeds played twice"


def judge_reads_only(subject: Subject) -> str:
    """`judge` and `prompt` leave the game as it is, and give the same when they are called again."""
    for seed in range(4):
        match, player, referee = Match(subject.start(seed)), MovesPlayer(subject.moves), subject.referee()
        while pending := match.pending_prompts():
            actions = [(match, prompt.slot, reply) for prompt, reply in zip(pending, player(pending), strict=True)]
            before = _state(match.game)
            judged = [answered.value for answered in referee.answer([judging(*action, referee) for action in actions])]
            chats = [match.game.prompt(prompt.slot) for prompt in pending]
            after = _state(match.game)
            changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            expect(not changed, f"judge or prompt changed self.{changed[0] if changed else ''} of the game; only apply may")
            slot = tuple(pending[0].slot)
            expect(chats == [prompt.messages for prompt in pending], f"prompt gave two different chats for {slot}")
            again = advance(actions, referee)
            for verdict, other, (_, slot, _) in zip(judged, again, actions, strict=True):
                expect(verdict == other, f"judge gave two verdicts on one message of {tuple(slot)}: {verdict}, {other}")
    return "4 episodes with every message judged twice"


def _state(game: Game) -> dict[str, bytes]:
    """The game's attributes as bytes; those that cannot be pickled are left out."""
    state: dict[str, bytes] = {}
    for name, value in vars(game).items():
        try:
            state[name] = pickle.dumps(value)
        except (pickle.PicklingError, TypeError, AttributeError):
            continue
    return state


def replays(subject: Subject) -> str:
    """`replay` and `rejudge` reproduce every credit, also from the record's JSON."""
    for seed in range(4):
        episode = subject.record(seed)
        restored = Episode.from_json(json.loads(episode.to_line()))
        for name, other in (("replay", replay(restored)), ("rejudge", rejudge(restored, subject.referee()))):
            differing = differences(episode, other)
            expect(not differing, f"{name} of seed {seed} differs: {differing[:1]}")
    return "4 episodes replayed and rejudged from JSON"


def lanes_equal_sequence(subject: Subject) -> str:
    """The vector view with lanes plays the same episodes as one message per step."""
    groups, attempts = 4, subject.game().attempts
    seeds = [groups * subject.seed + group for group in range(groups)]
    lanes: Any = subject.make_vec(groups * attempts).unwrapped
    observation, info = lanes.reset(seed=seeds)
    while info["active"].any():
        actions = [""] * (groups * attempts)
        for row in np.flatnonzero(info["active"]):
            slot = Slot(observation["role"][row], int(observation["attempt"][row]), int(observation["turn"][row]))
            actions[row] = subject.moves.draw(lanes._matches[row // attempts], slot).text
        observation, _, _, _, info = lanes.step(actions)
    for seed, lane in zip(seeds, lanes.episodes(), strict=True):
        env: Any = subject.make().unwrapped
        shown, _ = env.reset(seed=seed)
        over = False
        while not over:
            slot = Slot(shown["role"], int(shown["attempt"]), int(shown["turn"]))
            shown, _, over, _, _ = env.step(subject.moves.draw(env._match, slot).text)
        in_lanes, in_sequence = (
            {tuple(m.slot): (m.verdict, m.credit) for m in episode.messages} for episode in (lane, env.episode())
        )
        expect(in_lanes == in_sequence, f"seed {seed}: lanes {in_lanes} differ from sequence {in_sequence}")
    return f"{groups} groups x {attempts} attempts"


def global_random_untouched(subject: Subject) -> str:
    """Neither `random` nor numpy's global generator is read or reseeded by the game."""
    for seed in range(4):
        random.seed(f"check {seed}")  # so that a game that seeds them by itself shows
        np.random.seed(seed + 1)
        before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
        subject.play(seed)
        after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
        expect(
            before == after,
            "a global random state changed: draw from the generator that reset is given, not from random or numpy.random",
        )
    return "random and numpy.random keep their state"
