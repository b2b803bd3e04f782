"""Metrics of a step's episodes, per role and task type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfplay_envs import Episode, Turn
from selfplay_envs.names.registration import answering_roles
from selfplay_envs.tasks.duplicates import recorded_proposal_key

from .rows import JsonRow


def episode_metrics(episodes: Sequence[Episode]) -> JsonRow:
    """Flat metrics named `role/task_type/what`.

    Per role and task type: count, trained, given (gold replies, which nobody sampled), void (messages that are charged to
    nobody, as void/WORD by reason too) and, of those that are neither, credit_mean (the game's), shaped_mean, valid_rate,
    score_mean and, of roles that answer a task, solve_rate (share of messages with score 1); of all, stop_rate, reply_tokens
    (mean), reason/WORD (counts); where a judge of quality was asked, quality_mean and quality/WORD (counts of its reasons: ok,
    unreadable, ...). Per game's proposals: proposals, distinct (as the game tells them apart: code games by syntax tree).
    """
    groups: dict[str, list[Turn]] = {}
    answers = {env_id: answering_roles([env_id]) for env_id in {episode.env_id for episode in episodes}}
    answering: set[str] = set()
    for episode in episodes:
        for turn in episode.messages:
            name = f"{turn.slot.role}/{turn.task_type}" if turn.task_type else turn.slot.role
            groups.setdefault(name, []).append(turn)
            if turn.slot.role in answers[episode.env_id]:
                answering.add(name)
    row: JsonRow = {"episodes": len(episodes)}
    for group, turns in sorted(groups.items()):
        row |= {f"{group}/{name}": value for name, value in _group_metrics(turns, group in answering).items()}
    for name in sorted({episode.game_name for episode in episodes}):
        proposing = [episode for episode in episodes if episode.game_name == name and episode.proposed is not None]
        if proposing:
            distinct = {recorded_proposal_key(episode) for episode in proposing}
            row |= {f"{name}/proposals": len(proposing), f"{name}/distinct": len(distinct)}
    return row


def _group_metrics(turns: Sequence[Turn], answers: bool) -> JsonRow:
    """Metrics of the messages of one role and task type; `answers`: they answer a task."""
    reasons = Counter(turn.verdict.reason for turn in turns)
    void = Counter(turn.void for turn in turns if turn.void)
    given = sum(turn.reply.given and not turn.void for turn in turns)
    counted = [turn for turn in turns if not turn.void and not turn.reply.given]
    means = {
        "credit_mean": [turn.credit for turn in counted],
        "shaped_mean": [turn.shaped for turn in counted],
        "valid_rate": [turn.verdict.valid for turn in counted],
        "score_mean": [turn.verdict.score for turn in counted],
        "solve_rate": [turn.verdict.valid and turn.verdict.score == 1.0 for turn in counted if answers],
    }
    return {
        "count": len(turns),
        "trained": sum(turn.verdict.train and not turn.masked for turn in turns),
        **({"given": given} if given else {}),
        **({"void": void.total()} if void else {}),
        **{f"void/{reason}": count for reason, count in sorted(void.items())},
        **{name: float(np.mean(values)) for name, values in means.items() if values},
        **_reward_metrics(counted),
        "stop_rate": float(np.mean([turn.reply.finish_reason == "stop" for turn in turns])),
        "reply_tokens": float(np.mean([len(turn.reply.token_ids) for turn in turns])),
        **{f"reason/{reason}": count for reason, count in sorted(reasons.items())},
        **_quality_metrics([turn.verdict.data for turn in turns if "quality_reason" in turn.verdict.data]),
    }


def _reward_metrics(turns: Sequence[Turn]) -> JsonRow:
    """Means of the terms of a reward, of which the game's credit is one; nothing where it is the only one."""
    terms = {name for turn in turns for name in turn.terms}
    if not terms:
        return {}
    amounts = {name: [turn.terms.get(name, 0.0) for turn in turns] for name in sorted(terms)}
    amounts["game"] = [turn.credit for turn in turns]
    return {f"reward/{name}": float(np.mean(values)) for name, values in amounts.items()}


def _quality_metrics(judged: Sequence[Mapping[str, Any]]) -> JsonRow:
    """Scores of a further judge of quality; nothing where no message was judged."""
    if not judged:
        return {}
    reasons = Counter(str(data["quality_reason"]) for data in judged)
    mean = float(np.mean([data["quality"] for data in judged]))
    return {"quality_mean": mean, **{f"quality/{reason}": count for reason, count in sorted(reasons.items())}}
