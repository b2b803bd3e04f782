"""Numbers of a run by role, by task type and over steps, read from its rows and recorded episodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfplay_envs import Episode, UsageError, read_episodes
from selfplay_envs.names.registration import game_spec, load_game
from selfplay_envs.tasks.duplicates import recorded_proposal_key

from .folder import recorded_episodes

Row = Mapping[str, Any]


def groups_of(row: Row) -> list[str]:
    """The groups `role/task_type` of a metrics row, sorted; a reason that a game calls `count` makes none."""
    groups = (key.removesuffix("/count") for key in row if key.endswith("/count"))
    return sorted(group for group in groups if group.rpartition("/")[2] not in ("reason", "void", "quality", "reward"))


def roles_of(row: Row) -> list[str]:
    """The roles of a metrics row, sorted."""
    return sorted({group.partition("/")[0] for group in groups_of(row)})


def of_role(row: Row, role: str, what: str) -> float | None:
    """The mean of a metric over all groups of a role; None where no group has it.

    Each group weighs as much as what its mean is over: entropies and KL by tokens that trained, credits, scores and shares of
    right or valid messages by messages that are not void, verdicts on quality by the messages that were judged, all else by
    messages.
    """
    weighted = [
        (row[f"{group}/{what}"], _weight(row, group, what))
        for group in groups_of(row)
        if group.partition("/")[0] == role and f"{group}/{what}" in row
    ]
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total else None


def reward_terms(row: Row, role: str) -> dict[str, float]:
    """Means of the terms of a role's reward over its messages that are not void, `game` first; empty where there are none.

    A group that lacks a term counts as 0 there.
    """
    groups = [group for group in groups_of(row) if group.partition("/")[0] == role and f"{group}/credit_mean" in row]
    weights = {group: _weight(row, group, "credit_mean") for group in groups}
    terms = {group: _terms(row, group) for group in groups}
    sums = dict.fromkeys(("game", *sorted({name for means in terms.values() for name in means} - {"game"})), 0.0)
    for group, weight in weights.items():
        for name, mean in terms[group].items():
            sums[name] += mean * weight
    total = sum(weights.values())
    return {name: value / total for name, value in sums.items()} if total else {}


def _terms(row: Row, group: str) -> dict[str, float]:
    """Means of the terms of one group's reward; all that a batch added is one term, `shaped`, in rows of older runs."""
    start = f"{group}/reward/"
    terms = {key.removeprefix(start): value for key, value in row.items() if key.startswith(start)}
    before = row.get(f"{group}/shaped_mean", 0.0)
    return {**(terms or ({"shaped": before} if before else {})), "game": row[f"{group}/credit_mean"]}


PER_TOKEN = ("entropy", "entropy_sampled", "kl_reference")
"""Metrics that are means over tokens."""
NOT_VOID = ("credit_mean", "shaped_mean", "valid_rate", "score_mean", "solve_rate")
"""Means over messages that are neither void nor given."""


def _weight(row: Row, group: str, what: str) -> float:
    """Number of tokens or messages that a group's mean is over.

    Rows of older runs hold no tokens: messages times their mean length stand for them.
    """
    count = float(row[f"{group}/count"])
    if what in PER_TOKEN:
        return float(row.get(f"{group}/tokens", count * row.get(f"{group}/reply_tokens", 1.0)))
    if what in NOT_VOID or what.startswith("reward/"):
        return count - float(row.get(f"{group}/void", 0)) - float(row.get(f"{group}/given", 0))
    if what == "quality_mean":
        return float(sum(value for key, value in row.items() if key.startswith(f"{group}/quality/")))
    return count


def distinct_share(row: Row) -> float | None:
    """Different proposals of a step per valid proposal, all games together; None where nothing was proposed."""
    proposals = sum(value for key, value in row.items() if key.endswith("/proposals"))
    distinct = sum(value for key, value in row.items() if key.endswith("/distinct"))
    return distinct / proposals if proposals else None


def short_game(env_id: str) -> str:
    """`SelfPlay/Deduction-v0` as `deduction`; the name that a run gives a game as it is."""
    versioned = re.fullmatch(r"(?:.*/)?(.+)-v\d+", env_id)
    return versioned[1].lower() if versioned else env_id


@dataclass(frozen=True, slots=True)
class Proposals:
    """The newest recorded proposals of programs."""

    count: int
    """Proposer messages."""
    valid: int
    distinct: int
    """Different syntax trees among the valid ones."""


def last_proposals(run_dir: Path, most: int = 100) -> Proposals | None:
    """The newest `most` recorded messages that proposed a program; None where none is recorded.

    Only games whose proposals are programs (`Game.proposes`) count: not those about a given program.
    """
    count = valid = 0
    programs: set[str] = set()
    for path in reversed(recorded_episodes(run_dir).values()):
        for episode in read_episodes(path):
            if count == most:
                break
            if not _proposes_program(episode):
                continue
            count += 1
            if episode.proposed is not None:
                valid += 1
                programs.add(recorded_proposal_key(episode))
    return Proposals(count, valid, len(programs)) if count else None


def _proposes_program(episode: Episode) -> bool:
    try:
        game = load_game(str(game_spec(episode.env_id).kwargs["game"]))
    except UsageError:  # a record of a game that is not on this machine
        return False
    return game.proposes == "programs" and bool(episode.messages) and episode.messages[0].slot.role not in game.answers


def series(rows: Sequence[Row], value_of: Callable[[Row], Any]) -> tuple[list[int], list[float]]:
    """Steps and values of rows; those of which `value_of` returns None are left out."""
    points = [(int(row["step"]), value_of(row)) for row in rows]
    kept = [(step, float(value)) for step, value in points if value is not None]
    return [step for step, _ in kept], [value for _, value in kept]
