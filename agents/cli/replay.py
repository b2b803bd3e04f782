"""The verb `replay`: recorded episodes played again and compared with the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track
from rich.text import Text

from selfplay_envs import Episode, GameError, Referee, differences, read_episodes
from selfplay_envs import rejudge as play_rejudged
from selfplay_envs import replay as play_recorded
from selfplay_envs.core.judging import SELF
from selfplay_envs.core.text import printable

from ..arguments.game_ids import allow_local_modules
from ..arguments.own_judge import judges_of
from ..arguments.parser import parse
from ..config.run import TrainConfig
from ..display.episodes import print_episode
from ..display.tables import make_console, say_line
from ..runs.folder import find_model, read_config

EPISODES = "episodes"
"""Folder of a run's recorded episodes."""
MAX_SHOWN_DIFFERENCES = 20


@dataclass(frozen=True)
class Replay:
    """Plays recorded episodes again from their messages and compares every verdict, credit and outcome with the record."""

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE or RUN")]
    """Episodes in JSON lines, or a run's folder: then all that it recorded."""
    rejudge: bool = False
    """Ask sandbox and judge again instead of trusting the recorded verdicts."""
    show: int = 0
    """Also print the first so many episodes: prompts, messages, verdicts, credits."""
    sandbox: str = "auto"
    """What runs programs with --rejudge: auto, docker or process."""
    model: str = ""
    """With --rejudge, a run or a model, whose starting weights are the judge `self`; by default the run that holds the file."""


def replay(args: Sequence[str]) -> int:
    """`selfplay replay FILE`: 1 if a credit does not reproduce."""
    command = parse(Replay, "replay", args)
    allow_local_modules()  # episodes of a game of one's own name its module
    if command.show < 0:
        raise ValueError(f"show={command.show} is negative; pass how many episodes to print, 0 or more.")
    console = make_console()
    files = episode_files(command.file)
    for number, episode in enumerate(islice(_all_episodes(files), command.show), 1):
        print_episode(console, episode, number)
    total = sum(map(_count_lines, files))
    referee_of = _referees(command) if command.rejudge else None
    differing: list[str] = []
    episodes = messages = wrong_episodes = 0
    progress = track(
        _all_episodes(files), "replaying", total=total, console=console, transient=True, disable=not console.is_terminal
    )
    for number, episode in enumerate(progress, 1):
        lines = list(_compare(episode, referee_of))
        differing += [f"episode {number} ({episode.env_id}, seed {episode.seed}): {line}" for line in lines]
        wrong_episodes += bool(lines)
        episodes, messages = number, messages + len(episode.messages)
    _print_differences(console, differing)
    if episodes == 0:
        raise ValueError(f"file={str(command.file)!r} holds no episode; was the run interrupted before its first step?")
    how = "sandbox and judge asked again" if command.rejudge else "with the recorded verdicts"
    if differing:
        console.print(f"{len(differing)} differences in {wrong_episodes} of {episodes} episodes, {messages} messages ({how}).")
        return 1
    console.print(f"Every credit reproduced: {episodes} episodes, {messages} messages ({how}).")
    return 0


def episode_files(path: Path) -> list[Path]:
    """The episode files that a path names: itself, or those of a run's folder, in order.

    Raises:
        ValueError: A folder holds none.
    """
    if not path.is_dir():
        return [path]
    files = sorted((path / EPISODES if (path / EPISODES).is_dir() else path).glob("*.jsonl"))
    if not files:
        raise ValueError(f"file={str(path)!r} is a folder without recorded episodes; runs record every --episodes-every steps.")
    return files


def _all_episodes(files: Sequence[Path]) -> Iterator[Episode]:
    for path in files:
        yield from read_episodes(path)


def _count_lines(path: Path) -> int:
    """Lines of a file, for the progress display; 0 where there is none, which the reader refuses with a sentence."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _referees(command: Replay) -> Callable[[str, bool], Referee]:
    """The referee of episodes by their judge, and whether `self` was asked; each is made once."""

    @cache
    def referee_of(judge: str, itself: bool) -> Referee:
        config = None
        if itself:
            config = find_model(command.model)[1] if command.model else _recorded_by(command.file)
        return Referee(command.sandbox, *judges_of(judge, config, command.model))

    return referee_of


def _recorded_by(path: Path) -> TrainConfig | None:
    """The config of the run whose folder holds this file, or is it."""
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    if folder.name == EPISODES:
        folder = folder.parent
    return read_config(folder) if (folder / "config.json").is_file() and (folder / EPISODES).is_dir() else None


def _compare(episode: Episode, referee_of: Callable[[str, bool], Referee] | None) -> Iterator[str]:
    """One line per difference between an episode's record and its replay, which asks a referee where one is given."""
    judge = episode.backend.get("judge", "rules")
    try:
        if referee_of:
            again = play_rejudged(episode, referee_of(judge, SELF in (judge, *_further(episode))))
        else:
            again = play_recorded(episode)
    except (GameError, StopIteration) as error:
        yield f"the record does not fit the game: {error or 'it ends too early'}"
        return
    for difference in differences(episode, again):
        where = f"message {difference.message} " if difference.message >= 0 else ""
        old, new = difference.recorded, difference.replayed
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            old, new = ({key: side.get(key) for key in keys} for side in (old, new))
        yield printable(f"{where}{difference.field}: recorded {old!r:.200}, replayed {new!r:.200}")


def _further(episode: Episode) -> list[str]:
    """Judges that were asked besides the environment's own."""
    return [key.removeprefix("judge:") for key in episode.backend if key.startswith("judge:")]


def _print_differences(console: Console, lines: Sequence[str]) -> None:
    """The first differences, each on a line."""
    for line in lines[:MAX_SHOWN_DIFFERENCES]:
        say_line(console, Text.assemble(("differs ", "red"), line))
    if len(lines) > MAX_SHOWN_DIFFERENCES:
        console.print(f"... and {len(lines) - MAX_SHOWN_DIFFERENCES} more differences")
