"""The verb `eval`: pass@k of models or runs on held-out tasks and benchmarks, and whether several differ by more than noise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from selfplay_envs import Referee

from ..arguments.evaluation import Evaluate, Plan, batch_of, folder_of, plan_evaluation, sets_for, settings_notes
from ..arguments.game_ids import allow_local_modules
from ..arguments.open_model import open_model
from ..arguments.own_judge import Judges, judges_of
from ..arguments.parser import check_writable, parse
from ..config.game_keywords import check_wording
from ..config.sampler import needs_model
from ..display.progress import WorkProgress
from ..display.tables import make_console, say
from ..duels.asking import STORE
from ..duels.measure import measure_against
from ..runs.folder import find_model

if TYPE_CHECKING:  # it loads torch
    from ..evaluation.grading import Sample
    from ..samplers.cached import CachedSampler


def evaluate(args: Sequence[str]) -> int:
    """`selfplay eval MODEL [MODEL ...]`."""
    command = parse(Evaluate, "eval", args)
    allow_local_modules()  # games of one's own
    if command.json is not None:
        check_writable(command.json, "json")
    plan = plan_evaluation(command)
    if command.style:
        check_wording(command.style, [one.env_id for one in plan.sets])
    console = make_console()
    for note in settings_notes(command, plan):
        say(console, note)
    if command.against:
        _write(console, command.json, measure_against(console, plan, command))
        return 0
    judges = judges_of(plan.judge, plan.config, device=command.device, short_cuts=command.short_cuts)
    rows = [_measure(console, name, plan, command, judges) for name in plan.models]
    _print(console, rows)
    _write(console, command.json, rows)
    return 0


def _write(console: Console, path: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes a line of JSON per model, where --json names a file."""
    if path is not None:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        say(console, f"Written to {path}")


def _measure(console: Console, name: str, plan: Plan, command: Evaluate, judges: Judges) -> dict[str, Any]:
    """One model's row, as in `eval.jsonl`, with its tasks, seed and sampling."""
    path = find_model(name)[0] if needs_model(command.sampler) else name
    folder, batch = folder_of(name, plan, command), batch_of(name, plan, command)
    with console.status(f"loading {name} ..."):
        from ..evaluation.evaluate import evaluate_sets, reply_seed
        from ..evaluation.samples import SampleFiles
        from ..samplers.cached import CachedSampler, policy_key
        from ..samplers.reply_store import ReplyStore

        store = ReplyStore(folder / STORE)
        try:
            model = open_model(name, command.sampler, device=command.device, max_rows=batch, short_cuts=command.short_cuts)
            referee = Referee(command.sandbox, *judges, reserved=model.reserved)
            policy = policy_key(command.sampler, model.fingerprint())
        except BaseException:
            store.close()
            raise
    for note in model.notes:
        say(console, note)
    samples, sampling = plan.evaluation.samples, plan.evaluation.sampling
    say(console, f"{name}: {plan.count} problems x {samples} answers; programs run in the {referee.sandbox.name} sandbox.")
    progress = WorkProgress(console, name, plan.count * samples, "answers")
    sampler = CachedSampler(model.sampler, store, policy, batch=batch, on_replies=progress.add)
    by_role: dict[str, CachedSampler] = {role: sampler.with_adapter(role) for role in model.by_role}

    def key_of(sample: Sample) -> str:
        if sample.turn is None:
            return ""
        seed = reply_seed(command.seed, sample.place, sample.turn.slot)
        return by_role.get(sample.turn.slot.role, sampler).key(sample.turn.messages, sampling, seed)

    sets = sets_for(name, plan, command)
    try:
        with progress, SampleFiles(folder, [one.name for one in sets], key_of) as files:
            result = evaluate_sets(
                sampler, referee, sets, plan.evaluation, by_role=by_role, seed=command.seed, on_samples=files.write
            )
    except KeyboardInterrupt:
        say(console, f"Stopped: {len(store):,} replies are stored in {folder}; the same command typed again goes on.")
        raise
    finally:
        sampler.close()
        store.close()
    say(console, f"{progress.new:,} of {progress.done:,} answers drawn now; each is a line in {folder}.")
    scores = {**_settings(plan, command), **result.scores()}
    return {"model": name, "step": _step_of(path), **scores, "problems": result.to_json()}


def _settings(plan: Plan, command: Evaluate) -> dict[str, Any]:
    """What a row says of how its answers were drawn, and by whom they were scored where a game asks a judge."""
    judge = {"judge": plan.judge} if plan.asks_judge else {}
    return {"tasks": plan.evaluation.tasks, "seed": command.seed, "sampling": asdict(plan.evaluation.sampling), **judge}


def _step_of(path: str) -> int:
    """Steps that a checkpoint was trained; 0 for any other model."""
    state = Path(path) / "state.json"
    return int(json.loads(state.read_text(encoding="utf-8"))["step"]) if state.is_file() else 0


def _print(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    from ..display.results import print_scores
    from ..display.several_models import cut_off, print_models, sampling_text

    if len(rows) == 1:
        [row] = rows
        print_scores(console, row, "; ".join(filter(None, (f"{row['model']}: {sampling_text(row)}", cut_off(row)))))
    else:
        print_models(console, rows)
