"""The verb `replay`: recorded episodes played again and compared with the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from selfplay_envs.core.text import printable

from ..arguments.game_ids import allow_local_modules
from ..arguments.parser import parse
from ..display.episodes import print_episode
from ..display.tables import make_console, say_line

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
    """What judges with --rejudge: auto, docker or process."""


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
    differing: list[str] = []
    episodes = messages = wrong_episodes = 0
    progress = track(
        _all_episodes(files), "replaying", total=total, console=console, transient=True, disable=not console.is_terminal
    )
    for number, episode in enumerate(progress, 1):
        lines = list(_compare(episode, command))
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
    files = sorted((path / "episodes" if (path / "episodes").is_dir() else path).glob("*.jsonl"))
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


def _compare(episode: Episode, command: Replay) -> Iterator[str]:
    """One line per difference between an episode's record and its replay."""
    try:
        if command.rejudge:
            again = play_rejudged(episode, Referee(command.sandbox, episode.backend.get("judge", "rules")))
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


def _print_differences(console: Console, lines: Sequence[str]) -> None:
    """The first differences, each on a line."""
    for line in lines[:MAX_SHOWN_DIFFERENCES]:
        say_line(console, Text.assemble(("differs ", "red"), line))
    if len(lines) > MAX_SHOWN_DIFFERENCES:
        console.print(f"... and {len(lines) - MAX_SHOWN_DIFFERENCES} more differences")
