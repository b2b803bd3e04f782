"""`ifeval`: the answer is right when it meets all of a row's verifiable instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...checks.ifeval.clauses import read_row
from ...checks.ifeval.packages import require_packages
from ...checks.ifeval.scoring import MAX_RESPONSE_CHARS, met_clauses
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..findings import RIGHT, WRONG, Checking, settled
from .base import AnswerVerifier, Extraction
from .columns import read_id, read_list, read_text
from .questions import question_of


class IFEval(AnswerVerifier):
    """Checks instructions such as `use at least 300 words`, as IFEval does (Zhou et al., arXiv 2311.07911).

    The answer is all that counts of a reply (`replies.parsing`), as it stands, less white space in front of it, which follows a
    thought. Reasons: `no_answer` (it is blank), `answer_too_long` (over 20,000 characters).

    Args:
        loose: Whether an answer without its first line, its last or both, or without asterisks meets an instruction too.
    """

    columns = ("question", "instruction_id_list", "kwargs")

    def __init__(self, *, loose: bool = False) -> None:
        self.loose = loose

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A question with `instruction_id_list`, such as `["punctuation:no_comma"]`, and `kwargs`, an object for each.

        A row may have an `answer`, a gold reply.

        Raises:
            UsageError: It is none, or a package is missing.
        """
        require_packages("verifier='ifeval'")
        clauses = read_row(read_list(row, "instruction_id_list"), read_list(row, "kwargs"))
        kwargs = [
            {name: list(value) if isinstance(value, tuple) else value for name, value in clause.arguments.items()}
            for clause in clauses
        ]
        data = {"instruction_id_list": [clause.id for clause in clauses], "kwargs": kwargs}
        gold = read_text(row, "answer") or None
        return Problem(id=read_id(row), fields={"question": question_of(row)}, answer=gold, data=data)

    def extract(self, reply: Parsed) -> Extraction:
        """What counts of the reply."""
        answer = reply.answer.lstrip()
        return Extraction(answer) if answer else Extraction(fault="no_answer")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Every instruction."""
        if len(answer) > MAX_RESPONSE_CHARS:
            return settled("answer_too_long")
        clauses = read_row(problem.data["instruction_id_list"], problem.data["kwargs"])
        return settled(RIGHT if all(met_clauses(clauses, answer, loose=self.loose)) else WRONG)

    def write(self, answer: str) -> str:
        """The answer as it is."""
        return answer
