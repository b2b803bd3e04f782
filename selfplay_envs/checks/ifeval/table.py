"""The 25 instructions: how a clause of each is written, what it takes, and which check decides.

See: Zhou et al., Instruction-Following Evaluation for Large Language Models, arXiv 2311.07911, table 1. The clauses' wording
is our own: closed forms, which a machine reads as exactly as it writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from . import structure, wording
from .samples import LANGUAGES


class Kind(StrEnum):
    """What a parameter of an instruction is; `PATTERNS` says how it is written."""

    NUMBER = "number"
    RELATION = "relation"
    LETTER = "letter"
    LANGUAGE = "language"
    MARKER = "marker"
    WORD = "word"
    KEYWORD = "keyword"
    KEYWORDS = "keywords"
    PHRASE = "phrase"


# what stands between the marks is bounded and cannot hold them, so that hostile text is read in linear time
_KEYWORD = r'"\w(?:[^"\\\n]{0,58}\w)?"'
PATTERNS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.NUMBER: r"[1-9][0-9]{0,3}",
        Kind.RELATION: "|".join(wording.RELATIONS),
        Kind.LETTER: r"[a-z]",
        Kind.LANGUAGE: "|".join(LANGUAGES.values()),
        Kind.MARKER: "|".join(f'"{marker}"'.replace(".", r"\.") for marker in structure.MARKERS),
        Kind.WORD: r'"\w{1,40}"',
        Kind.KEYWORD: _KEYWORD,
        Kind.KEYWORDS: rf"{_KEYWORD}(?:, {_KEYWORD}){{0,9}}",
        Kind.PHRASE: r'"[^"\\\n]{1,300}"',
    }
)


class Instruction(NamedTuple):
    """One of the 25."""

    form: str
    """Its clause, with the parameters in braces; a word with `(s)` stands in both numbers."""

    parameters: Mapping[str, Kind]
    """By the benchmark's names, in the order in which the check takes them."""

    met: Callable[..., bool]
    """Of a response and the parameters: whether the clause is met."""


N, R, KEY = Kind.NUMBER, Kind.RELATION, Kind.KEYWORD
_TABLE: dict[str, tuple[str, dict[str, Kind], Callable[..., bool]]] = {
    "keywords:existence": ("include the keyword(s) {keywords}", {"keywords": Kind.KEYWORDS}, wording.has_keywords),
    "keywords:frequency": (
        "use the keyword {keyword} {relation} {frequency} time(s)",
        {"keyword": KEY, "relation": R, "frequency": N},
        wording.has_keyword_often,
    ),
    "keywords:forbidden_words": (
        "avoid the word(s) {forbidden_words}",
        {"forbidden_words": Kind.KEYWORDS},
        wording.has_no_word,
    ),
    "keywords:letter_frequency": (
        "use the letter {letter} {let_relation} {let_frequency} time(s)",
        {"letter": Kind.LETTER, "let_relation": R, "let_frequency": N},
        wording.has_letter_often,
    ),
    "language:response_language": ("answer in {language} only", {"language": Kind.LANGUAGE}, wording.is_language),
    "length_constraints:number_sentences": (
        "use {relation} {num_sentences} sentence(s)",
        {"relation": R, "num_sentences": N},
        wording.has_sentences,
    ),
    "length_constraints:number_paragraphs": (
        "write {num_paragraphs} paragraph(s) with *** between them",
        {"num_paragraphs": N},
        structure.has_paragraphs,
    ),
    "length_constraints:number_words": (
        "use {relation} {num_words} word(s)",
        {"relation": R, "num_words": N},
        wording.has_words,
    ),
    "length_constraints:nth_paragraph_first_word": (
        "write {num_paragraphs} paragraph(s) between blank lines and begin paragraph {nth_paragraph} with {first_word}",
        {"num_paragraphs": N, "nth_paragraph": N, "first_word": Kind.WORD},
        structure.has_first_word,
    ),
    "detectable_content:number_placeholders": (
        "use at least {num_placeholders} placeholder(s) in square brackets",
        {"num_placeholders": N},
        structure.has_placeholders,
    ),
    "detectable_content:postscript": (
        "end with a postscript after {postscript_marker}",
        {"postscript_marker": Kind.MARKER},
        structure.has_postscript,
    ),
    "detectable_format:number_bullet_lists": (
        "use exactly {num_bullets} bullet point(s)",
        {"num_bullets": N},
        structure.has_bullets,
    ),
    "detectable_format:constrained_response": (
        'answer with "My answer is yes." or "My answer is no." or "My answer is maybe."',
        {},
        structure.is_constrained,
    ),
    "detectable_format:number_highlighted_sections": (
        "highlight at least {num_highlights} part(s) as in *this*",
        {"num_highlights": N},
        structure.has_highlights,
    ),
    "detectable_format:multiple_sections": (
        "begin each of at least {num_sections} section(s) with {section_spliter} and a number",
        {"section_spliter": KEY, "num_sections": N},
        structure.has_sections,
    ),
    "detectable_format:json_format": ("answer in JSON only", {}, structure.is_json),
    "detectable_format:title": ("give a title as in <<this>>", {}, structure.has_title),
    "combination:two_responses": ("give two different answers with ****** between them", {}, structure.is_two_answers),
    "combination:repeat_prompt": (
        "first repeat {prompt_to_repeat}",
        {"prompt_to_repeat": Kind.PHRASE},
        wording.is_repeated_first,
    ),
    "startend:end_checker": ("end with the phrase {end_phrase}", {"end_phrase": Kind.PHRASE}, wording.is_ended),
    "startend:quotation": ("wrap the whole answer in double quotation marks", {}, structure.is_quoted),
    "change_case:capital_word_frequency": (
        "use {capital_relation} {capital_frequency} word(s) in all capital letters",
        {"capital_relation": R, "capital_frequency": N},
        wording.has_capital_words,
    ),
    "change_case:english_capital": ("answer in English and all capital letters", {}, wording.is_english_capital),
    "change_case:english_lowercase": ("answer in English and all lowercase letters", {}, wording.is_english_lowercase),
    "punctuation:no_comma": ("use no commas", {}, wording.has_no_comma),
}
INSTRUCTIONS: Mapping[str, Instruction] = MappingProxyType({name: Instruction(*row) for name, row in _TABLE.items()})
"""By the benchmark's ids."""


def forms() -> tuple[str, ...]:
    """All forms of clauses as a challenger is told them: parameters are capital letters, texts stand in quotes."""
    shown = {Kind.NUMBER: "N", Kind.RELATION: "at least|less than", Kind.LETTER: "L", Kind.LANGUAGE: "LANGUAGE"}
    quoted = {Kind.MARKER: "|".join(f'"{m}"' for m in structure.MARKERS), Kind.WORD: '"W"', KEY: '"W"'}
    texts: dict[Kind, Any] = {**shown, **quoted, Kind.KEYWORDS: '"W", "W"', Kind.PHRASE: '"PHRASE"'}
    return tuple(
        row.form.replace("(s)", "s").format(**{name: texts[kind] for name, kind in row.parameters.items()})
        for row in INSTRUCTIONS.values()
    )
