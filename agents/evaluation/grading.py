"""From an episode to graded answers: right, wrong, without an answer that could be read, or void; and their counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from selfplay_envs import Episode, Game
from selfplay_envs.core.hashing import short_hash
from selfplay_envs.core.records import Turn
from selfplay_envs.games.dataset.dataset import Dataset
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.tasks.duplicates import task_key

from ..core.errors import AgentError
from ..samplers.fitting import NO_ROOM

TOO_LONG = "prompt_too_long"
"""Reason of an answer that nobody was asked for, since its prompt leaves no room for one in the model's context."""
RIGHT, WRONG, UNREADABLE, CUT_OFF, VOID = ANSWERS = ("right", "wrong", "unreadable", "cut_off", "void")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer to one problem."""

    name: str
    """Of the set of tasks."""
    problem: int
    """Its place there, from 0."""
    id: str
    """Its name in its source; empty where it has none."""
    number: int
    """Which of the answers to the problem, from 0."""
    place: int | str
    """What names the problem in the seeds of its replies."""
    turn: Turn | None
    """The last message of the attempt; None where the episode ended before."""
    program: str
    """What the problem shares with others that are no independent evidence: a fixed problem's key, a task's program."""
    verdict: str
    """`right`, `wrong`, `unreadable` (no answer was found) or `void`."""
    reason: str

    @property
    def score(self) -> float:
        """1 right, 0 neither, NaN void."""
        return np.nan if self.verdict == VOID else float(self.verdict == RIGHT)

    @property
    def value(self) -> float:
        """The verdict's own score, such as the share of an instruction's clauses that are met; NaN void."""
        return np.nan if self.verdict == VOID or self.turn is None else self.turn.verdict.score

    @property
    def kind(self) -> str:
        """The one of `ANSWERS` that it counts as: whatever ended at the limit of tokens and is not right is `cut_off`."""
        cut = self.turn is not None and self.turn.reply.finish_reason == "length"
        return CUT_OFF if cut and self.verdict in (WRONG, UNREADABLE) else self.verdict


@dataclass(slots=True)
class Tally:
    """What is kept of the answers of one set of tasks: some numbers per problem, no text."""

    scores: list[np.ndarray] = field(default_factory=list[np.ndarray])
    """Per problem, float64 (samples,)."""
    values: list[np.ndarray] = field(default_factory=list[np.ndarray])
    """The verdicts' own scores, in the same form."""
    programs: list[str] = field(default_factory=list[str])
    answers: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ANSWERS, 0)))
    unreadable: Counter[str] = field(default_factory=Counter[str])
    cut_off: int = 0
    """Messages that ended at the limit of tokens."""

    def add(self, game: Game, episode: Episode, samples: list[Sample]) -> None:
        """Counts the answers to one problem."""
        self.scores.append(np.array([sample.score for sample in samples]))
        self.values.append(np.array([sample.value for sample in samples]))
        self.programs.append(samples[0].program)
        self.answers.update(sample.kind for sample in samples)
        self.unreadable.update(sample.reason for sample in samples if sample.kind == UNREADABLE)
        messages = (turn for turn in episode.messages if turn.slot.role in game.answers)
        self.cut_off += sum(turn.reply.finish_reason == "length" for turn in messages)

    def by_answer(self, *, always: bool) -> np.ndarray | None:
        """Scores of every answer's verdict, float64 (problems, samples), NaN void.

        Args:
            always: False: None where every answer was worth 0 or 1.
        """
        values = np.stack(self.values)
        plain = np.isin(values, (0.0, 1.0)) | np.isnan(values)
        return None if plain.all() and not always else values


def grade(game: Game, episode: Episode, *, name: str, problem: int, place: int | str, attempts: int) -> list[Sample]:
    """The answers of an episode: one per attempt of every answering role; an attempt without a message is void.

    Raises:
        AgentError: Nobody answered, and nothing that is void explains it.
    """
    last = {(turn.slot.role, turn.slot.attempt): turn for turn in episode.messages}
    turns = [last.get((role, attempt)) for role in game.answers for attempt in range(attempts)]
    lost = next((turn.void for turn in episode.messages if turn.void), "")
    if not any(turns) and not lost:
        raise AgentError(
            f"{episode.env_id}: no {' or '.join(game.answers)} spoke in an episode on the task "
            f"{dict(episode.options['task'])!r:.200}; see that the game's `reset` starts with options['task']."
        )
    identity, program = str(episode.options["task"].get("id", "")), _problem_key(game, episode)
    samples: list[Sample] = []
    for number, turn in enumerate(turns):
        verdict, reason = (VOID, lost) if turn is None else _verdict(game, turn)
        samples.append(
            Sample(
                name=name,
                problem=problem,
                id=identity,
                number=number,
                place=place,
                turn=turn,
                program=program,
                verdict=verdict,
                reason=reason,
            )
        )
    return samples


def _verdict(game: Game, turn: Turn) -> tuple[str, str]:
    """Verdict and reason of an answer.

    A fixed problem's verifier says whether it finds an answer; in other games a reply that is not valid holds none.
    """
    if turn.void:
        return VOID, turn.void
    if turn.verdict.valid and turn.verdict.score == 1.0:
        return RIGHT, turn.verdict.reason
    if turn.reply.finish_reason == NO_ROOM:
        return UNREADABLE, TOO_LONG
    if not isinstance(game, Dataset):
        return WRONG if turn.verdict.valid else UNREADABLE, turn.verdict.reason
    reply = read_reply(turn.reply.text, turn.reply.finish_reason)
    fault = reply.fault or game.verifier.extract(reply).fault
    return UNREADABLE if fault else WRONG, turn.verdict.reason


def _problem_key(game: Game, episode: Episode) -> str:
    """`Sample.program` of the problem of an episode."""
    task = episode.options["task"]
    return short_hash(game.proposal_key(task)) if isinstance(game, Dataset) else task_key(task)
