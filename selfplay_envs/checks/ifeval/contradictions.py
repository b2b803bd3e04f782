"""Proofs that no response can meet some clauses together. What is not proved here may still be impossible: see `witness`.

Each rule looks for demands that no text meets, whatever else it holds; but for the few letters that are others in another case
only (the long s, the dotless i), by which a keyword can be written without one of its letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .clauses import Clause
from .wording import AT_LEAST, count_keyword, has_word

CAPITAL, LOWERCASE = "change_case:english_capital", "change_case:english_lowercase"
CAPITAL_WORDS, OPTION = "change_case:capital_word_frequency", "detectable_format:constrained_response"
JSON, QUOTED = "detectable_format:json_format", "startend:quotation"
DIVIDED, TWO = "length_constraints:number_paragraphs", "combination:two_responses"
NTH, SECTIONS = "length_constraints:nth_paragraph_first_word", "detectable_format:multiple_sections"
REPEAT, END = "combination:repeat_prompt", "startend:end_checker"
BULLETS, POSTSCRIPT = "detectable_format:number_bullet_lists", "detectable_content:postscript"
EXISTENCE, FORBIDDEN = "keywords:existence", "keywords:forbidden_words"
KEYWORD, LETTER = "keywords:frequency", "keywords:letter_frequency"
WORDS, SENTENCES = "length_constraints:number_words", "length_constraints:number_sentences"
NO_COMMA = "punctuation:no_comma"

_JSON_STARTS = '{["-0123456789tfni`'
"""In lower case: what values, `NaN`, `Infinity` and a fence begin with."""


class Bounds:
    """What clauses demand of one thing that is counted: `least` of it, and fewer than `below`."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        demands = [clause.values[-2:] for clause in clauses]
        self.least: int = max((number for relation, number in demands if relation == AT_LEAST), default=0)
        self.below: float = min((number for relation, number in demands if relation != AT_LEAST), default=float("inf"))


class Demands:
    """Clauses by their ids."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self.ids = {clause.id for clause in clauses}
        self._clauses = clauses

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The parameters of each clause of that id."""
        return [clause.values for clause in self._clauses if clause.id == name]

    def texts(self, name: str) -> list[str]:
        """The first parameter of each clause of that id: a text, or several."""
        found: list[str] = []
        for clause in self._clauses:
            if clause.id == name:
                found.extend([clause.values[0]] if isinstance(clause.values[0], str) else clause.values[0])
        return found

    def longest(self, name: str) -> str:
        """The longest of those texts; empty: there is none."""
        return max((text.strip() for text in self.texts(name)), key=len, default="")

    def bounds(self, name: str) -> Bounds:
        """What is demanded of a thing that is counted over the whole response."""
        return Bounds([clause for clause in self._clauses if clause.id == name])

    def bounds_of_each(self, name: str) -> dict[str, Bounds]:
        """What is demanded of each keyword, or letter, in lower case."""
        things: dict[str, list[Clause]] = {}
        for clause in self._clauses:
            if clause.id == name:
                things.setdefault(clause.values[0].lower(), []).append(clause)
        return {thing: Bounds(clauses) for thing, clauses in things.items()}

    def repeated(self) -> Iterator[tuple[str, int]]:
        """Texts that every response holds, in some case, and how often at least, none of them sharing a character."""
        yield from ((text.strip(), 1) for name in (EXISTENCE, REPEAT, END, POSTSCRIPT) for text in self.texts(name))
        yield from ((word, 1) for _, _, word in self.of(NTH))
        yield from self.of(SECTIONS)
        yield from ((keyword, bounds.least) for keyword, bounds in self.bounds_of_each(KEYWORD).items())


def contradicts(clauses: Sequence[Clause]) -> bool:
    """Whether it is proved that no response meets all of the clauses."""
    demands = Demands(clauses)
    return any(rule(demands) for rule in RULES)


