"""Fixed problems on the same API: one role answers a problem that nobody proposed, K attempts at once; a verifier judges.

With it RLVR, supervised fine-tuning and evaluation are the same loop as self-play: a problem of a file, a hub or a generator
reaches the episode through `options["task"]`, as a task out of a buffer does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...core.arguments import credit_number
from ...core.errors import UsageError
from ...core.game import Game, Judging, Verdict
from ...core.messages import Message, Slot
from ...replies.parsing import read_reply
from ...sources.registry import file_of, open_source, problems_of
from ...sources.source import Source
from ...tasks.problem import Problem
from ...verifiers.answers.table import find_answer_verifier
from ...verifiers.findings import RIGHT, VOID, WRONG
from .prompts import STYLES, find_prompt
from .samples import other_answer

NONE = "none"
"""As `system`: no system message."""


class Dataset(Game):
    """One problem, K answers. Without `options["task"]` the problem is drawn from the source.

    Reasons of an answer: `ok`, `wrong`, those of `read_reply` and of the verifier. Reasons why it is void:
    `selfplay_envs.verifiers.findings.VOID`.

    Args:
        source: A `.jsonl`, `.csv` or `.parquet` file, `hf:ID[:config][:split]`, `reasoning-gym:NAME`, or a benchmark of
            `selfplay benchmarks`, with options as in `gsm8k:path=gsm8k.jsonl`.
        verifier: How answers are judged, as in `numeric:rel_tol=1e-3`; empty: as the source says. A file has to be told.
        prompt: `full`, `terse`, or a template such as `{question} {request}`; empty: as the source says. A problem that is a
            chat is asked as it is.
        system: A system message that comes first, in the place of one that is there; `none`: there is none; empty: as it is.
        columns: Renames columns of a file: `question=problem,answer=final_answer`.
        attempts: Answers per problem, 1 to 1024.
        wrong_credit: Credit of a wrong answer; a right one has 1.
        malformed_credit: Credit of a reply in which no answer is found.
        malformed: `punish` trains on such replies, `mask` leaves them out.
    """

    roles = ("solver",)
    task_type = "dataset"
    styles = STYLES

    def __init__(
        self,
        *,
        source: str = "sample",
        verifier: str = "",
        prompt: str = "",
        system: str = "",
        columns: str = "",
        attempts: int = 8,
        wrong_credit: float = 0.0,
        malformed_credit: float = 0.0,
        malformed: str = "punish",
    ) -> None:
        super().__init__(attempts=attempts)
        if malformed not in ("punish", "mask"):
            raise UsageError(f"malformed={malformed!r} is not known; choose punish or mask.")
        self.source = _source_of(source, verifier, columns)
        self.verifier = find_answer_verifier(verifier or self.source.verifier)
        self.wording = find_prompt(prompt or self.source.prompt)
        self.system = system
        self.wrong_credit = credit_number(wrong_credit, "wrong_credit")
        self.malformed_credit = credit_number(malformed_credit, "malformed_credit")
        self.train_malformed = malformed == "punish"
        self.problem: Problem | None = None
        self._task_id = ""

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Poses `options["task"]`, else a problem of the source drawn from `rng`.

        Raises:
            UsageError: The task is no problem, or the source cannot be read.
        """
        data = options.get("task")
        if data is None:
            problems = problems_of(self.source)
            self.problem = problems[int(rng.integers(len(problems)))]
        else:
            self.problem = Problem.from_json(data)
        self._task_id = self.problem.task_id
        self._over = False

    def pending(self) -> tuple[Slot, ...]:
        """All attempts at once."""
        return () if self._over else tuple(Slot("solver", attempt, 0) for attempt in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The problem in the game's wording, with the game's system message."""
        messages = self.wording.ask(self.posed, self.verifier)
        if not self.system:
            return messages
        rest = messages[1:] if messages[0].role == "system" else messages
        return rest if self.system == NONE else (Message("system", self.system), *rest)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        """Finds the answer in the reply and has the verifier judge it."""
        reply = read_reply(text, finish_reason)
        extraction = None if reply.fault else self.verifier.extract(reply)
        fault = reply.fault if extraction is None else extraction.fault
        if extraction is None or fault:
            return Verdict(valid=False, reason=fault, train=self.train_malformed)
        finding = yield from self.verifier.check(self.posed, extraction.answer)
        if finding in VOID:
            return Verdict.nothing(finding)
        if finding in (RIGHT, WRONG):
            return Verdict(valid=True, reason="ok" if finding == RIGHT else "wrong", score=float(finding == RIGHT))
        return Verdict(valid=False, reason=finding, train=self.train_malformed)

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """Credits an answer."""
        right = verdict.score == 1.0
        self.outcome[slot.role, slot.attempt] = verdict.score
        self.credit[slot] = self.malformed_credit if not verdict.valid else 1.0 if right else self.wrong_credit
        self._over = True

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        """The others go on without an attempt of which nothing is known."""
        self.outcome[slot.role, slot.attempt] = 0.0
        self._over = True
        return True

    def gold_reply(self, slot: Slot) -> str | None:
        """The gold answer in the form that the verifier reads, between the tags `<answer>` where the prompt speaks of them."""
        gold = self.verifier.gold(self.posed)
        return None if gold is None else self._in_tags(gold, slot)

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str | None:
        """The gold reply, or one with another answer of the same form."""
        gold = self.gold_reply(slot)
        if gold is not None and rng.random() < 0.5:
            return gold
        return self._in_tags(self.verifier.write(other_answer(self.posed, self.verifier.poses, rng)), slot)

    def _in_tags(self, reply: str, slot: Slot) -> str:
        asked = "<answer>" not in reply and any("<answer>" in message.content for message in self.prompt(slot))
        return f"<answer>\n{reply}\n</answer>" if asked else reply

    @property
    def posed(self) -> Problem:
        """The problem of the episode."""
        assert self.problem is not None, "a problem is posed once the game is reset"
        return self.problem

    @property
    def task_id(self) -> str:
        """The problem's content hash, empty before there is one."""
        return self._task_id

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        """The problem's program, else its question: two problems that share it are one."""
        return self.verifier.key(Problem.from_json(task))


def _source_of(text: str, verifier: str, columns: str) -> Source:
    """The source, also where it is a file that is gone: an episode whose task is in its options plays without it."""
    path = file_of(text)
    gone = bool(path) and not verifier and not Path(path).exists()
    return open_source(text, "chat" if gone else verifier, columns)  # only chats may have gone without a verifier
