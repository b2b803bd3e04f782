"""The run that the arguments of `selfplay train` describe: a preset, a file or a run that goes on, as options change it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from selfplay_envs.names.registration import make_game, resolve_game_id

from ..config.game_keywords import fit_keywords, keywords_of
from ..config.presets import PRESETS, find_preset
from ..config.run import GameMix, TrainConfig
from ..config.toml_file import read_config_file
from ..evaluation.task_sets import DATASET, task_sets
from ..evaluation.tasks import load_tasks
from ..runs.folder import choose_folder, newest_run, read_config
from ..tiny.problem_sets import NAMES
from .chained_run import at_checkpoint
from .game_ids import full_game_id
from .game_options import Keyword, apply_keywords, take_keywords
from .parser import find_value, join_options, parse
from .prompt_style import in_full, is_tiny

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
    the preset's keeps its settings; a new one takes those of the first game that fit it. NAME=ID gives it a name, and so one
    game can be played twice."""
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
class RunPlan:
    """A run to begin or to go on with."""

    title: str
    """Name of the preset, the file or the folder that it comes from."""
    config: TrainConfig
    folder: Path
    live: bool
    print_config: bool
    notes: tuple[str, ...]
    """What was decided without being typed: one sentence each."""


def plan_run(args: Sequence[str]) -> RunPlan:
    """The arguments behind `selfplay train` as a run, checked as far as that takes no time.

    Raises:
        ValueError: A name, a value or the folder is wrong, or nothing says what to train.
    """
    source = "" if args[0].startswith("-") else args[0]
    keywords, rest = take_keywords(args[1:] if source else args)
    rest = join_options([_expand(argument) for argument in rest])
    file, out, resume = find_value(rest, "--config"), find_value(rest, "--out"), "--resume" in rest
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
    config, notes = _with_typed_games(command, start, keywords)
    config = at_checkpoint(config, notes)
    if not stored and not any(keyword.name == "style" for keyword in keywords):
        config, more_notes = _in_wording_of_model(config, start, preset or start)
        notes += more_notes
    if (tasks := config.evaluation.tasks) in NAMES and not load_tasks(tasks, config.games):
        config = replace(config, evaluation=replace(config.evaluation, tasks="none"))
        notes.append("None of the tiny held-out tasks is of these games, so nothing is measured; --evaluation.tasks FILE does.")
    task_sets(config.evaluation, config.games)  # a wrong row is said before anything is loaded
    return RunPlan(
        title=title, config=config, folder=folder, live=command.live, print_config=command.print_config, notes=tuple(notes)
    )


def _about(source: str) -> str:
    """Docstring of a preset, each paragraph and each item of a list on one line."""
    text = inspect.getdoc(PRESETS[source]) if source in PRESETS else None
    return re.sub(r"(?<!\n)\n(?!\n|- ) *", " ", text or "")


def _nothing_named(args: Sequence[str]) -> str:
    later = next((argument for argument in args if argument in PRESETS), None)
    if later:
        return f"{args[0]!r} comes before the preset; type it behind: selfplay train {later} {args[0]} ..."
    return (
        f"{args[0]!r} does not say what to train; name a preset, --config FILE, or --out FOLDER --resume to go on with a run."
    )


def _expand(argument: str) -> str:
    """`--lr=3e-5` as `--learner.lr=3e-5`."""
    name, equals, value = argument.partition("=")
    return ALIASES.get(name, name) + equals + value


def _from_file(file: str, preset: TrainConfig | None) -> TrainConfig:
    if file.endswith(".py"):
        raise ValueError(f"config={file!r}: a preset in Python is named {Path(file).stem}:NAME; type it in the preset's place.")
    return read_config_file(Path(file), preset)


