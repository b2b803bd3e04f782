"""Self-play games between language-model roles, as gymnasium environments. Text only; never imports torch.

Importing this package registers the games; `gym.make("SelfPlay/Deduction-v0")` then works.
"""

from .buffer import TaskBuffer
from .errors import GameError, ResetNeeded, SelfPlayError, UsageError
from .findings import RIGHT, WRONG, Finding, Report
from .game import Game, Judge, JudgeItem, Judging, Message, Score, Settling, Slot, Verdict, no_requests
from .play import Ask, Match, Start, advance, play_episode, play_episodes
from .players import RandomTextPlayer, ScriptedPlayer
from .records import Episode, Played, Reply, read_episodes, write_episodes
from .referee import Referee
from .registration import game_ids, make_game, register_all, register_game, resolve_game_id
from .replay import differences, rejudge, replay
from .spaces import UnicodeText
from .stdio import check_stdio, report_stdio
from .tasks import IDENTITY, CodeTask, read_azr_tasks
from .unit_tests import check_unit_tests, report_unit_tests
from .verifiers import find_verifier
from .verify import check_tasks

__all__ = [
    "IDENTITY",
    "RIGHT",
    "WRONG",
    "Ask",
    "CodeTask",
    "Episode",
    "Finding",
    "Game",
    "GameError",
    "Judge",
    "JudgeItem",
    "Judging",
    "Match",
    "Message",
    "Played",
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
    "Start",
    "TaskBuffer",
    "UnicodeText",
    "UsageError",
    "Verdict",
    "advance",
    "check_stdio",
    "check_tasks",
    "check_unit_tests",
    "differences",
    "find_verifier",
    "game_ids",
    "make_game",
    "no_requests",
    "play_episode",
    "play_episodes",
    "read_azr_tasks",
    "read_episodes",
    "register_all",
    "register_game",
    "rejudge",
    "replay",
    "report_stdio",
    "report_unit_tests",
    "resolve_game_id",
    "write_episodes",
]

register_all()
