"""`selfplay analyze entropy` of models and of recorded episodes: opens them one after the other, and prints what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from selfplay_envs import read_episodes

from ...arguments.evaluation import LONG_REPLY
from ...arguments.game_ids import allow_local_modules
from ...arguments.prompt_style import is_tiny, wording_of
from ...config.game_keywords import check_wording
from ...config.presets import find_preset
from ...config.run import EvalConfig
from ...config.sampling import Sampling
from ...core.files import write_whole
from ...display.tables import make_console, print_table, say
from ...runs.folder import find_model
from .entropy_policy import OpenPolicy, opened_policy
from .numbers import interval
from .outputs import json_text

if TYPE_CHECKING:  # they load torch
    from ...analysis.entropy.asking import Asked
    from ...analysis.entropy.study import EntropyStudy
    from ...analysis.entropy.tokens import TokenSummary
    from ...evaluation.task_sets import TaskSet
    from .entropy_options import Entropy

BRIEF_REPLY = 128
"""Tokens of a reply at most, of the tiny model."""


def of_models(command: Entropy) -> int:
    """Samples or reads replies, scores them, prints tables."""
    allow_local_modules()  # games of one's own
    console = make_console()
    if command.episodes:
        return _of_episodes(console, command)
    _show(console, command, study_named(console, command, {name: name for name in command.names}))
    return 0


def study_named(console: Console, command: Entropy, models: Mapping[str, str]) -> EntropyStudy:
    """Samples from all models and compares them token by token.

    Args:
        console: For progress.
        command: Its `names` are the models, the base first.
        models: The same by the names that results have for them.
    """
    sets = [] if command.prompts is not None else _sets(command)
    asked = {name: _asked(command, sets, model) for name, model in models.items()}
    sampling = Sampling(temperature=command.temperature, max_new_tokens=_reply_limit(command))
    count = len(next(iter(asked.values())))
    say(console, f"{count} prompts x {command.samples} replies of each model, temperature {command.temperature:g}.")
    with console.status("loading ..."):
        from ...analysis.entropy.study import study_models

    def opened(name: str) -> AbstractContextManager[OpenPolicy]:
        return opened_policy(console, command, models[name], asked[name], sampling)

    return study_models(list(models), opened)


def _of_episodes(console: Console, command: Entropy) -> int:
    with console.status("reading ..."):
        from ...analysis.entropy.curves import recorded_steps, sampled_entropy
        from ...analysis.entropy.recorded import recorded_replies
        from ...analysis.entropy.study import study_recorded

        paths = [file for path in command.episodes for file in (recorded_steps(path).values() if path.is_dir() else [path])]
        episodes = [episode for path in paths for episode in read_episodes(path)]
        samples = recorded_replies(episodes)
    source = " ".join(map(str, command.episodes))
    if command.names:
        study = study_recorded(command.names, samples, source, lambda name: opened_policy(console, command, name, (), None))
        _show(console, command, study)
        return 0
    means = sampled_entropy(episodes)
    rows = [[escape(group), f"{mean:.3f}"] for group, mean in means.items()]
    print_table(console, f"Mean of -log p of the sampled tokens in {source}, nats", ("group", "entropy"), rows)
    say(
        console,
        "As they were sampled. Name a model for exact entropies over the vocabulary: selfplay analyze entropy MODEL ...",
    )
    _write(console, command, {"episodes": source, "sampled": means})
    return 0


def _sets(command: Entropy) -> list[TaskSet]:
    """The tasks that are asked, checked before anything is loaded."""
    from ...evaluation.task_sets import task_sets

    runs = [config for name in command.names if (config := find_model(name)[1])]
    config = EvalConfig(tasks=command.tasks, limit=command.limit)
    games = (runs[0] if runs else find_preset("azr-tiny")).games
    sets = task_sets(config, games) or task_sets(config)
    if not sets:
        raise ValueError(f"tasks={command.tasks!r} names none; pass tiny, a .jsonl file, a benchmark, or --prompts FILE.")
    if command.style:
        check_wording(command.style, [one.env_id for one in sets])
    return sets


def _asked(command: Entropy, sets: Sequence[TaskSet], name: str) -> Sequence[Asked]:
    """What a model is asked, in its own wording."""
    from ...analysis.entropy.asking import prompts_of, read_prompts
    from ...evaluation.task_sets import worded

    if command.prompts is not None:
        prompts = read_prompts(command.prompts)
        return prompts[: command.limit] if command.limit else prompts
    return prompts_of([worded(one, command.style or wording_of(name, one.env_id, one.name)) for one in sets])


def _reply_limit(command: Entropy) -> int:
    brief = all(map(is_tiny, command.names))
    return command.max_new_tokens or (BRIEF_REPLY if brief else LONG_REPLY)


def _show(console: Console, command: Entropy, study: EntropyStudy) -> None:
    """Tables, and the files that were asked for."""
    from ...analysis.entropy.tokens import BIN

    for name in dict.fromkeys(one.model for one in study.summaries):
        _print_summaries(console, [one for one in study.summaries if one.model == name])
    say(
        console,
        f"high: share of tokens above {study.threshold:.3f} nats, the base's 80th percentile. Intervals: 95 %, over prompts.",
    )
    if study.overlaps:
        rows = [
            [
                escape(f"{one.model} on replies of {one.replies}"),
                interval(one.change, signed=True),
                f"{one.overlap:.3f}",
                f"{one.chance:.3f}",
                interval(one.kl),
            ]
            for one in study.overlaps
        ]
        print_table(
            console,
            f"Beside {study.overlaps[0].base}, the same tokens",
            ("model", "change of entropy", "overlap", "chance", "log p ratio"),
            rows,
        )
        say(
            console,
            "overlap: share of the base's most uncertain fifth of the tokens that is among the model's. log p ratio: mean over "
            "tokens of log p of whoever sampled them less that of the other, which estimates KL per token.",
        )
    _write(console, command, {"bin_nats": BIN, **asdict(study)})
    if command.plot is not None:
        from ...reports.entropy import draw_study
        from ...reports.style import save_png

        save_png(draw_study(study), command.plot)
        say(console, f"Drawn into {command.plot}")


def _print_summaries(console: Console, summaries: Sequence[TokenSummary]) -> None:
    rows = [
        [
            escape(one.group),
            f"{one.tokens:,}",
            interval(one.exact),
            f"{one.sampled:.3f}",
            f"{one.quantiles[0.5]:.3f}",
            f"{one.quantiles[0.95]:.3f}",
            f"{one.high_share:.3f}",
        ]
        for one in summaries
    ]
    first = summaries[0]
    whose = "its own replies" if first.replies == first.model else first.replies
    print_table(
        console,
        f"{first.model} on {whose}: nats per token",
        ("group", "tokens", "entropy", "-log p", "median", "95th", "high"),
        rows,
    )


def _write(console: Console, command: Entropy, result: Mapping[str, Any]) -> None:
    if command.json is not None:
        write_whole(command.json, json_text(result))
        say(console, f"Written to {command.json}")