def _crossed_bounds(demands: Demands) -> bool:
    """At least as many as there must not be; and every response is a sentence."""
    each = [bounds for name in (KEYWORD, LETTER) for bounds in demands.bounds_of_each(name).values()]
    whole = [demands.bounds(name) for name in (WORDS, SENTENCES, CAPITAL_WORDS)]
    return any(bounds.least >= bounds.below for bounds in (*each, *whole)) or demands.bounds(SENTENCES).below <= 1


def _different_numbers(demands: Demands) -> bool:
    """Two exact numbers of one thing, or two first words of one paragraph, or one of a paragraph that there is not."""
    numbers = [{values[0] for values in demands.of(name)} for name in (DIVIDED, BULLETS, NTH)]
    words: dict[int, set[str]] = {}
    for number, nth, word in demands.of(NTH):
        words.setdefault(nth, set()).add(word.lower())
        if not 1 <= nth <= number:
            return True
    return any(len(found) > 1 for found in (*numbers, *words.values()))


def _clashing_cases(demands: Demands) -> bool:
    """All capital and all small letters; or texts or words in capital letters that the case of all forbids."""
    fixed = "".join(demands.texts(SECTIONS)) + ("My answer is" if OPTION in demands.ids else "")
    words = demands.bounds(CAPITAL_WORDS)
    if CAPITAL in demands.ids:
        return LOWERCASE in demands.ids or any(map(str.islower, fixed)) or words.below <= 1
    return LOWERCASE in demands.ids and (any(map(str.isupper, fixed)) or words.least >= 1)


def _forced_too_much(demands: Demands) -> bool:
    """A text that is demanded holds what is not allowed: a comma, a word, or too many letters, keywords or words."""
    keywords, letters = demands.bounds_of_each(KEYWORD), demands.bounds_of_each(LETTER)
    few_words, forbidden = demands.bounds(WORDS).below, demands.texts(FORBIDDEN)
    for text, times in demands.repeated():
        if times and (
            (NO_COMMA in demands.ids and "," in text)
            or len(re.findall(r"\w+", text)) >= few_words
            or any(text.lower().count(letter) * times >= bounds.below for letter, bounds in letters.items())
            or any(count_keyword(text, keyword) * times >= bounds.below for keyword, bounds in keywords.items())
            or any(has_word(f"x{text}x", word) for word in forbidden)  # a word inside, whatever stands around the text
        ):
            return True
    edges = [first for _, _, first in demands.of(NTH)]  # nothing can stand next to these
    edges += [*(f"{text.strip()}x" for text in demands.texts(REPEAT)), *(f"x{text.strip()}" for text in demands.texts(END))]
    return any(has_word(text, word) for text in edges for word in forbidden)


def _different_edges(demands: Demands) -> bool:
    """Two beginnings, or two ends, of which the shorter is no part of the longer."""
    starts, ends = demands.longest(REPEAT).lower(), demands.longest(END).lower()
    other_start = any(not starts.startswith(text.strip().lower()) for text in demands.texts(REPEAT))
    return other_start or any(not ends.endswith(text.strip().lower()) for text in demands.texts(END))


def _divided_twice(demands: Demands) -> bool:
    """Six asterisks between two answers are two dividers with an empty paragraph between them."""
    return {DIVIDED, TWO} <= demands.ids


def _wrong_start(demands: Demands) -> bool:
    """A request that is repeated first begins neither with a quotation mark nor as JSON does."""
    starts = {text.strip()[:1].lower() for text in demands.texts(REPEAT)}
    not_json = any(start not in _JSON_STARTS for start in starts)
    return (QUOTED in demands.ids and bool(starts - {'"'})) or (JSON in demands.ids and not_json)


RULES: tuple[Callable[[Demands], bool], ...] = (
    _crossed_bounds,
    _different_numbers,
    _clashing_cases,
    _forced_too_much,
    _different_edges,
    _divided_twice,
    _wrong_start,
)
