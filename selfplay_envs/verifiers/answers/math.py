r"""`math`: the answer is LaTeX, compared with the gold one by the package math-verify."""

from __future__ import annotations

from ...replies.extraction import last_boxed, stated_answer
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..findings import Checking
from ..math_answer import PACKAGES, check_math
from .base import Extraction
from .questions import QuestionVerifier, tolerance


class Math(QuestionVerifier):
    r"""Compares mathematics: numbers, expressions, equations, sets, intervals, matrices; see `check_math`.

    The answer: the last `\boxed{}`, else the last `Answer:` line, else what follows the last `answer is`.
    Reasons: `no_boxed_answer`, and those of `check_math`.

    Args:
        strict: Whether variables have names, and sets differ from tuples and intervals.
        abs_tol: Largest difference of numbers. A problem's own `data["tolerance"]` comes before it.
        rel_tol: The same as a share of the gold number.
    """

    request = r"Put the final answer in \boxed{}."
    forms = ("\\boxed{{{}}}", "Answer: {}")
    packages = PACKAGES

    def __init__(self, *, strict: bool = True, abs_tol: float = 0.0, rel_tol: float = 0.0) -> None:
        self.strict = strict
        self.abs_tol, self.rel_tol = tolerance(abs_tol, "abs_tol"), tolerance(rel_tol, "rel_tol")

    def extract(self, reply: Parsed) -> Extraction:
        """The boxed or stated answer."""
        answer = last_boxed(reply.answer)
        if answer is None:
            answer = stated_answer(reply.answer)
        return Extraction(fault="no_boxed_answer") if answer is None else Extraction(answer)

    def check(self, problem: Problem, answer: str) -> Checking:
        """Mathematics against mathematics."""
        abs_tol = float(problem.data.get("tolerance", self.abs_tol))
        return check_math(problem.answer or "", answer, strict=self.strict, abs_tol=abs_tol, rel_tol=self.rel_tol)
