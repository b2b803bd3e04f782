"""`numeric`: the answer is a number, equal to the gold one or as near as options allow."""

from __future__ import annotations

from typing import Literal

from ...core.errors import UsageError
from ...replies.extraction import hashed_answer, last_boxed, last_number, stated_answer
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..findings import Checking
from ..numeric import check_numeric, read_number
from .base import Extraction
from .questions import QuestionVerifier, tolerance


class Numeric(QuestionVerifier):
    r"""Compares numbers exactly: `1,234`, `$5`, `3/4`, `\frac{3}{4}`, `4.5e7`; see `selfplay_envs.verifiers.numeric`.

    The answer: the last `\boxed{}`, else the number behind the last `####`, else the last `Answer:` line or what follows
    the last `answer is`, else the last number of the reply. What is no number as a whole, such as `18 dollars`, stands for
    the last number in it.
    Reasons: `no_number`.

    Args:
        abs_tol: Largest difference. A problem's own `data["tolerance"]` comes before it.
        rel_tol: Largest difference as a share of the gold number.
        percent: Whether `50%` is 0.5; else the sign is passed over.
        find: `any` as above; `hashes` only behind `####`, `last` only the last number: how public harnesses read GSM8K.
    """

    def __init__(
        self,
        *,
        abs_tol: float = 0.0,
        rel_tol: float = 0.0,
        percent: bool = False,
        find: Literal["any", "hashes", "last"] = "any",
    ) -> None:
        self.abs_tol, self.rel_tol = tolerance(abs_tol, "abs_tol"), tolerance(rel_tol, "rel_tol")
        self.percent, self.find = percent, find
        if find == "hashes":
            self.request, self.forms = "End with a line of the form `#### NUMBER`.", ("#### {}",)

    def gold_answer(self, answer: object) -> str:
        """A number, or a solution in GSM8K's form, whose last line begins with `####`."""
        text = super().gold_answer(answer)
        gold = hashed_answer(text) or text
        if read_number(gold) is None:
            raise UsageError(f"answer={text!r:.60} is no number, and no solution that ends in a line `#### NUMBER`.")
        return gold

    def extract(self, reply: Parsed) -> Extraction:
        """The number that the reply gives as its answer, as it is written there."""
        place = self._place(reply.answer)
        if place is not None and read_number(place) is None:
            place = last_number(place)
        return Extraction(fault="no_number") if place is None else Extraction(place)

    def check(self, problem: Problem, answer: str) -> Checking:
        """Number against number."""
        abs_tol = float(problem.data.get("tolerance", self.abs_tol))
        return check_numeric(problem.answer or "", answer, abs_tol=abs_tol, rel_tol=self.rel_tol, percent=self.percent)

    def _place(self, text: str) -> str | None:
        """The part of the text in which the number stands."""
        if self.find == "last":
            return last_number(text)
        hashed = hashed_answer(text)
        if self.find == "hashes":
            return hashed
        boxed = last_boxed(text)
        if boxed is not None:
            return boxed
        if hashed is not None and read_number(hashed) is not None:
            return hashed
        stated = stated_answer(text)
        return text if stated is None else stated
