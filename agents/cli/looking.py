"""Verbs that look and check and never need torch: `envs`, `check`, `replay`, `sandbox`, `doctor`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..tables import print_table, say, say_line
from .terminal import import_from_here, make_console, parse, resolve_game, take_value

if TYPE_CHECKING:  # the doctor must run where this does not import
    from selfplay_envs import Episode


@dataclass(frozen=True)
class Envs:
    """Lists the registered games: ids for `gym.make`, `selfplay check` and `selfplay play`."""


def envs(args: Sequence[str]) -> int:
    """`selfplay envs`: one row per game, with its keywords and their defaults."""
    from rich.markup import escape

    from selfplay_envs import UsageError, game_ids
    from selfplay_envs.registration import game_spec, load_game
    from selfplay_envs.text_options import parameters_of

    parse(Envs, "envs", args)
    rows: list[list[str]] = []
    for env_id in game_ids():
        try:
            game = load_game(str(game_spec(env_id).kwargs["game"]))
        except UsageError as error:  # somebody else's registration must not hide the others
            rows += [[f"[bold]{escape(env_id)}[/bold]", f"[red]does not load:[/red] {escape(str(error))}"], []]
            continue
        line = (inspect.getdoc(game) or "").partition("\n")[0]
        keywords = ", ".join(f"{p.name}={p.default!r}" for p in parameters_of(game).values())
        name = f"[bold]{escape(env_id)}[/bold]\n{escape(', '.join(game.roles))}\n[dim]{escape(game.task_type)}[/dim]"
        rows += [[name, f"{escape(line)}\n[dim]{escape(keywords)}[/dim]"], []]
    console = make_console()
    headings = ("id, roles, task type", "what it is, and its keywords")
    print_table(console, "Games: gym.make(ID, keyword=...)", headings, rows, prose=1)
    say(console, "Every game also takes sandbox=, judge=, reward_role= and render_mode='ansi'.")
    say(console, "In a run a game's own keywords are set by --game-kwargs NAME=VALUE, and a judge by --judge NAME.")
    return 0


@dataclass(frozen=True)
class Check:
    """Runs the conformance suite on a game: gymnasium's and PettingZoo's own checks, determinism, replay, lanes, credits.

    Players say legal moves, which the game offers with `sample_action` or a file lists, mixed with random text; a game of which
    no legal move was met does not pass. Under pytest the same suite is `pytest --selfplay-game ID`.
    """

    game: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GAME")]
    """An id from `selfplay envs`, or `module:ID` to import the module that registers it first."""
    attempts: tuple[int, ...] = (1, 4)
    """Panel sizes to check, one after the other."""
    seed: int = 0
    """Seeds everything; the same seed gives the same checks."""
    moves: Path | None = None
    """Legal moves of a game without `sample_action`: a file of lines {"role": "first", "text": "..."}. In every second
    episode a player says those of its role one after another, and over again; in the others it says one at random."""
    sandbox: str = "auto"
    """What runs programs: auto, docker or process."""
    judge: str = "rules"
    """Who scores answers, in games that ask."""


def check(args: Sequence[str]) -> int:
    """`selfplay check ID`: one line per check; 1 if one of them fails."""
    from rich.markup import escape
    from rich.text import Text

    from selfplay_envs import make_game
    from selfplay_envs.checking import check_game, panels
    from selfplay_envs.moves import read_moves

    command = parse(Check, "check", args)
    env_id = resolve_game(command.game)
    console = make_console()
    moves = None if command.moves is None else read_moves(command.moves, make_game(env_id))
    failures = count = 0
    for size in panels(env_id, command.attempts):
        named = " ".join([escape(env_id), *(f"attempts={attempts}" for attempts in size.values())])
        with console.status(f"checking {named} ..."):
            results = check_game(env_id, seed=command.seed, moves=moves, sandbox=command.sandbox, judge=command.judge, **size)
        console.print(f"[bold]{named}[/bold]")
        for result in results:
            mark = "[green]ok  [/green]" if result.ok else "[red]FAIL[/red]"
            say_line(console, Text.from_markup(f"  {mark} {result.name:<24} {escape(result.detail)}"))
        failures += sum(not result.ok for result in results)
        count += len(results)
    console.print(f"{count - failures} of {count} checks hold." if failures else f"All {count} checks hold.")
    return 1 if failures else 0


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


MAX_SHOWN_DIFFERENCES = 20


def replay(args: Sequence[str]) -> int:
    """`selfplay replay FILE`: 1 if a credit does not reproduce."""
    from rich.progress import track
    from rich.text import Text

    from ..show import print_episode

    command = parse(Replay, "replay", args)
    import_from_here()  # episodes of a game of one's own name its module
    if command.show < 0:
        raise ValueError(f"show={command.show} is negative; pass how many episodes to print, 0 or more.")
    console = make_console()
    files = episode_files(command.file)
    for number, episode in enumerate(islice(_all_episodes(files), command.show), 1):
        print_episode(console, episode, number)
    total = sum(map(_count_lines, files))
    found: list[str] = []
    episodes = messages = wrong_episodes = 0
    progress = track(
        _all_episodes(files), "replaying", total=total, console=console, transient=True, disable=not console.is_terminal
    )
    for number, episode in enumerate(progress, 1):
        lines = list(_compare(episode, command))
        found += [f"episode {number} ({episode.env_id}, seed {episode.seed}): {line}" for line in lines]
        wrong_episodes += bool(lines)
        episodes, messages = number, messages + len(episode.messages)
    for line in found[:MAX_SHOWN_DIFFERENCES]:
        say_line(console, Text.assemble(("differs ", "red"), line))
    if len(found) > MAX_SHOWN_DIFFERENCES:
        console.print(f"... and {len(found) - MAX_SHOWN_DIFFERENCES} more differences")
    how = "sandbox and judge asked again" if command.rejudge else "with the recorded verdicts"
    if episodes == 0:
        raise ValueError(f"file={str(command.file)!r} holds no episode; was the run interrupted before its first step?")
    if found:
        console.print(f"{len(found)} differences in {wrong_episodes} of {episodes} episodes, {messages} messages ({how}).")
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
    from selfplay_envs import read_episodes

    for path in files:
        yield from read_episodes(path)


def _count_lines(path: Path) -> int:
    """Lines of a file, for the progress display; 0 where there is none, which the reader then says properly."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _compare(episode: Episode, command: Replay) -> Iterator[str]:
    """One line per difference between an episode's record and its replay."""
    from selfplay_envs import GameError, Referee, differences
    from selfplay_envs import rejudge as play_rejudged
    from selfplay_envs import replay as play_recorded
    from selfplay_envs.render import printable

    try:
        if command.rejudge:
            again = play_rejudged(episode, Referee(command.sandbox, episode.backend.get("judge", "rules")))
        else:
            again = play_recorded(episode)
    except (GameError, StopIteration) as error:
        yield f"the record does not fit the game: {error or 'it ends too early'}"
        return
    for one in differences(episode, again):
        where = f"message {one.message} " if one.message >= 0 else ""
        old, new = one.recorded, one.replayed
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            old, new = ({key: side.get(key) for key in keys} for side in (old, new))
        yield printable(f"{where}{one.field}: recorded {old!r:.200}, replayed {new!r:.200}")