def _stored_run(folder: Path, resume: bool) -> TrainConfig | None:
    """The settings of the run that goes on.

    Raises:
        ValueError: The folder holds a run and `--resume` was not typed, or the other way round.
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
        if env_id := find_value(args, flag):
            resolve_game_id(env_id)


def _check_same_games(stored: TrainConfig, base: TrainConfig, folder: Path, title: str) -> None:
    stored_games, games = ([mix.env_id for mix in config.games] for config in (stored, base))
    if games != stored_games:
        raise ValueError(
            f"out={str(folder)!r} holds a run of {', '.join(stored_games)}, not of preset {title}; type: "
            f"selfplay train --out {folder} --resume"
        )


def _with_typed_games(command: Train, start: TrainConfig, keywords: Sequence[Keyword]) -> tuple[TrainConfig, list[str]]:
    """The config with what was typed about its games, each of which is made once to see that it can be; and notes."""
    notes: list[str] = []
    pairs = list(zip(command.config.games, start.games, strict=True))
    typed = _typed_games(command.game, pairs) if command.game else [(_by_full_id(mix), old) for mix, old in pairs]
    changes = {name: value for name in ("fresh", "replay") if (value := getattr(command, name)) is not None}
    panel = {} if command.attempts is None else {"attempts": command.attempts}
    known = {name for mix, _ in typed for name in (mix.name, mix.env_id)}
    games: list[GameMix] = []
    for mix, old in typed:
        if resolve_game_id(old.env_id) != resolve_game_id(mix.env_id):
            mix, dropped = fit_keywords(mix, old.kwargs)
            if dropped:
                notes.append(f"{mix.env_id} takes no {', '.join(dropped)}; the preset's values are left out.")
        sources = tuple(name if name in known else full_game_id(name) for name in mix.references_from)
        sources = tuple(name for name in sources if not command.game or name in known)
        games.append(replace(mix, references_from=sources, kwargs={**mix.kwargs, **panel}, **changes))
    config = apply_keywords(replace(command.config, games=tuple(games)), keywords)
    for mix in config.games:
        make_game(mix.env_id, **mix.kwargs)
    return config, notes


def _typed_games(texts: Sequence[str], pairs: Sequence[tuple[GameMix, GameMix]]) -> list[tuple[GameMix, GameMix]]:
    """The games that were typed, each beside that of the preset whose keywords it has.

    A text is a name in the preset, an id, or NAME=ID for a game that is to have a name.
    """
    typed: list[tuple[GameMix, GameMix]] = []
    for text in texts:
        name, _, game = text.rpartition("=")
        chosen = [(mix, old) for mix, old in pairs if mix.name and mix.name == text]
        if not chosen:
            env_id = full_game_id(game)
            same = [pair for pair in pairs if resolve_game_id(pair[0].env_id) == resolve_game_id(env_id)]
            similar = same or [(_like(pairs[0][0], env_id), pairs[0][1])]
            chosen = [(replace(mix, env_id=env_id), old) for mix, old in similar]
        typed += [(replace(chosen[0][0], name=name), chosen[0][1])] if name else chosen
    return typed


def _by_full_id(mix: GameMix) -> GameMix:
    return replace(mix, env_id=full_game_id(mix.env_id))


def _like(first: GameMix, env_id: str) -> GameMix:
    """A game that the preset does not hold, with those settings of its first game that any game can have.

    Fixed problems are played in shuffled epochs, without those that the preset holds out. In the place of a game that learns
    from fixed tasks alone, one with a source of its own does so too; any other is played from its beginning, as often.
    """
    mix = GameMix(
        env_id=env_id,
        kwargs=first.kwargs,
        fresh=first.fresh or first.fixed,
        replay=first.replay,
        references=0,
        exclude=first.exclude,
    )
    source = keywords_of(env_id).get("source")
    if not isinstance(source, str) or (first.fresh and resolve_game_id(env_id) != DATASET):
        return mix
    fixed = first.fresh or first.fixed
    return replace(mix, kwargs={**first.kwargs, "source": source}, fresh=0, replay=0, fixed=fixed, gold=first.gold)


def _in_wording_of_model(config: TrainConfig, start: TrainConfig, preset: TrainConfig) -> tuple[TrainConfig, list[str]]:
    """The run in full wording where another model than the preset's tiny one would read prompts worded for the tiny one."""
    if is_tiny(config.model) or not is_tiny(preset.model) or start.games != preset.games:
        return config, []
    full = in_full(config)
    note = (
        f"{config.model} is asked in the full wording, as terse is the tiny model's own (--game-kwargs style=terse keeps it); "
        f"its replies end after {config.sampling.max_new_tokens} tokens, as the preset says (--sampling.max-new-tokens)."
    )
    return full, [note] if full != config else []
