"""What `selfplay train` was asked for: a preset, a file of one's own or a run that goes on, with what options change."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from selfplay_envs.registration import make_game, resolve_game_id

from ..config import GameMix, TrainConfig
from ..config_file import read_config_file
from ..game_keywords import fit_keywords
from ..held_out import load_tasks
from ..presets import PRESETS, find_preset
from .game_options import Keyword, apply_keywords, take_keywords
from .runs import choose_folder, newest_run, read_config
from .terminal import join_options, name_game, parse
from .wording import in_full, is_tiny

ALIASES = {"--lr": "--learner.lr"}


@dataclass(frozen=True)
class Train:
    """Trains a model by self-play. Every number of the preset can be changed here; `--lr` is short for `--learner.lr`."""

    config: Annotated[TrainConfig, tyro.conf.arg(name="", prefix_name=False)]
    file: Annotated[Path | None, tyro.conf.arg(name="config")] = None
    """A TOML file with settings by the names below, such as `steps = 3` and `[learner]`; on top of the preset, where one is
    named too. `--print-config` prints one to start from."""
    print_config: bool = False
    """Print all settings as such a file and train nothing."""
    out: Path | None = None
    """Folder of the run; by default runs/PRESET, or runs/PRESET-2 and so on where that is taken."""
    resume: bool = False
    """Go on with the run in --out, or with the newest run of this preset; its own settings are the defaults then, and with
    --out no preset need be named."""
    live: bool = True
    """A live screen; --no-live prints one line per step, as in a pipe."""
    game: tuple[str, ...] = ()
    """Play these games instead of the preset's: ids of `selfplay envs`, or module:ID for games of your own. One that is among
    the preset's keeps its settings; a new one takes those of the first game that fit it."""
    game_kwargs: tuple[str, ...] = ()
    """Keywords of all games that take them, as NAME=VALUE; NAME= takes the preset's value out. Of one game alone:
    --games.0.kwargs NAME=VALUE. `selfplay envs` lists every game's."""
    attempts: int | None = None
    """Size of the solver panel, in every game."""
    fresh: int | None = None
    """Episodes per step that start at the proposer, in every game."""
    replay: int | None = None
    """Episodes per step on old tasks, in every game."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run to begin or to go on with."""

    title: str
    """Of the preset, the file or the folder that it comes from."""
    config: TrainConfig
    folder: Path
    live: bool
    print_config: bool
    notes: tuple[str, ...]
    """What was decided and not asked for: one sentence each."""


def read_order(args: Sequence[str]) -> Order:
    """The arguments behind `selfplay train`, settled and checked as far as that takes no time.

    Raises:
        ValueError: A name, a value or the folder is wrong, or it is not said what to train.
    """
    source = "" if args[0].startswith("-") else args[0]
    keywords, rest = take_keywords(args[1:] if source else args)
    rest = join_options([_expand(one) for one in rest])
    file, out, resume = _value(rest, "--config"), _value(rest, "--out"), "--resume" in rest
    if not (source or file or (out and resume)):
        raise ValueError(_nothing_named(args))
    preset = find_preset(source) if source else None
    base = _from_file(file, preset) if file else preset
    title = source.rpartition(":")[2] or Path(file or out or "").stem
    folder = Path(out) if out else (newest_run(title) if resume else None) or choose_folder(title)
    stored = _stored_run(folder, resume)
    start = stored or base
    assert start is not None  # a run that goes on is stored, and any other was named above
    _check_ids(rest, len(start.games))
    command = parse(Train, f"train {source}".strip(), rest, Train(config=start), _about(source))
    if stored and base and not command.game:
        _check_same_games(stored, base, folder, title)
    config, notes = _settled(command, start, keywords)
    if not stored and not any(one.name == "style" for one in keywords):
        config, more = _worded(config, start, preset or start)
        notes += more
    if config.evaluation.tasks == "tiny" and not load_tasks("tiny", config.games):
        config = replace(config, evaluation=replace(config.evaluation, tasks="none"))
        notes.append("None of the tiny held-out tasks is of these games, so nothing is measured; --evaluation.tasks FILE does.")
    load_tasks(config.evaluation.tasks, config.games)  # a wrong row is said before anything is loaded
    return Order(
        title=title, config=config, folder=folder, live=command.live, print_config=command.print_config, notes=tuple(notes)
    )


def _about(source: str) -> str:
    """What a preset is and where it departs from its paper, each paragraph and each item of a list on one line."""
    text = inspect.getdoc(PRESETS[source]) if source in PRESETS else None
    return re.sub(r"(?<!\n)\n(?!\n|- ) *", " ", text or "")


