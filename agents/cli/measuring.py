"""`selfplay eval`: pass@k of models or runs on held-out tasks, and of several whether they differ by more than noise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from selfplay_envs.prompts import find_style
from selfplay_envs.registration import make_game, resolve_game_id

from ..config import EvalConfig, TrainConfig
from ..game_keywords import ask_in, keywords_of
from ..held_out import asked_with, check_starts, load_tasks
from ..presets import find_preset
from ..sampler_text import needs_model
from ..tables import say
from .runs import find_model
from .speaking import open_speaker
from .terminal import check_writable, import_from_here, make_console, parse
from .wording import FULL, is_tiny, wording_of

LONG_REPLY = 512
"""Tokens of a reply at most, where no run and no preset says and a model is not the tiny one, which is brief."""


@dataclass(frozen=True)
class Evaluate:
    """Measures pass@k on held-out tasks. Several models are asked the same tasks with the same seeds, and compared."""

    models: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="MODEL [MODEL ...]")]
    """Each a run's folder (its newest checkpoint), a checkpoint's or model's folder, tiny, smollm2, or a Hugging Face id; with
    an endpoint one name of your choice, for the table. Name the base model first: the others are compared with it."""
    sampler: str = "transformers"
    """What computes the replies: transformers, vllm, or a remote model, which is asked in the full wording:
    endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE."""
    preset: str = ""
    """Whose tasks, samples and keywords of games; by default those of the first run that is named, or of azr-tiny."""
    tasks: str | None = None
    """`tiny`, or a .jsonl file of lines {"env_id": ..., "task": {...}}; by default the preset's. Any registered game may stand
    there, also as module:ID; those that are not the preset's are played with their default keywords."""
    style: str = ""
    """Wording of all prompts, full or terse; by default a run is asked as it was trained, the tiny model in terse, others in
    full."""
    samples: int | None = None
    """Replies per problem; by default the preset's."""
    limit: int | None = None
    """Problems per game, the first ones; 0: all."""
    temperature: float | None = None
    """Of the replies; by default the preset's."""
    max_new_tokens: int | None = None
    """Tokens of a reply at most; by default the preset's, or 512 where no preset or run is named and the model is not tiny."""
    seed: int = 0
    """Names the replies' seeds: the same seed asks two models with common random numbers."""
    sandbox: str = "auto"
    """auto, docker or process."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads, as in `selfplay train --help`."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write the scores to this file, one line of JSON per model: right answers per problem, wording, seed, sampling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all models are asked."""

    config: TrainConfig
    """Whose games and judge."""
    evaluation: EvalConfig
    tasks: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def count(self) -> int:
        """Problems in all."""
        return sum(min(len(own), self.evaluation.limit or len(own)) for own in self.tasks.values())


def evaluate(args: Sequence[str]) -> int:
    """`selfplay eval MODEL [MODEL ...]`."""
    command = parse(Evaluate, "eval", args)
    import_from_here()  # games of one's own
    if command.json is not None:
        check_writable(command.json, "json")
    if command.style:
        find_style(command.style)
    plan = _plan(command)
    console = make_console()
    for note in _differences(command, plan):
        say(console, note)
    rows = [_measure(console, name, plan, command) for name in command.models]
    _print(console, rows)
    if command.json is not None:
        command.json.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        say(console, f"Written to {command.json}")
    return 0


def _plan(command: Evaluate) -> Plan:
    """Tasks and settings.

    Raises:
        ValueError: No model is named, or too many; or there is nothing to ask.
    """
    local = needs_model(command.sampler)
    if not command.models:
        raise ValueError("model: none is named; type selfplay eval tiny, or a run's folder, or several to compare them.")
    if not local and len(command.models) > 1:
        raise ValueError(f"model: {len(command.models)} are named, but an endpoint holds one; measure one after the other.")
    runs = [config for name in command.models if local and (config := find_model(name)[1])]
    config = find_preset(command.preset) if command.preset else runs[0] if runs else find_preset("azr-tiny")
    names = {name: getattr(command, name) for name in ("tasks", "samples", "limit")}
    evaluation = replace(config.evaluation, **{name: value for name, value in names.items() if value is not None})
    names = {name: getattr(command, name) for name in ("temperature", "max_new_tokens")}
    drawn = {name: value for name, value in names.items() if value is not None}
    if not command.preset and not runs and not (local and all(map(is_tiny, command.models))):
        drawn = {"max_new_tokens": LONG_REPLY, **drawn}
    evaluation = replace(evaluation, sampling=replace(evaluation.sampling, **drawn))
    if evaluation.tasks == "none":
        whose = f"preset {command.preset}" if command.preset else "this run"
        raise ValueError(f"tasks='none': {whose} measures nothing held out; pass --tasks tiny, or a .jsonl file.")
    tasks = load_tasks(evaluation.tasks, config.games) or load_tasks(evaluation.tasks)
    check_starts(tasks, config.games)
    return Plan(config=config, evaluation=evaluation, tasks=tasks)


