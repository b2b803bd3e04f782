"""`exact`: the answer is the gold text, after named normalisations."""

from __future__ import annotations

from ...replies.extraction import last_answer
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..exact import check_exact
from ..findings import Checking
from .base import Extraction
from .questions import QuestionVerifier


class Exact(QuestionVerifier):
    r"""Compares text with text; white space counts as one blank, and none at the ends.

    The answer: what the last `Answer:` line holds, else the last `\boxed{}`, else the last fenced block.
    Reasons: `no_answer`.

    Args:
        case: Whether upper and lower case differ.
        punctuation: Whether punctuation counts.
        articles: Whether `a`, `an` and `the` count.
    """

    def __init__(self, *, case: bool = True, punctuation: bool = True, articles: bool = True) -> None:
        self.case, self.punctuation, self.articles = case, punctuation, articles

    def extract(self, reply: Parsed) -> Extraction:
        """The last answer that the reply names."""
        answer = last_answer(reply)
        return Extraction(fault="no_answer") if answer is None else Extraction(answer)

    def check(self, problem: Problem, answer: str) -> Checking:
        """Text against text."""
        gold = problem.answer or ""
        return check_exact(gold, answer, case=self.case, punctuation=self.punctuation, articles=self.articles)