def _nothing_named(args: Sequence[str]) -> str:
    later = next((one for one in args if one in PRESETS), None)
    if later:
        return f"{args[0]!r} comes before the preset; type it behind: selfplay train {later} {args[0]} ..."
    return (
        f"{args[0]!r} does not say what to train; name a preset, --config FILE, or --out FOLDER --resume to go on with a run."
    )


def _expand(argument: str) -> str:
    """`--lr=3e-5` as `--learner.lr=3e-5`."""
    name, equals, value = argument.partition("=")
    return ALIASES.get(name, name) + equals + value


def _value(args: Sequence[str], flag: str) -> str:
    """What is typed behind a flag, before the parser reads it; empty where it is not there."""
    for place, one in enumerate(args):
        name, equals, value = one.partition("=")
        if name == flag:
            return value if equals else "".join(args[place + 1 : place + 2])
    return ""


def _from_file(file: str, preset: TrainConfig | None) -> TrainConfig:
    if file.endswith(".py"):
        raise ValueError(f"config={file!r}: a preset in Python is named {Path(file).stem}:NAME; type it in the preset's place.")
    return read_config_file(Path(file), preset)


def _stored_run(folder: Path, resume: bool) -> TrainConfig | None:
    """The settings of the run that goes on.

    Raises:
        ValueError: The folder holds a run that is not asked for, or not the one that is.
    """
    holds_run = (folder / "config.json").is_file()
    if holds_run and not resume:
        raise ValueError(f"out={str(folder)!r} holds a run already; add --resume to go on with it, or choose another folder.")
    if resume and not holds_run:
        raise ValueError(
            f"resume: {str(folder)!r} holds no run; leave out --resume to start one, or name its folder with --out."
        )
    return read_config(folder) if holds_run else None


def _check_ids(args: Sequence[str], games: int) -> None:
    """Refuses an unknown id where it was typed, before the config complains of what it breaks."""
    for flag in (f"--games.{number}.{name}" for number in range(games) for name in ("env-id", "env_id")):
        if named := _value(args, flag):
            resolve_game_id(named)


def _check_same_games(stored: TrainConfig, base: TrainConfig, folder: Path, title: str) -> None:
    theirs, games = ([mix.env_id for mix in one.games] for one in (stored, base))
    if games != theirs:
        raise ValueError(
            f"out={str(folder)!r} holds a run of {', '.join(theirs)}, not of preset {title}; type: "
            f"selfplay train --out {folder} --resume"
        )


def _settled(command: Train, start: TrainConfig, keywords: Sequence[Keyword]) -> tuple[TrainConfig, list[str]]:
    """The config with what was set for its games, each of which is made once to see that it can be; and notes."""
    notes: list[str] = []
    typed = command.config.games
    named = [name_game(text) for text in command.game] or [name_game(mix.env_id) for mix in typed]
    known = {resolve_game_id(mix.env_id): (mix, old) for mix, old in zip(typed, start.games, strict=True)}
    changes = {name: value for name in ("fresh", "replay") if (value := getattr(command, name)) is not None}
    games: list[GameMix] = []
    for text in named:
        mix, old = known.get(resolve_game_id(text), (None, start.games[0]))
        if mix is None:
            first = typed[0]
            mix = GameMix(
                env_id=text, kwargs=first.kwargs, fresh=first.fresh, replay=first.replay, references=0, exclude=first.exclude
            )
        mix = replace(mix, env_id=text)
        if resolve_game_id(old.env_id) != resolve_game_id(text):
            mix, dropped = fit_keywords(mix, old.kwargs)
            if dropped:
                notes.append(f"{text} takes no {', '.join(dropped)}; the preset's values are left out.")
        sources = tuple(one for one in map(name_game, mix.references_from) if not command.game or one in named)
        panel = {} if command.attempts is None else {"attempts": command.attempts}
        games.append(replace(mix, references_from=sources, kwargs={**mix.kwargs, **panel}, **changes))
    config = apply_keywords(replace(command.config, games=tuple(games)), keywords)
    for mix in config.games:
        make_game(mix.env_id, **mix.kwargs)
    return config, notes


def _worded(config: TrainConfig, start: TrainConfig, preset: TrainConfig) -> tuple[TrainConfig, list[str]]:
    """The run in full wording where another model than the preset's tiny one is to read what was worded for that."""
    if is_tiny(config.model) or not is_tiny(preset.model) or start.games != preset.games:
        return config, []
    full = in_full(config)
    note = (
        f"{config.model} is asked in the full wording, as terse is the tiny model's own (--game-kwargs style=terse keeps it); "
        f"its replies end after {config.sampling.max_new_tokens} tokens, as the preset says (--sampling.max-new-tokens)."
    )
    return full, [note] if full != config else []
