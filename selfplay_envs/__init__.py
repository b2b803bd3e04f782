"""Self-play games between language-model roles, as gymnasium environments. Text only; never imports torch.

Importing this package registers the games; `gym.make("SelfPlay/Deduction-v0")` then works.
"""

import warnings
from typing import Any

from sandboxes.core.moved import forward

from .core.errors import GameError, ResetNeeded, SelfPlayError, UsageError
from .core.game import Game, Judging, Settling, Verdict, no_requests
from .core.judging import Judge, JudgeItem, Score
from .core.messages import Message, Slot
from .core.records import Episode, Reply, Turn, read_episodes, write_episodes
from .core.spaces import UnicodeText
from .names.registration import game_ids, make_game, register_all, register_game, resolve_game_id
from .play.episodes import play_episode, play_episodes
from .play.match import Match, PendingPrompt, Start, advance
from .play.players import RandomTextPlayer, ScriptedPlayer
from .play.referee import Referee
from .play.replay import differences, rejudge, replay
from .play.task_check import check_tasks
from .replies.parsing import bodies, fence, read_reply
from .rewards.learnability import SolveStats
from .tasks.azr import read_azr_tasks
from .tasks.buffer import TaskBuffer
from .tasks.code_task import IDENTITY, CodeTask
from .verifiers.findings import RIGHT, WRONG, Checking, Report
from .verifiers.registry import find_verifier
from .verifiers.stdio import check_stdio, report_stdio
from .verifiers.unit_tests import check_unit_tests, report_unit_tests

__all__ = [
    "IDENTITY",
    "RIGHT",
    "WRONG",
    "Checking",
    "CodeTask",
    "Episode",
    "Game",
    "GameError",
    "Judge",
    "JudgeItem",
    "Judging",
    "Match",
    "Message",
    "PendingPrompt",
    "RandomTextPlayer",
    "Referee",
    "Reply",
    "Report",
    "ResetNeeded",
    "Score",
    "ScriptedPlayer",
    "SelfPlayError",
    "Settling",
    "Slot",
    "SolveStats",
    "Start",
    "TaskBuffer",
    "Turn",
    "UnicodeText",
    "UsageError",
    "Verdict",
    "advance",
    "bodies",
    "check_stdio",
    "check_tasks",
    "check_unit_tests",
    "differences",
    "fence",
    "find_verifier",
    "game_ids",
    "make_game",
    "no_requests",
    "play_episode",
    "play_episodes",
    "read_azr_tasks",
    "read_episodes",
    "read_reply",
    "register_all",
    "register_game",
    "rejudge",
    "replay",
    "report_stdio",
    "report_unit_tests",
    "resolve_game_id",
    "write_episodes",
]

_RENAMED = {"Ask": "PendingPrompt", "Finding": "Checking", "Played": "Turn"}

forward(
    __name__,
    {
        "aec_view": "views.pettingzoo_env",
        "buffer": "tasks.buffer tasks.duplicates",
        "checking": "conformance.suite",
        "errors": "core.errors",
        "expressions": "verifiers.expressions",
        "findings": "verifiers.findings Finding=verifiers.findings:Checking",
        "game": "core.game core.messages core.judging core.hashing",
        "games.code": "games.code.deduction games.code.abduction games.code.base",
        "games.induction": "games.code.induction",
        "games.instruction": "games.questions.instruction",
        "games.kuhn": "games.zero_sum.kuhn",
        "gym_view": "views.gymnasium_env views.base play.ledger",
        "json_lines": "core.json_lines",
        "judges": "judges.registry judges.rules core.judging",
        "learnability": "rewards.learnability",
        "loading": "names.loading core.text",
        "moves": "conformance.moves",
        "named": "names.registry",
        "parsing": "replies.parsing",
        "play": "play.match play.episodes Ask=play.match:PendingPrompt",
        "players": "play.players",
        "plugins": "names.plugins",
        "programs": "tasks.programs",
        "prompts": "games.style",
        "pytest_plugin": "conformance.pytest_plugin",
        "reach": "tasks.reach",
        "records": "core.records Played=core.records:Turn",
        "referee": "play.referee play.grouping",
        "registration": "names.registration honest_spec=views.base:mark_nondeterministic",
        "render": "play.render core.text",
        "shapers": "rewards.shapers",
        "spaces": "core.spaces core.text",
        "stdio": "verifiers.stdio",
        "tasks": "tasks.code_task tasks.azr",
        "text_options": "names.options",
        "unit_tests": "verifiers.unit_tests",
        "vector_view": "views.vector_env",
        "verifiers": "verifiers.registry",
        "verify": "verifiers.code_tasks play.task_check",
    },
)


def __getattr__(name: str) -> Any:
    """The name of today for one of before, with a warning."""
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"selfplay_envs.{name} is now {_RENAMED[name]}.", DeprecationWarning, stacklevel=2)
    return globals()[_RENAMED[name]]


register_all()