@dataclass(frozen=True)
class Sandbox:
    """Makes the Docker image that runs untrusted programs ready. Not needed by hand: first use does the same."""

    action: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="build")]]
    """What to do: build."""
    packages: Annotated[tuple[str, ...], tyro.conf.arg(name="with")] = ()
    """Installed distributions that programs may import besides the standard library, such as numpy."""
    image: str = ""
    """A published image with Python 3.11 or newer to pull, instead of building one from this Python."""


def sandbox(args: Sequence[str]) -> int:
    """`selfplay sandbox build`: the first job builds or pulls the image, and its answer proves that containers run."""
    from sandboxes import Job, SandboxConfig, Status, open_sandbox

    command = parse(Sandbox, "sandbox", args)
    if command.action != "build":
        raise ValueError(f"action={command.action!r} is not known; type `selfplay sandbox build`.")
    config = SandboxConfig(backend="docker", packages=command.packages, image=command.image)
    source = f"pulling {config.image}" if config.image else "building the sandbox image from the running interpreter"
    console = make_console()
    with console.status(f"{source}, and running a program in it ..."):
        [outcome] = open_sandbox(config).run([Job(program="def f(x):\n    return x + 1", calls=("1",))])
    if outcome.status is not Status.OK:
        console.print(f"The image is there, but f(1) of `return x + 1` ended with {outcome.status} in it; try `docker info`.")
        return 1
    console.print(f"The image is ready and a program ran in it; to use it, type --sandbox {config.text()}")
    return 0


@dataclass(frozen=True)
class Doctor:
    """Says in one table what is installed, what is missing, and what to type. Exit code 1 if the base does not work.

    With --preset, or --config, it says instead what memory that run needs on GPUs of several sizes, and what to change where it
    does not fit; nothing is loaded. Every option of `selfplay train` may follow, such as --model NAME, --learner.lora-rank 0.
    """

    preset: str = ""
    """A preset of `selfplay train`, or module:PRESET."""
    config: Path | None = None
    """A TOML file with settings, as `selfplay train --config` takes it, alone or on top of --preset."""


def doctor(args: Sequence[str]) -> int:
    """`selfplay doctor`: 1 if something that the base needs is broken; with a run, the memory that it needs."""
    named = {"--preset", "--config"} & {one.partition("=")[0] for one in args}
    if named and not {"-h", "--help"} & set(args):
        return _print_memory(args)
    if args and not args[0].startswith("-"):
        raise ValueError(f"{args[0]!r} stands alone; for the memory of that run type: selfplay doctor --preset {args[0]}")
    from ..doctor import examine, print_findings

    parse(Doctor, "doctor", args)
    console = make_console()
    with console.status("looking around (torch takes a few seconds) ..."):
        findings = examine()
    return print_findings(console, findings)


def _print_memory(args: Sequence[str]) -> int:
    """The memory plan of the run that `selfplay train` would make of these arguments."""
    from .memory import print_memory
    from .starting import read_order

    preset, rest = take_value(args, "--preset")
    import_from_here()
    order = read_order([*([preset] if preset else []), *rest])
    print_memory(make_console(), order.title, order.config)
    return 0
