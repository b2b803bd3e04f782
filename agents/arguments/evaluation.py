"""The command line of `selfplay eval` made into a plan: which models are asked which tasks, how, and where answers are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from selfplay_envs.names.registration import make_game, resolve_game_id

from ..config.game_keywords import keywords_of, wording_keyword
from ..config.presets import find_preset
from ..config.run import EvalConfig, TrainConfig
from ..config.sampler import needs_model, parse_sampler
from ..evaluation.samples import file_name
from ..evaluation.task_sets import TaskSet, task_sets, worded
from ..evaluation.tasks import keywords_per_game
from ..runs.folder import find_model
from .prompt_style import FULL, is_tiny, wording_of

EVALS = Path("evals")
"""Folder of evaluations, unless a person says otherwise."""
LONG_REPLY = 512
"""Tokens of a reply at most, where no run and no preset says and a model is not the tiny one, which is brief."""
BATCH, ENGINE_BATCH = 64, 512
"""Replies decoded and stored at a time; an engine with a schedule of its own wants more."""


@dataclass(frozen=True)
class Evaluate:
    """Measures pass@k on held-out tasks and benchmarks. Several models are asked the same with the same seeds, and compared.

    Every reply is stored as it is drawn: the same command typed again goes on where it was stopped, and with more samples draws
    the new ones alone. Verdicts are given anew each time.
    """

    models: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="MODEL [MODEL ...]")]
    """Each a run's folder (its newest checkpoint), a checkpoint's or model's folder, tiny, smollm2, or a Hugging Face id; with
    an endpoint one name of your choice, for the table. Name the base model first: the others are compared with it."""
    model: str = ""
    """Another way to name one."""
    benchmark: str = ""
    """Benchmarks of `selfplay benchmarks` and other sources, as NAME[,NAME...], each with its options behind it, as in
    gsm8k:path=gsm8k.jsonl,limit=100,humaneval: files of rows, hf:ID[:config][:split], reasoning-gym:NAME."""
    against: str = ""
    """Another model, or a file of rows with `instruction` and `output`: a judge compares the answers of each model with its, in
    both orders, and counts wins in the place of right answers. Of a model, its answers are compared with one another too: the
    null."""
    judge: str = ""
    """Who scores answers in games that ask a judge, by default as the preset or run says; with --against, who compares answers:
    rules, reward-model:id=NAME, endpoint:url=...,model=NAME, self (the starting weights; with --against that model), or
    module:NAME for one of your own."""
    sampler: str = "transformers"
    """What computes the replies: transformers, vllm, or a remote model, which is asked in the full wording:
    endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE."""
    preset: str = ""
    """Whose tasks, samples and keywords of games; by default those of the first run that is named, or of azr-tiny."""
    tasks: str | None = None
    """`tiny`, a .jsonl file of lines {"env_id": ..., "task": {...}}, or what --benchmark takes; by default the preset's. Any
    registered game may stand there, also as module:ID; those that are not the preset's are played with their default
    keywords."""
    verifier: str | None = None
    """How answers to rows of your own are judged, as in numeric:rel_tol=1e-3; a benchmark has its own."""
    prompt: str | None = None
    """How problems of sources are asked: full, terse, or a template such as "{question} {request}"; by default as the source
    says."""
    columns: str | None = None
    """Renames columns of rows of your own: question=problem,answer=final_answer."""
    style: str = ""
    """Wording of all prompts, full or terse; by default a run is asked as it was trained, the tiny model in terse, others in
    full."""
    samples: int | None = None
    """Replies per problem; by default 1 with --benchmark and with --greedy, else the preset's."""
    limit: int | None = None
    """Problems per game or source, the first ones; 0: all."""
    greedy: bool = False
    """Take the likeliest token, one reply per problem, in place of drawing: temperature 0."""
    temperature: float | None = None
    """Of the replies; by default the preset's."""
    max_new_tokens: int | None = None
    """Tokens of a reply at most; by default the preset's, or 512 where no preset or run is named and the model is not tiny."""
    seed: int = 0
    """Names the replies' seeds: the same seed asks two models with common random numbers."""
    out: Path | None = None
    """Folder of the stored replies, and of a line of JSON per answer: prompt, reply, verdict, reason. By default
    evals/MODEL; with several models a folder per model in it."""
    batch: int | None = None
    """Replies that are decoded together and then stored, which is what a kill may lose; by default 64, with vllm 512, with the
    tiny model the preset's."""
    sandbox: str = "auto"
    """auto, docker or process."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads, as in `selfplay train --help`."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write the scores to this file, one line of JSON per model: right answers per problem, wording, seed, sampling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The tasks that all models get, and settings."""

    models: tuple[str, ...]
    config: TrainConfig
    """Whose games and judge."""
    evaluation: EvalConfig
    sets: Sequence[TaskSet]

    @property
    def judge(self) -> str:
        """Text of the judge of answers in games that ask one."""
        return self.evaluation.judge or self.config.judge

    @property
    def asks_judge(self) -> bool:
        """Whether a game of the tasks asks a judge."""
        return any(make_game(one.env_id, **one.kwargs).asks_judge for one in self.sets)

    @property
    def count(self) -> int:
        """Problems in all."""
        return sum(one.count for one in self.sets)


