"""Verifiers for which all that counts of a reply is the answer.

`chat`: whole conversations, whose last message of the assistant is the gold reply, as supervised fine-tuning wants them.
`free-text`: a request that has no one right answer; a judge compares or scores answers to it, no verifier can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...core.messages import Message
from ...replies.parsing import Parsed, read_reply
from ...tasks.problem import Problem
from ..findings import NEEDS_JUDGE, RIGHT, WRONG, Checking, settled
from .base import AnswerVerifier, Extraction
from .columns import read_text
from .questions import id_of, question_of

ROLES = ("system", "user", "assistant")


class Chat(AnswerVerifier):
    """The answer is all that counts of a reply (`replies.parsing`), and right where it is the gold reply's, white space aside.

    Reasons: `no_answer` (nothing follows the thought).
    """

    columns = ("messages",)

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A conversation; its last message, if it is the assistant's, is the gold reply and no part of the prompt."""
        messages = read_chat(row["messages"])
        gold = messages[-1].content if messages[-1].role == "assistant" else None
        asked = messages if gold is None else messages[:-1]
        if not asked:
            raise UsageError("messages are a reply alone; put the message before it that it answers.")
        return Problem(id=str(row.get("id", "")), messages=asked, answer=gold)

    def extract(self, reply: Parsed) -> Extraction:
        """What counts of the reply, whole."""
        answer = reply.answer.strip()
        return Extraction(answer) if answer else Extraction(fault="no_answer")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Text against text."""
        gold = self.extract(read_reply(problem.answer or ""))
        return RIGHT if not gold.fault and answer.split() == gold.answer.split() else WRONG
        yield []

    def write(self, answer: str) -> str:
        """The message as it is."""
        return answer


class FreeText(AnswerVerifier):
    """The answer is all that counts of a reply. Columns: `question`; `answer` (an example), `subset` and `id` if there are any.

    The example is right; of every other answer nothing is known (`needs_judge`). Reasons: `no_answer` (nothing follows the
    thought).
    """

    columns = ("question",)

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The request, with its example and its subset."""
        subset = read_text(row, "subset")
        return Problem(
            id=id_of(row),
            fields={"question": question_of(row)},
            answer=read_text(row, "answer") or None,
            data={"subset": subset} if subset else {},
        )

    def extract(self, reply: Parsed) -> Extraction:
        """What counts of the reply, whole."""
        answer = reply.answer.strip()
        return Extraction(answer) if answer else Extraction(fault="no_answer")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Text against the example's text."""
        example = self.extract(read_reply(problem.answer or ""))
        return settled(RIGHT if not example.fault and answer.split() == example.answer.split() else NEEDS_JUDGE)

    def write(self, answer: str) -> str:
        """The answer as it is."""
        return answer


def read_chat(value: Any) -> tuple[Message, ...]:
    """The messages of a conversation out of a list of `{"role": ..., "content": ...}`.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(value, list) or not value:
        raise UsageError(f'messages={value!r:.60} is no list of {{"role": ..., "content": ...}}.')
    for number, message in enumerate(value):
        role, content = (message.get("role"), message.get("content")) if isinstance(message, Mapping) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            raise UsageError(f"messages[{number}]={message!r:.60} has no role out of {', '.join(ROLES)} and content of text.")
    return tuple(Message(message["role"], message["content"]) for message in value)
