"""`selfplay eval`: pass@k of a model or a run on held-out tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from ..config import EvalConfig, TrainConfig
from ..presets import find_preset
from ..sampler_text import needs_model
from .runs import find_model
from .terminal import make_console, parse, quiet_libraries


@dataclass(frozen=True)
class Evaluate:
    """Measures pass@k of a model on a preset's held-out tasks."""

    model: tyro.conf.Positional[str]
    """A run's folder (its newest checkpoint), a checkpoint's or model's folder, tiny, smollm2, or a Hugging Face id; with an
    endpoint a name of your choice, for the table."""
    sampler: str = "transformers"
    """What computes the replies: transformers, vllm, or a remote model, which is asked in the full wording:
    endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE."""
    preset: str = ""
    """Whose tasks, games and prompt style; by default the run's own settings, or azr-tiny."""
    tasks: str | None = None
    """`tiny`, or a .jsonl file of lines {"env_id": ..., "task": {...}}; by default the preset's."""
    samples: int | None = None
    """Replies per problem; by default the preset's."""
    limit: int | None = None
    """Problems per game, the first ones; 0: all."""
    seed: int = 0
    """Names the replies' seeds: the same seed asks two models with common random numbers."""
    sandbox: str = "auto"
    """auto, docker or process."""
    device: str = "auto"
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write the scores, with right answers per problem, to this file."""


def evaluate(args: Sequence[str]) -> int:
    """`selfplay eval RUN_OR_MODEL`."""
    command = parse(Evaluate, "eval", args)
    path, config = find_model(command.model) if needs_model(command.sampler) else (command.model, None)
    if command.preset or config is None:
        config = find_preset(command.preset or "azr-tiny")
    changes = {name: getattr(command, name) for name in ("tasks", "samples", "limit") if getattr(command, name) is not None}
    evaluation: EvalConfig = replace(config.evaluation, **changes)
    if evaluation.tasks == "none":
        raise ValueError("tasks='none': this preset measures nothing held out; pass --tasks tiny, or a .jsonl file.")
    console = make_console()
    scores = _measure(console, path, config, evaluation, command)
    from .results import print_scores

    print_scores(console, scores, f"{command.model}: {evaluation.samples} sampled answers per problem")
    if command.json is not None:
        command.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")
        console.print(f"Written to {command.json}")
    return 0


def _measure(console: Console, path: str, config: TrainConfig, evaluation: EvalConfig, command: Evaluate) -> dict[str, Any]:
    """Scores as in `eval.jsonl`."""
    from selfplay_envs import Referee

    with console.status("loading torch and the model ..."):
        from ..chat import special_tokens
        from ..evaluate import evaluate as measure
        from ..evaluate import load_tasks
        from ..models import load_model
        from ..samplers import open_sampler

        quiet_libraries()
        tasks = load_tasks(evaluation.tasks, config.games)
        count = sum(min(len(own), evaluation.limit or len(own)) for own in tasks.values())
        if count == 0:
            games = ", ".join(mix.env_id for mix in config.games)
            raise ValueError(f"tasks={evaluation.tasks!r} holds no problem for {games}; pass --preset.")
        local = needs_model(command.sampler)
        model, tokenizer = load_model(path, device=command.device) if local else (None, None)
        sampler = open_sampler(command.sampler, model, tokenizer, max_rows=config.max_rows)
        referee = Referee(command.sandbox, config.judge, reserved=special_tokens(tokenizer) if tokenizer is not None else ())
        backend = referee.sandbox.name
    console.print(f"{count} problems x {evaluation.samples} answers; programs run in the {backend} sandbox.")
    wording = {} if local else {"style": "full"}
    kwargs = {mix.env_id: {**mix.kwargs, **wording} for mix in config.games}
    try:
        with console.status(f"answering {count} problems ..."):
            result = measure(sampler, referee, tasks, evaluation, kwargs=kwargs, seed=command.seed)
    finally:
        sampler.close()
    return {"step": 0, **result.scores(), "problems": result.to_json()}