def plan_evaluation(command: Evaluate) -> Plan:
    """Models, tasks and settings.

    Raises:
        ValueError: No model is named, or too many; options exclude each other; or there is no task.
    """
    models = (*command.models, *([command.model] if command.model else []))
    local = needs_model(command.sampler)
    _check_options(command, models, local)
    runs = [config for name in models if local and (config := find_model(name)[1])]
    config = find_preset(command.preset) if command.preset else runs[0] if runs else find_preset("azr-tiny")
    evaluation = replace(config.evaluation, **_typed(command, "tasks", "samples", "limit", "verifier", "prompt", "columns"))
    if command.judge and not command.against:
        evaluation = replace(evaluation, judge=command.judge)
    if command.benchmark:
        evaluation = replace(evaluation, tasks=command.benchmark)
    if command.samples is None and (command.benchmark or command.greedy):
        evaluation = replace(evaluation, samples=1)
    sampling = _typed(command, "temperature", "max_new_tokens") | ({"temperature": 0.0} if command.greedy else {})
    if not command.preset and not runs and not (local and all(map(is_tiny, models))):
        sampling = {"max_new_tokens": LONG_REPLY, **sampling}
    evaluation = replace(evaluation, sampling=replace(evaluation.sampling, **sampling))
    if evaluation.tasks == "none":
        whose = f"preset {command.preset}" if command.preset else "this run"
        raise ValueError(
            f"tasks='none': {whose} measures nothing held out; pass --tasks tiny, a .jsonl file, or --benchmark NAME."
        )
    free_text = bool(command.against)
    sets = task_sets(evaluation, config.games, free_text=free_text) or task_sets(evaluation, free_text=free_text)
    plan = Plan(models=models, config=config, evaluation=evaluation, sets=sets)
    if command.judge and not free_text and not plan.asks_judge:
        raise ValueError(
            f"judge={command.judge!r} is asked by no game of tasks={evaluation.tasks!r}, which are checked without one; leave "
            "it out, pass --tasks tiny-instructions, or add --against MODEL to compare answers in pairs."
        )
    return plan


def sets_for(model: str, plan: Plan, command: Evaluate) -> list[TaskSet]:
    """The tasks in the wording of one model; what was typed comes first."""
    local = needs_model(command.sampler)
    sets: list[TaskSet] = []
    for one in plan.sets:
        style = command.style or (wording_of(model, one.env_id, one.name) if local else FULL)
        sets.append(one if one.source and plan.evaluation.prompt else worded(one, style))
    return sets


def folder_of(model: str, plan: Plan, command: Evaluate) -> Path:
    """Where the answers of a model are kept."""
    if command.out is None:
        return EVALS / file_name(model)
    return command.out / file_name(model) if len(plan.models) > 1 else command.out


def batch_of(model: str, plan: Plan, command: Evaluate) -> int:
    """Replies of a model that are decoded and stored at a time."""
    if command.batch is not None:
        return command.batch
    if needs_model(command.sampler) and is_tiny(model):
        return plan.config.max_rows
    return ENGINE_BATCH if parse_sampler(command.sampler)[0] == "vllm" else BATCH


def _check_options(command: Evaluate, models: Sequence[str], local: bool) -> None:
    """Refuses options that make no sense together.

    Raises:
        ValueError: Says which, and what to type.
    """
    if not models:
        raise ValueError("model: none is named; type selfplay eval tiny, or a run's folder, or several to compare them.")
    if not local and len(models) > 1:
        raise ValueError(f"model: {len(models)} are named, but an endpoint holds one; measure one after the other.")
    if len({file_name(name) for name in models}) < len(models):
        raise ValueError(f"model: one of {', '.join(models)} is named twice; name each once.")
    if command.benchmark and command.tasks is not None:
        raise ValueError("benchmark and tasks are both given; name all in one of them, as in --tasks tiny,gsm8k.")
    if command.greedy and command.temperature:
        raise ValueError(f"temperature={command.temperature:g} is not greedy; leave one of the two out.")
    if (command.greedy or command.temperature == 0) and (command.samples or 1) > 1:
        raise ValueError(f"samples={command.samples}: greedy answers to a problem are all the same; leave --samples out.")
    if command.batch is not None and command.batch < 1:
        raise ValueError(f"batch={command.batch} must be at least 1.")


def _typed(command: Evaluate, *names: str) -> dict[str, Any]:
    """Those of the command's fields that were typed."""
    return {name: value for name in names if (value := getattr(command, name)) is not None}


def settings_notes(command: Evaluate, plan: Plan) -> list[str]:
    """A sentence about every run that was trained with other settings of a game than those of this evaluation."""
    notes: list[str] = []
    settings = _settings(plan.config, plan)
    for name in plan.models if needs_model(command.sampler) else ():
        config = find_model(name)[1]
        if config is None:
            continue
        trained = _settings(config, plan)
        ids = {resolve_game_id(mix.env_id) for mix in config.games}
        games = [one.name for one in plan.sets if one.env_id in ids and not one.source]
        differing = {key for game in games for key, value in trained[game].items() if settings[game][key] != value}
        differing = sorted(differing - ({"judge"} if command.judge else set()))
        if differing:
            notes.append(f"{name} was trained with another {', '.join(differing)}; all are asked with the same settings here.")
    return notes


def _settings(config: TrainConfig, plan: Plan) -> dict[str, dict[str, Any]]:
    """Per game of the tasks, its keywords and the judge, but for panel, wording and what changes credits alone."""
    settings_of: dict[str, dict[str, Any]] = {}
    env_ids = {one.name: one.env_id for one in plan.sets if not one.source}
    for game, kwargs in keywords_per_game(env_ids, config.games, env_ids=env_ids).items():
        env_id = env_ids[game]
        left_out = {"attempts", wording_keyword(env_id), *make_game(env_id, **kwargs).credit_keywords}
        settings = {**keywords_of(env_id), **kwargs, "judge": config.evaluation.judge or config.judge}
        settings_of[game] = {name: value for name, value in settings.items() if name not in left_out}
    return settings_of