def _differences(command: Evaluate, plan: Plan) -> list[str]:
    """A sentence about every run that was trained with other settings of a game than those it is asked with now."""
    notes: list[str] = []
    asked = _settings(plan.config, plan)
    for name in command.models if needs_model(command.sampler) else ():
        config = find_model(name)[1]
        if config is None:
            continue
        trained = _settings(config, plan)
        games = {resolve_game_id(mix.env_id) for mix in config.games} & set(plan.tasks)
        odd = sorted({key for game in games for key, value in trained[game].items() if asked[game][key] != value})
        if odd:
            notes.append(f"{name} was trained with another {', '.join(odd)}; all are asked with the same settings here.")
    return notes


def _settings(config: TrainConfig, plan: Plan) -> dict[str, dict[str, Any]]:
    """Per game that is asked, its keywords and the judge, but for panel, wording and what changes credits alone."""
    found: dict[str, dict[str, Any]] = {}
    for env_id, kwargs in asked_with(plan.tasks, config.games).items():
        aside = {"attempts", "style", *make_game(env_id, **kwargs).credit_keywords}
        settings = {**keywords_of(env_id), **kwargs, "judge": config.judge}
        found[env_id] = {name: value for name, value in settings.items() if name not in aside}
    return found


def _measure(console: Console, name: str, plan: Plan, command: Evaluate) -> dict[str, Any]:
    """One model's row, as in `eval.jsonl`, with how it was asked."""
    from selfplay_envs import Referee

    local = needs_model(command.sampler)
    path = find_model(name)[0] if local else name
    with console.status(f"loading {name} ..."):
        from ..evaluate import evaluate as measure

        speaker = open_speaker(
            name,
            command.sampler,
            device=command.device,
            max_rows=plan.config.max_rows,
            short_cuts=command.short_cuts,
        )
        referee = Referee(command.sandbox, plan.config.judge, reserved=speaker.reserved)
    for note in speaker.notes:
        say(console, note)
    wordings = {env_id: command.style or (wording_of(name, env_id) if local else FULL) for env_id in plan.tasks}
    kwargs = asked_with(plan.tasks, plan.config.games)
    kwargs = {env_id: ask_in(wordings[env_id], env_id, kwargs[env_id]) for env_id in plan.tasks}
    asked = f"{plan.count} problems x {plan.evaluation.samples} answers"
    say(console, f"{name}: {asked}; programs run in the {referee.sandbox.name} sandbox.")
    try:
        with console.status(f"{name}: answering {plan.count} problems ..."):
            result = measure(
                speaker.sampler,
                referee,
                plan.tasks,
                plan.evaluation,
                kwargs=kwargs,
                seed=command.seed,
                by_role=speaker.by_role,
            )
    finally:
        speaker.sampler.close()
    state = Path(path) / "state.json"
    step = int(json.loads(state.read_text(encoding="utf-8"))["step"]) if state.is_file() else 0
    asked_how = {"tasks": plan.evaluation.tasks, "seed": command.seed, "sampling": asdict(plan.evaluation.sampling)}
    return {"model": name, "step": step, **asked_how, **result.scores(), "problems": result.to_json()}


def _print(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    from .comparing import asked_how, cut_off, print_models
    from .results import print_scores

    if len(rows) == 1:
        [row] = rows
        print_scores(console, row, "; ".join(filter(None, (f"{row['model']}: {asked_how(row)}", cut_off(row)))))
    else:
        print_models(console, rows)
