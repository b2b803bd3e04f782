"""Parts of your own, by name: a judge, a proposer reward, a shaper and an algorithm, all in one file, none of them registered.

Wherever a name is asked for, `module:NAME` is one of yours, and `:key=value,...` behind it sets its keywords:

    python -m examples.own_parts --fast
    selfplay train lsp-tiny --judge examples.own_parts:Vowels:letter=e --algorithm examples.own_parts:MEDIAN
    gymnasium.make("SelfPlay/Deduction-v0", learnability="examples.own_parts:near:target=0.7")

A package of yours gives them short names by entry points: groups `selfplay_envs.judges`, `.learnability`, `.shapers`,
`.verifiers` and `.games`, `agents.algorithms`, `.samplers` and `.presets`.
"""

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch

from agents import Algorithm, find_preset, train
from agents.algorithms.advantages import on_tokens
from agents.algorithms.losses import policy_gradient
from selfplay_envs import Episode, JudgeItem, Score
from selfplay_envs.rewards.learnability import SolveStats


class Vowels:
    """Scores an answer by the share of its words that hold a letter, whatever the instruction says."""

    def __init__(self, letter: str = "a", weight: float = 1.0):
        self.letter, self.weight = letter, weight

    def score(self, items: list[JudgeItem]) -> list[Score]:
        return [Score(values=tuple(self.weight * self.share(answer.split()) for answer in item.answers)) for item in items]

    def share(self, words: list[str]) -> float:
        return sum(self.letter in word.lower() for word in words) / max(1, len(words))


def near(stats: SolveStats, *, target: float = 0.5) -> float:
    """Proposer reward: the nearer the panel's solve rate is to `target`, the better."""
    return 0.0 if stats.extreme else 1.0 - abs(stats.rate - target)


def variety(episodes: list[Episode], *, weight: float = 0.5) -> dict[tuple[int, int], float]:
    """Shaper: takes `weight` from each proposal that stands word for word more than once in the batch."""
    counts = Counter(episode.messages[0].reply.text for episode in episodes)
    return {(i, 0): -weight for i, episode in enumerate(episodes) if counts[episode.messages[0].reply.text] > 1}


def above_median(returns_B, group_B, mask_BT):
    """A = R - median of the group: a baseline that one lucky reply does not move."""
    baseline_B = torch.stack([returns_B[group_B == group].median() for group in group_B])
    return on_tokens(returns_B - baseline_B, mask_BT)


MEDIAN = Algorithm(
    name="median",
    advantage=above_median,
    loss=policy_gradient,
    group_by="role+task_type",
    paper="REINFORCE with the median of a role's returns as its baseline",
)


def own_run(steps: int = 20):
    """A preset of your own, `selfplay train examples.own_parts:own_run`: answers are judged, and programs are proposed."""
    here = "examples.own_parts"
    judged, coded = find_preset("lsp-tiny"), find_preset("azr-tiny").games[0]
    proposing = replace(coded, fresh=4, replay=0, kwargs={**coded.kwargs, "learnability": f"{here}:near:target=0.7"})
    return replace(
        judged,
        games=(*judged.games, proposing),
        judge=f"{here}:Vowels:letter=e,weight=2",
        shapers=(f"{here}:variety:weight=0.25",),
        algorithm=f"{here}:MEDIAN",
        steps=steps,
    )


def main(steps: int) -> Path:
    """Trains the tiny model with them; returns the last checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        return train(
            own_run(steps), Path(folder), lambda event: print(event.data["metrics"]["loss"]) if event.kind == "step" else None
        )


if __name__ == "__main__":
    main(2 if "--fast" in sys.argv else 20)
