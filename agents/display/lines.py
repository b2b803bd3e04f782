"""A run's numbers for people: one step, one evaluation, the sandbox, the last proposals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from sandboxes import SandboxStats
from selfplay_envs import Episode
from selfplay_envs.core.text import printable
from selfplay_envs.names.registration import answering_roles

from ..runs.columns import distinct_share, groups_of, of_role, roles_of
from ..runs.timings import STAGES
from .tables import fitted, whole_words

PROPOSALS_SHOWN = 6
PROPOSAL_CHARS = 300


def summary_line(row: Mapping[str, Any]) -> str:
    """One step in one line: per role validity, solve rate where there is one, entropy, credit."""
    parts: list[str] = []
    for role in roles_of(row):
        numbers = {"valid": "valid_rate", "solved": "solve_rate", "entropy": "entropy", "credit": "credit_mean"}
        values = {name: of_role(row, role, metric) for name, metric in numbers.items()}
        parts.append(f"{role}: " + " ".join(f"{name} {value:.2f}" for name, value in values.items() if value is not None))
    share = distinct_share(row)
    void = void_counts(row)
    return " | ".join([*parts, *([] if share is None else [f"distinct {share:.2f}"]), *([void_line(void)] if void else [])])


def void_counts(row: Mapping[str, Any]) -> Counter[str]:
    """Messages of a step that were charged to nobody, by reason."""
    counts: Counter[str] = Counter()
    for name, count in row.items():
        *_, metric, reason = ("", *name.split("/"))
        if metric == "void":
            counts[reason] += count
    return counts


def void_line(void: Counter[str]) -> str:
    """`void: 3 worker_lost, 1 internal_error`."""
    return "void: " + ", ".join(f"{count} {reason}" for reason, count in void.most_common())


def group_table(row: Mapping[str, Any], width: int) -> RenderableType:
    """Table of the last step, a row per role and task type, for `width` columns."""
    columns = {
        "valid": "valid_rate",
        "solved": "solve_rate",
        "credit": "credit_mean",
        "entropy": "entropy",
        "tokens": "reply_tokens",
    }
    rows: list[list[str]] = []
    for group in groups_of(row):
        values = {name: row.get(f"{group}/{metric}") for name, metric in columns.items()}
        cells = [
            "-" if value is None else f"{value:.0f}" if name == "tokens" else f"{value:.2f}" for name, value in values.items()
        ]
        rows.append([escape(group.replace("/", " / ")), str(row[f"{group}/count"]), *cells])
    table = fitted(("role / task type", "messages", *columns), rows, width)
    share = distinct_share(row)
    if share is None:
        return table
    return Group(table, whole_words(f"{share:.0%} of this step's valid proposals differ from each other", width))


def stage_line(timings: Mapping[str, float]) -> str:
    """`seconds: collect 2.1, update 0.8`; stages under 50 ms are left out."""
    seconds = {name: timings.get(f"{name}_s", 0.0) for name in STAGES}
    stages = [f"{name} {value:.1f}" for name, value in seconds.items() if value >= 0.05]
    return f"seconds: {', '.join(stages) or 'none'}"


def sandbox_line(stats: SandboxStats) -> str:
    """`sandbox: 12,034 calls, 3,250 a second, 5 jobs wait, 2 run; cache answers 41 %; timeout 3, exception 120`."""
    lookups = stats.cache_hits + stats.cache_misses
    speed = f"{stats.calls:,} calls, {stats.calls_per_s:,.0f} a second"
    parts = [f"sandbox: {speed}, {stats.queued} jobs wait, {stats.running} run"]
    if lookups:
        parts.append(f"cache answers {stats.cache_hits / lookups:.0%}")
    if stats.lost:
        parts.append(f"{stats.lost} workers lost, {stats.requeued} jobs sent again")
    bad = [f"{status} {count:,}" for status, count in sorted(stats.statuses.items()) if status != "ok"]
    return "; ".join([*parts, *([", ".join(bad)] if bad else [])])


def score_line(scores: Mapping[str, Any]) -> str:
    """Held-out scores of one evaluation in one line; of several games the mean over games."""
    rates = {name.partition("@")[2]: value for name, value in scores.items() if name.startswith("all/pass@")}
    overall = [f"pass@{k} {rates[k]:.3f}" for k in sorted(rates, key=int)]
    several = " (mean of games)" if len(scores["problems"]) > 1 else ""
    return f"held-out after step {scores['step']}: {', '.join(overall) or 'no scores'}{several if overall else ''}"


def recent_proposals(episodes: Sequence[Episode]) -> list[str]:
    """The last proposals, from every game in turn."""
    by_game: dict[str, list[str]] = {}
    for episode in reversed(episodes):
        line = proposal_line(episode)
        if line is not None:
            by_game.setdefault(episode.game_name, []).append(line)
    turns = [line for turn in zip_longest(*by_game.values()) for line in turn if line is not None]
    return turns[:PROPOSALS_SHOWN]


def proposal_line(episode: Episode) -> str | None:
    """The task that an episode proposed, or why its proposal was refused, in one printable line; None where nobody did.

    The first message proposes, in games in which another role answers.
    """
    first = episode.messages[0] if episode.messages else None
    answers = answering_roles([episode.env_id])
    if first is None or not answers or first.slot.role in answers:
        return None
    if episode.proposed is None:
        text = f"refused, {first.verdict.reason}: {first.reply.text}"
    else:
        task = episode.proposed
        inputs = "; ".join(task.get("inputs", ())[:2])
        text = str(task.get("instruction") or (f"{task['program']} <- {inputs}" if "program" in task else dict(task)))
    return printable(" ".join(f"{first.task_type}: {text}".split()))[:PROPOSAL_CHARS]


def shortened(line: Text, width: int) -> Text:
    """A line of code or prose, indented and cut to the screen's width; three dots stand for the rest."""
    room = max(width - 2, 8)
    cut = line if line.cell_len <= room else Text.assemble(line[: room - 4], " ...")
    cut.pad_left(2)
    return cut


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
