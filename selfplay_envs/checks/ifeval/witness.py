"""A response that meets given clauses, by construction; the very checks decide whether it does.

It is no sensible answer, but shows that the clauses can be met together: filler between the parts that are demanded. Clauses
that none of a few such responses meets, and that no proof calls contradictory, are left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, product

from . import contradictions as ids
from .clauses import Clause
from .contradictions import Demands
from .samples import SAMPLES
from .scoring import MAX_RESPONSE_CHARS
from .structure import APART, CONSTRAINED, DIVIDER
from .wording import LESS_THAN, count_keyword

SIGN = "~"
"""No word and no letter, which ends no sentence and says nothing of a language."""
FILLER = "\u65e5"
"""A word whose letter has no case and is none that clauses count."""
MAX_PARTS = 2_000
"""Parts that a clause may demand: more have no room in a response."""
LENGTHS = (10_000, 24, 8, 3)
"""How many words of a language are tried; the first is all of them."""


def witness(clauses: Sequence[Clause]) -> str | None:
    """A response that meets all clauses, or None where none of those that are tried does."""
    demanded = [value for clause in clauses if LESS_THAN not in clause.values for value in clause.values]
    if any(isinstance(value, int) and value > MAX_PARTS for value in demanded):
        return None
    for text in dict.fromkeys(_attempts(Demands(clauses))):
        if len(text) <= MAX_RESPONSE_CHARS and all(clause.met(text) for clause in clauses):
            return text
    return None


def _attempts(demands: Demands) -> Iterator[str]:
    """Responses with keywords apart, or joined to other letters, and with more or less text of the language demanded."""
    words = _sample(demands)
    samples = [(words * times)[:length] for times in (3, 1) for length in LENGTHS] if words else [[]]
    for joined, sample in product((False, True), samples):
        text = _response(demands, joined, sample, [])
        missing = max(demands.bounds(ids.WORDS).least - len(re.findall(r"\w+", text)), 0)
        sentences = demands.bounds(ids.SENTENCES).least
        filler = list(islice(cycle(sample or [FILLER]), max(missing, sentences)))
        filler[:sentences] = [f"{word}!" for word in filler[:sentences]]
        text = _response(demands, joined, sample, filler)
        if {ids.JSON, ids.QUOTED} & demands.ids:  # a JSON text too, while it is one line
            text = f'"{text}"'
        yield text.upper() if ids.CAPITAL in demands.ids else text.lower() if ids.LOWERCASE in demands.ids else text


def _sample(demands: Demands) -> list[str]:
    """Words of the language that is demanded, but for those that other clauses forbid; none where any language will do."""
    languages = demands.texts("language:response_language")
    if not languages and not {ids.CAPITAL, ids.LOWERCASE} & demands.ids:
        return []
    each = [*demands.bounds_of_each(ids.LETTER).items(), *demands.bounds_of_each(ids.KEYWORD).items()]
    rare = [text for text, bounds in each if bounds.below < float("inf")]
    forbidden = {word.lower() for word in demands.texts(ids.FORBIDDEN)}
    words = SAMPLES[languages[0] if languages else "en"].split()
    return [word for word in words if word.lower() not in forbidden and not any(text in word.lower() for text in rare)]


def _response(demands: Demands, joined: bool, sample: list[str], filler: list[str]) -> str:
    """The parts that are demanded, in as many paragraphs: in the first of them everything but the end."""
    starts = demands.of(ids.NTH)
    paragraphs = [SIGN] * (starts[0][0] if starts else 1)
    for _, nth, word in starts:
        if 1 <= nth <= len(paragraphs):
            paragraphs[nth - 1] = word
    first, end = demands.longest(ids.REPEAT), [*demands.texts(ids.POSTSCRIPT), demands.longest(ids.END)]
    inner = [*_marked(demands, joined), *_worded(demands, " ".join([first, *paragraphs, *end]), joined), *sample, *filler]
    bullets = "".join(f"\n- {SIGN}" for _ in range(_number(demands, ids.BULLETS)))
    paragraphs[0] = " ".join(filter(None, [first, paragraphs[0], *inner])) + (f"{bullets}\n" if bullets else "")
    paragraphs[-1] = " ".join(filter(None, [paragraphs[-1], *end]))
    return "\n\n".join(paragraphs)


def _number(demands: Demands, name: str) -> int:
    """The largest number that clauses of that id demand, which is their last parameter."""
    return max((values[-1] for values in demands.of(name)), default=0)


def _marked(demands: Demands, joined: bool) -> Iterator[str]:
    """Parts with marks, without words as far as they can be."""
    yield from ["[]"] * _number(demands, "detectable_content:number_placeholders")
    yield from [f"*{SIGN}*"] * _number(demands, "detectable_format:number_highlighted_sections")
    for splitter, number in demands.of(ids.SECTIONS):
        yield "".join([f"x{splitter}1"] * number) if joined else " ".join([f"{splitter} 1"] * number)
    if "detectable_format:title" in demands.ids:
        yield f"<<{SIGN}>>"
    if ids.OPTION in demands.ids:
        yield CONSTRAINED[0]
    if ids.TWO in demands.ids:
        yield f"{APART} {SIGN}{SIGN}"
    yield from [f"{DIVIDER} {SIGN}"] * (_number(demands, ids.DIVIDED) - 1)


def _worded(demands: Demands, fixed: str, joined: bool) -> Iterator[str]:
    """Keywords, letters and words in capital letters that the fixed parts leave missing."""
    least = dict.fromkeys((text.lower() for text in demands.texts(ids.EXISTENCE)), 1)
    for keyword, bounds in demands.bounds_of_each(ids.KEYWORD).items():
        least[keyword] = max(bounds.least, least.get(keyword, 0))
    for keyword in sorted(least, key=len, reverse=True):  # a longer one may hold a shorter one
        missing = [keyword] * (least[keyword] - count_keyword(fixed, keyword))
        text = f"x{''.join(missing)}x" if joined and missing else " ".join(missing)
        fixed += f" {text}"
        yield text
    letters = demands.bounds_of_each(ids.LETTER)
    for letter, bounds in letters.items():
        yield letter * (bounds.least - fixed.lower().count(letter))
    rare = [letter for letter, bounds in letters.items() if bounds.below < float("inf")]
    capital = next(letter for letter in "IA\u03a9" if letter.lower() not in rare)
    yield from [capital] * demands.bounds(ids.CAPITAL_WORDS).least
