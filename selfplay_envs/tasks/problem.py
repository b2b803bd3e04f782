"""A problem: a task that nobody proposed, such as a row of a benchmark, with what is needed to ask it and to judge answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..core.errors import UsageError
from ..core.hashing import short_hash
from ..core.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem; plain JSON types throughout, so that it travels in `options={"task": ...}`."""

    id: str = ""
    """Name in its source, such as `HumanEval/3`; empty: it has none."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts that a prompt may show, by name: `question`, or `program` and `input`, ..."""
    messages: tuple[Message, ...] = ()
    """The whole prompt, of a problem that comes as a chat; else empty, and a style or a template words `fields`."""
    answer: str | None = None
    """The gold answer as its verifier reads answers; None: there is none, or the verifier makes it of `data`."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What its verifier needs besides: tests, choices, a tolerance, ... JSON types."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return {
            "id": self.id,
            "fields": dict(self.fields),
            "messages": [[message.role, message.content] for message in self.messages],
            "answer": self.answer,
            "data": dict(self.data),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "options['task']") -> Self:
        """The problem that `to_json` wrote.

        Raises:
            UsageError: It is none; the sentence starts with `where`.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("fields", {}), Mapping):
            raise UsageError(
                f"{where}={data!r:.60} is no problem; it is a dict with fields, answer and data, as a source yields."
            )
        try:
            messages = tuple(Message(str(role), str(content)) for role, content in data.get("messages", ()))
        except (TypeError, ValueError):
            raise UsageError(f"{where}: messages={data['messages']!r:.60} are not pairs of role and content.") from None
        fields, answer = data.get("fields", {}), data.get("answer")
        if not all(isinstance(text, str) for text in (*fields, *fields.values())) or not isinstance(answer, str | None):
            raise UsageError(f"{where} is no problem; its fields and its answer are str.")
        if not fields and not messages:
            raise UsageError(f"{where} is no problem; it shows nothing: give it fields such as question, or messages.")
        extra = data.get("data", {})
        if not isinstance(extra, Mapping):
            raise UsageError(f"{where}: data={extra!r:.60} is not a dict.")
        return cls(id=str(data.get("id", "")), fields=dict(fields), messages=messages, answer=answer, data=dict(extra))

    @property
    def task_id(self) -> str:
        """Stable name of the problem, by content."""
        return short_hash(self.to_json())
