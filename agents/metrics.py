"""Numbers per (role, task type), and JSON-lines files of them that survive a resumed run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selfplay_envs import Episode, Played
from selfplay_envs.buffer import pair_key, task_key
from selfplay_envs.json_lines import read_json_lines
from selfplay_envs.registration import answering_roles

JsonRow = dict[str, Any]


def episode_metrics(episodes: Sequence[Episode]) -> JsonRow:
    """Flat metrics named `role/task_type/what`.

    Per cell: count, trained, void (messages that are charged to nobody, as void/WORD by reason too) and, of those that are not
    void, credit_mean (the game's), shaped_mean, valid_rate, score_mean and, of roles that answer a task, solve_rate (share of
    messages with score 1); of all, stop_rate, reply_tokens (mean), reason/WORD (counts); where a judge of quality was asked,
    quality_mean and quality/WORD (counts of its reasons: ok, unparsed, ...). Per game's proposals: proposals, distinct (by
    syntax tree).
    """
    cells: dict[str, list[Played]] = {}
    answers = {env_id: answering_roles([env_id]) for env_id in {episode.env_id for episode in episodes}}
    answering: set[str] = set()
    for episode in episodes:
        for played in episode.messages:
            name = f"{played.slot.role}/{played.task_type}" if played.task_type else played.slot.role
            cells.setdefault(name, []).append(played)
            if played.slot.role in answers[episode.env_id]:
                answering.add(name)
    row: JsonRow = {"episodes": len(episodes)}
    for cell, played in sorted(cells.items()):
        row |= {f"{cell}/{name}": value for name, value in _cell_metrics(played, cell in answering).items()}
    for env_id in sorted({episode.env_id for episode in episodes}):
        own = [(episode.proposed, episode.messages[0].task_type) for episode in episodes if episode.env_id == env_id]
        keys = [pair_key(task) if kind == "induction" else task_key(task) for task, kind in own if task is not None]
        if keys:
            row |= {f"{env_id}/proposals": len(keys), f"{env_id}/distinct": len(set(keys))}
    return row


def _cell_metrics(played: Sequence[Played], answers: bool) -> JsonRow:
    reasons = Counter(one.verdict.reason for one in played)
    void = Counter(one.void for one in played if one.void)
    counted = [one for one in played if not one.void]
    means = {
        "credit_mean": [one.credit for one in counted],
        "shaped_mean": [one.shaped for one in counted],
        "valid_rate": [one.verdict.valid for one in counted],
        "score_mean": [one.verdict.score for one in counted],
        "solve_rate": [one.verdict.valid and one.verdict.score == 1.0 for one in counted if answers],
    }
    return {
        "count": len(played),
        "trained": sum(one.verdict.train and not one.masked for one in played),
        **({"void": void.total()} if void else {}),
        **{f"void/{reason}": count for reason, count in sorted(void.items())},
        **{name: float(np.mean(values)) for name, values in means.items() if values},
        "stop_rate": float(np.mean([one.reply.finish_reason == "stop" for one in played])),
        "reply_tokens": float(np.mean([len(one.reply.token_ids) for one in played])),
        **{f"reason/{reason}": count for reason, count in sorted(reasons.items())},
        **_quality_metrics([one.verdict.data for one in played if "quality_reason" in one.verdict.data]),
    }


def _quality_metrics(judged: Sequence[Mapping[str, Any]]) -> JsonRow:
    """What a further judge made of the messages that it was asked about; nothing where it was not."""
    if not judged:
        return {}
    reasons = Counter(str(data["quality_reason"]) for data in judged)
    mean = float(np.mean([data["quality"] for data in judged]))
    return {"quality_mean": mean, **{f"quality/{reason}": count for reason, count in sorted(reasons.items())}}


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds one JSON line, keys sorted, and hands it to the operating system."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, sort_keys=True) + "\n")


def read_rows(path: Path) -> list[JsonRow]:
    """The rows of a JSON-lines file; none where there is no file. A last line that was cut off by a crash is left out."""
    if not path.is_file():
        return []
    return list(read_json_lines(path, dict[str, Any], "a row of numbers", whole=True))


def forget_after(path: Path, step: int) -> None:
    """Drops rows of steps after `step`: what a killed run wrote after the checkpoint that it resumes from."""
    if path.is_file():
        kept = [row for row in read_rows(path) if row["step"] <= step]
        write_whole(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in kept))


def write_whole(path: Path, text: str) -> None:
    """Puts `text` into a file so that a kill at any moment leaves either the old content or the new."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
