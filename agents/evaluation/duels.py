"""Runs the duels of two models: asks both for answers, has a judge compare each pair in both orders, keeps what it says.

Judgements are stored as they come, as a judge may be slow or cost money: the same duels run again ask for none twice. What a
judge could not say is not stored, so that it is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfplay_envs import Message, UsageError
from selfplay_envs.core.hashing import short_hash
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.sources.rows import read_rows
from selfplay_envs.tasks.problem import Problem

from ..config.sampling import Sampling
from ..core.seeding import seed_of
from ..judges.pairs import Pair, PairJudge, Preference
from ..samplers.base import Sampler
from .win_rate import Duel, Outcome

CHUNK = 64
"""Pairs that are judged and stored together."""
FROM_FIRST: Mapping[str, Outcome] = {"first": "win", "second": "loss", "tie": "tie", "": ""}
FROM_SECOND: Mapping[str, Outcome] = {"first": "loss", "second": "win", "tie": "tie", "": ""}
"""The model's outcome where its answer was shown first, and where it was shown second."""


@dataclass(frozen=True, slots=True)
class Request:
    """One instruction that is asked."""

    place: int
    """Its row, which names the seeds of replies."""
    problem: Problem
    prompt: tuple[Message, ...]
    """As the models are asked."""

    @property
    def instruction(self) -> str:
        """As the judge is shown it."""
        return self.problem.fields["question"]

    @property
    def subset(self) -> str:
        """Empty where the row names none."""
        return str(self.problem.data.get("subset", ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered."""

    text: str
    """All that counts of its reply: without a thought; empty where that is all there is."""
    cut_off: bool = False
    """It ended at the limit of tokens."""


def ask(sampler: Sampler, requests: Sequence[Request], sampling: Sampling, *, seed: int, copy: int = 0) -> list[Answer]:
    """One answer per request.

    Args:
        sampler: Answers; one that refuses prompts that are too long should be wrapped, see `samplers.fitting`.
        requests: Each is asked once.
        sampling: Of the replies.
        seed: With the request's place it names a reply's seed.
        copy: Further answers of the same model are drawn with another number here.
    """
    seeds = [[seed_of("win rate", seed, copy, request.place)] for request in requests]
    groups = sampler.generate([request.prompt for request in requests], sampling, seeds)
    return [
        Answer(read_reply(reply.text, reply.finish_reason).answer.strip(), reply.finish_reason == "length")
        for [reply] in groups
    ]


def read_answers(path: Path, requests: Sequence[Request]) -> list[Answer]:
    """The answers of a file of rows with `instruction` and `output`, as AlpacaEval's model outputs are, found by instruction.

    An instruction that is asked several times takes its rows in their order.

    Raises:
        UsageError: The file cannot be read, a row has no such texts, or an instruction has no row; names it.
    """
    by_instruction: dict[str, list[str]] = {}
    for place, row in read_rows(path):
        instruction, output = (row.get(name) for name in ("instruction", "output"))
        if not isinstance(instruction, str) or not isinstance(output, str):
            raise UsageError(
                f"against={str(path)!r}: {place} has no texts `instruction` and `output`; give the other's answers so."
            )
        by_instruction.setdefault(instruction, []).append(output)
    answers: list[Answer] = []
    for request in requests:
        outputs = by_instruction.get(request.instruction)
        if not outputs:
            raise UsageError(
                f"against={str(path)!r} has no row for the instruction {request.instruction!r:.60}, or too few; give one with "
                "the very text of every instruction, or ask fewer by limit=."
            )
        answers.append(Answer(outputs.pop(0)))
    return answers


def judge_duels(
    judge: PairJudge,
    requests: Sequence[Request],
    answers: Sequence[Answer],
    others: Sequence[Answer],
    store: Judgements,
    on_judged: Callable[[int, int], None] = lambda stored, new: None,
) -> list[Duel]:
    """Has every pair judged in both orders.

    Args:
        judge: Compares.
        requests: N requests.
        answers: N answers of the model.
        others: N answers of the other.
        store: Of what is known already.
        on_judged: Called with (stored, new) judgements.
    """
    pairs: list[Pair] = []
    for request, answer, other in zip(requests, answers, others, strict=True):
        messages = (Message("user", request.instruction),)
        pairs += [Pair(messages, answer.text, other.text), Pair(messages, other.text, answer.text)]
    said = iter(store.compare(judge, pairs, on_judged))
    duels: list[Duel] = []
    for request, answer, other in zip(requests, answers, others, strict=True):
        first, second = next(said), next(said)
        duels.append(
            Duel(
                instruction=request.instruction,
                subset=request.subset,
                shown_first=FROM_FIRST[first.choice],
                shown_second=FROM_SECOND[second.choice],
                reasons=tuple(one.reason for one in (first, second) if not one.choice),
                length=len(answer.text),
                other_length=len(other.text),
            )
        )
    return duels


class Judgements:
    """What a judge has said, as a file of JSON lines that grows.

    Args:
        path: The file; made with its folder if need be. A last line that a kill cut is cut off.
        name: Of the judge, whose judgements alone are read.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self._known: dict[str, Preference] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text and not text.endswith("\n"):
            text = text[: text.rfind("\n") + 1]
            path.write_text(text, encoding="utf-8")
        for row in map(json.loads, text.splitlines()):
            if row["judge"] == name:
                self._known[row["key"]] = Preference(row["choice"])

    def compare(
        self, judge: PairJudge, pairs: Sequence[Pair], on_judged: Callable[[int, int], None] = lambda stored, new: None
    ) -> list[Preference]:
        """One preference per pair, in order; equal pairs are asked once."""
        keys = [_key(pair) for pair in pairs]
        on_judged(sum(key in self._known for key in keys), 0)
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._known}
        unknown: dict[str, Preference] = {}
        ordered = list(missing.items())
        for start in range(0, len(ordered), CHUNK):
            some = ordered[start : start + CHUNK]
            said = judge.compare([pair for _, pair in some])
            found = {key: preference for (key, _), preference in zip(some, said, strict=True)}
            unknown |= {key: preference for key, preference in found.items() if not preference.choice}
            self._add({key: preference for key, preference in found.items() if preference.choice})
            on_judged(0, sum(key in found for key in keys))
        return [unknown.get(key) or self._known[key] for key in keys]

    def _add(self, found: Mapping[str, Preference]) -> None:
        self._known |= found
        with self.path.open("a", encoding="utf-8") as file:
            for key, preference in found.items():
                file.write(json.dumps({"judge": self.name, "key": key, "choice": preference.choice}) + "\n")


def _key(pair: Pair) -> str:
    return short_hash([[[message.role, message.content] for message in pair.messages], pair.first, pair.second])
