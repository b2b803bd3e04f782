"""Events of a run, made by hand, and episodes whose proposals are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.runs.events import Event, EventKind
from selfplay_envs import Episode, Referee, ScriptedPlayer, Start, play_episode

ROW: Mapping[str, Any] = {
    "step": 1,
    "proposer/deduction/count": 2,
    "proposer/deduction/valid_rate": 0.5,
    "proposer/deduction/entropy": 0.8,
    "proposer/deduction/credit_mean": -0.25,
    "solver/deduction/count": 8,
    "solver/deduction/valid_rate": 1.0,
    "solver/deduction/solve_rate": 0.25,
    "solver/deduction/entropy": 0.4,
    "solver/deduction/credit_mean": 0.1,
    "SelfPlay/Deduction-v0/proposals": 4,
    "SelfPlay/Deduction-v0/distinct": 3,
}
TIMINGS = {"step": 1, "collect_s": 2.1, "update_s": 0.5, "checkpoint_s": 0.001}
SCORES = {"step": 0, "all/pass@1": 0.36, "all/pass@4": 0.6, "problems": {}}
CONFIG = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),), evaluation=EvalConfig(tasks="tiny"), steps=3)
GOOD = "```python\ndef f(x):\n    return x + 1\n```\n```input\n2\n```"


def proposal(text: str, game: str = "Deduction") -> Episode:
    replies = iter([text])
    player = ScriptedPlayer(lambda prompt: next(replies, "```output\n1\n```"))
    return play_episode(Start(f"SelfPlay/{game}-v0", 0, {"attempts": 1}), player, Referee("process"))


def event(kind: EventKind, step: int = 0, **data: Any) -> Event:
    return Event(kind=kind, step=step, data=data)


def run_events(episodes: list[Episode]) -> list[Event]:
    start = {"config": CONFIG.to_json(), "resumed_from": 0, "steps": 3, "backend": {}, "parameters": 918_656}
    return [
        event("start", **start),
        event("round", finished=10, total=20, phase="evaluate"),
        event("evaluated", scores=SCORES),
        event("round", 1, finished=1, total=4, phase="collect"),
        event("collected", 1, episodes=episodes),
        event("updated", 1, metrics={}),
        event("checkpoint", 1, path="x"),
        event("step", 1, metrics=ROW, timings=TIMINGS),
    ]
