"""Clauses: an instruction with its parameters, read from a text in closed form, or from a row of the benchmark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...core.errors import UsageError
from .samples import LANGUAGES
from .table import INSTRUCTIONS, PATTERNS, Kind
from .wording import RELATIONS

CODES = {name.lower(): code for code, name in LANGUAGES.items()}
_TEXT = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that was understood. Equal clauses demand the same."""

    id: str
    """Such as `keywords:existence`."""
    values: tuple[Any, ...] = ()
    """Its parameters, in the order of `INSTRUCTIONS[id].parameters`: numbers, texts, and tuples of texts."""

    def met(self, response: str) -> bool:
        """Whether a response, which is not blank, meets the clause."""
        return INSTRUCTIONS[self.id].met(response, *self.values)

    @property
    def arguments(self) -> dict[str, Any]:
        """Its parameters by name."""
        return dict(zip(INSTRUCTIONS[self.id].parameters, self.values, strict=True))

    @property
    def text(self) -> str:
        """The clause as it is written; `read_clause` reads it back, where its parameters have the form of `PATTERNS`."""
        kinds, arguments = INSTRUCTIONS[self.id].parameters, self.arguments
        written = {name: _written(value, kinds[name]) for name, value in arguments.items()}
        return _numbered(INSTRUCTIONS[self.id].form, arguments).format(**written)


def _numbered(form: str, arguments: Mapping[str, Any]) -> str:
    """The form with its words in the singular or the plural."""
    for name, value in arguments.items():
        if value == 1:
            form = re.sub(rf"(\{{{name}\}} \w+)\(s\)", r"\1", form)
        if isinstance(value, tuple) and len(value) == 1:
            form = form.replace(f"(s) {{{name}}}", f" {{{name}}}")
    return form.replace("(s)", "s")


def _written(value: Any, kind: Kind) -> str:
    if isinstance(value, tuple):
        return ", ".join(f'"{text}"' for text in value)
    if kind is Kind.LANGUAGE:
        return LANGUAGES[str(value)]
    return str(value) if kind in (Kind.NUMBER, Kind.RELATION, Kind.LETTER) else f'"{value}"'


def read_clause(text: str) -> Clause | None:
    """The clause that a text is; None where it is none. Case counts inside quotes only."""
    for name, pattern in _patterns():
        if match := pattern.fullmatch(text):
            kinds = INSTRUCTIONS[name].parameters
            return Clause(name, tuple(_value(match[parameter], kind) for parameter, kind in kinds.items()))
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Ids and the patterns of their clauses."""
    patterns: list[tuple[str, re.Pattern[str]]] = []
    for name, instruction in INSTRUCTIONS.items():
        pattern = re.escape(instruction.form).replace(r"\(s\)", "s?")
        for parameter, kind in instruction.parameters.items():
            pattern = pattern.replace(re.escape(f"{{{parameter}}}"), f"(?P<{parameter}>{PATTERNS[kind]})")
        patterns.append((name, re.compile(pattern, re.IGNORECASE)))
    return patterns


def _value(text: str, kind: Kind) -> int | str | tuple[str, ...]:
    if kind is Kind.NUMBER:
        return int(text)
    if kind is Kind.LANGUAGE:
        return CODES[text.lower()]
    if kind in (Kind.RELATION, Kind.LETTER):
        return text.lower()
    if kind is Kind.MARKER:
        return text.strip('"').upper()
    texts = tuple(_TEXT.findall(text))
    return texts if kind is Kind.KEYWORDS else texts[0]


def read_row(ids: Any, kwargs: Any) -> list[Clause]:
    """The clauses of a row: its `instruction_id_list` and its `kwargs`, of which None counts as absent.

    Raises:
        UsageError: They are none; one sentence that names the column, the value and the remedy.
    """
    if not isinstance(ids, Sequence) or isinstance(ids, str) or not ids:
        raise UsageError(f"instruction_id_list={ids!r:.60} is no list of ids; give the benchmark's own rows.")
    if not isinstance(kwargs, Sequence) or len(kwargs) != len(ids):
        raise UsageError(f"kwargs={kwargs!r:.60} is no list of one object for each of {len(ids)} instructions.")
    return [
        _read_kwargs(name, given, f"kwargs[{number}]") for number, (name, given) in enumerate(zip(ids, kwargs, strict=True))
    ]


def _read_kwargs(name: Any, given: Any, place: str) -> Clause:
    if not isinstance(name, str) or name not in INSTRUCTIONS:
        raise UsageError(f"instruction_id_list: {name!r:.60} is not known; it is one of {', '.join(INSTRUCTIONS)}.")
    if not isinstance(given, Mapping):
        raise UsageError(f"{place}={given!r:.60} is no object of parameters; give {{}} for none.")
    values: list[Any] = []
    for parameter, kind in INSTRUCTIONS[name].parameters.items():
        value = _read_value(given.get(parameter), kind)
        if value is None:
            found = repr(given.get(parameter))
            raise UsageError(f"{place}: {parameter}={found:.60} is no {_WORDED[kind]}, which {name} needs; mend the row.")
        values.append(value)
    return Clause(name, tuple(values))


_WORDED = {
    Kind.NUMBER: "whole number of at least 0",
    Kind.RELATION: f"relation ({', '.join(RELATIONS)})",
    Kind.LETTER: "single letter or sign",
    Kind.LANGUAGE: f"language ({', '.join(LANGUAGES)})",
    Kind.KEYWORDS: "list of words",
    **dict.fromkeys((Kind.MARKER, Kind.WORD, Kind.KEYWORD, Kind.PHRASE), "text"),
}


def _read_value(value: Any, kind: Kind) -> int | str | tuple[str, ...] | None:
    """The value as the checks take it, or None."""
    if kind is Kind.NUMBER:
        whole = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9 and value == int(value)
        return int(value) if whole else None
    if kind is Kind.KEYWORDS:
        words: list[Any] = list(value) if isinstance(value, list | tuple) else []
        return tuple(words) if words and all(isinstance(word, str) and word for word in words) else None
    if not isinstance(value, str) or not value.strip():
        return None
    fits = {Kind.RELATION: value in RELATIONS, Kind.LANGUAGE: value in LANGUAGES, Kind.LETTER: len(value) == 1}
    return value.strip() if fits.get(kind, True) else None
