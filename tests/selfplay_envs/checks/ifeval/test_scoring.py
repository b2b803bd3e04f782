"""Every one of the 25 instructions: a reply that meets it and one that does not, strictly and loosely, and hostile replies."""

from __future__ import annotations

from typing import Any

import pytest

from selfplay_envs.checks.ifeval.clauses import Clause, read_row
from selfplay_envs.checks.ifeval.scoring import MAX_RESPONSE_CHARS, met_clauses, variants
from selfplay_envs.checks.ifeval.table import INSTRUCTIONS

ENGLISH = "the cat sat on the mat and looked at what was in the box that they had left there"
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["tea", "Cup"]}, "A teapot and a cup.", "A teapot and a mug."),
    ("keywords:frequency", {"keyword": "no", "relation": "at least", "frequency": 3}, "No, I know nothing.", "No, I know."),
    ("keywords:frequency", {"keyword": "no", "relation": "less than", "frequency": 2}, "Not today.", "No, I know."),
    ("keywords:forbidden_words", {"forbidden_words": ["rock", "roll"]}, "Rocks rolled.", "We ROCK-climb."),
    ("keywords:letter_frequency", {"letter": "E", "let_relation": "at least", "let_frequency": 3}, "Eel, be", "Eel"),
    ("keywords:letter_frequency", {"letter": "#", "let_relation": "less than", "let_frequency": 1}, "No sign", "# 1"),
    ("language:response_language", {"language": "de"}, "Der Hund und die Katze schlafen im Haus.", ENGLISH),
    (
        "length_constraints:number_sentences",
        {"relation": "at least", "num_sentences": 2},
        "Dr. No came. He left.",
        "Dr. No came.",
    ),
    ("length_constraints:number_sentences", {"relation": "less than", "num_sentences": 2}, "Dr. No came", "He came. He left."),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "One\n***\nTwo\n***\n", "One\n***\n\n***\nTwo"),
    ("length_constraints:number_words", {"relation": "at least", "num_words": 4}, "It's well-known", "It is known"),
    ("length_constraints:number_words", {"relation": "less than", "num_words": 3}, "Two words", "It's well"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "elm"},
        'Oak.\n\n"Elm, ash',
        "Elm.\n\nOak",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] of [a [b]", "[name] of [a\nb]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\np. s. More", "Bye.\nPS More"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye.\nP.P.S. More", "Bye.\nP.S. More"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "So:\n* one\n\n - two\n** three", "* one\n- two\n-"),
    ("detectable_format:constrained_response", {}, "Well. My answer is no. Sorry", "my answer is no."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b c*", "*a* and * * and *b"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Part", "num_sections": 2},
        "Part 1\nx\nPart2\ny",
        "Part 1\npart 2",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": [1, null]}\n```', "{'a': 1}"),
    ("detectable_format:title", {}, "<<A song>>\nla", "<<>>\nA <<song\n>>"),
    ("combination:two_responses", {}, "Yes.\n******\nNo.", "Yes.\n******\nYes."),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hello."}, " say Hello. Hello!", '"Say hello." Hello!'),
    ("startend:end_checker", {"end_phrase": "The end."}, 'So it was. "the END."\n', "The end. Bye"),
    ("startend:quotation", {}, ' "Quoted" or "not" ', '"Quoted'),
    ("change_case:capital_word_frequency", {"capital_relation": "at least", "capital_frequency": 2}, "I'M here", "I am here"),
    ("change_case:capital_word_frequency", {"capital_relation": "less than", "capital_frequency": 2}, "An A-B", "A B"),
    ("change_case:english_capital", {}, ENGLISH.upper(), f"{ENGLISH.upper()} x"),
    ("change_case:english_lowercase", {}, ENGLISH, f"{ENGLISH} X"),
    ("punctuation:no_comma", {}, "One; two", "One, two"),
]


def clause_of(name: str, given: dict[str, Any]) -> Clause:
    [clause] = read_row([name], [{**given, "unused": None}])
    return clause


def test_every_instruction_has_a_case() -> None:
    assert {name for name, *_ in CASES} == set(INSTRUCTIONS)
    assert len(INSTRUCTIONS) == 25


@pytest.mark.parametrize(("name", "given", "right", "wrong"), CASES)
def test_a_reply_meets_it_and_another_does_not(name: str, given: dict[str, Any], right: str, wrong: str) -> None:
    clause = [clause_of(name, given)]
    assert met_clauses(clause, right) == met_clauses(clause, right, loose=True) == [True]
    assert met_clauses(clause, wrong) == [False]


LOOSE: list[tuple[str, dict[str, Any], str, str]] = [
    # what a frame of one line before and after, or asterisks, spoil strictly and not loosely; and what they spoil both ways
    ("keywords:frequency", {"keyword": "no", "relation": "less than", "frequency": 1}, "No!\nYes\nNo!", "No!\nNo\nNo!"),
    ("keywords:forbidden_words", {"forbidden_words": ["sure"]}, "Sure:\nA rock.", "A\nsure\nrock."),
    ("keywords:existence", {"keywords": ["teapot"]}, "A tea*pot*", "A tea\npot"),
    (
        "keywords:letter_frequency",
        {"letter": "e", "let_relation": "less than", "let_frequency": 1},
        "Here:\nA dog",
        "A\nhen\nsat",
    ),
    ("language:response_language", {"language": "fr"}, f"{ENGLISH}\nC'est une belle maison.", f"C'est\n{ENGLISH}\nfini."),
    (
        "length_constraints:number_sentences",
        {"relation": "less than", "num_sentences": 2},
        "Sure. Yes.\nOne",
        "Here\nOne. Two. Three\nso",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "Sure:\n***\nOne\n***\nTwo", "A\nx\n***\nB\n***\nC\ny"),
    ("length_constraints:number_words", {"relation": "less than", "num_words": 2}, "Here it is:\nOne", "A\nb c\nd"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "elm"},
        "Sure:\n**Elm** trees",
        "Oak\nand\nelm",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[*]", "[\n*]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "**P**.S. x", "P\nS. x"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "- Sure\n- one", "- Sure\n- one\n- two\n- three"),
    ("detectable_format:constrained_response", {}, "My answer is *yes*.", "My answer\nis yes."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "*a*", "**\n*a"),
    ("detectable_format:multiple_sections", {"section_spliter": "Part", "num_sections": 1}, "**Part** 1", "Part of 1"),
    ("detectable_format:json_format", {}, 'Here:\n{"a": 1}\nDone.', 'Here:\n\n\n"a": 1\nDone.'),
    ("detectable_format:title", {}, "*<*<a>>", "<<\na>>"),
    ("combination:two_responses", {}, "A\n******\nA\n******\nB", "A\n\n******\nA\n\n******\nA"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hello."}, "Sure:\nSay hello.", "One\ntwo\nSay hello."),
    ("startend:end_checker", {"end_phrase": "The end."}, "It was.\nThe end.\nBye.", "The end.\nIt was.\nBye."),
    ("startend:quotation", {}, 'Sure:\n"Quoted"\nBye.', '"Quoted\nnot\nso.'),
    ("change_case:capital_word_frequency", {"capital_relation": "less than", "capital_frequency": 1}, "SURE\nno", "A\nB\nC"),
    ("change_case:english_capital", {}, f"Sure:\n{ENGLISH.upper()}", f"x\ny {ENGLISH.upper()}\nz"),
    ("change_case:english_lowercase", {}, f"Sure:\n{ENGLISH}", f"X\nY {ENGLISH}\nZ"),
    ("punctuation:no_comma", {}, "Well, here:\nOne", "A\nOne, two\nB"),
]


def test_every_instruction_has_a_loose_case() -> None:
    assert {name for name, *_ in LOOSE} == set(INSTRUCTIONS)


@pytest.mark.parametrize(("name", "given", "right", "wrong"), LOOSE)
def test_loose_scoring_forgives_a_frame_and_asterisks_and_nothing_else(
    name: str, given: dict[str, Any], right: str, wrong: str
) -> None:
    clause = [clause_of(name, given)]
    strictly = name in ("detectable_content:number_placeholders", "detectable_format:number_highlighted_sections")
    assert met_clauses(clause, right) == [strictly]  # asterisks or a frame can spoil neither of the two
    assert met_clauses(clause, right, loose=True) == [True]
    assert met_clauses(clause, wrong, loose=True) == [False]


def test_the_eight_variants() -> None:
    assert variants("a*\nb\n*c") == ["a*\nb\n*c", "b\n*c", "a*\nb", "b", "a\nb\nc", "b\nc", "a\nb", "b"]
    assert variants("a") == ["a", "", "", "", "a", "", "", ""]


def test_nothing_blank_and_nothing_too_long_meets_anything() -> None:
    clause = [clause_of("punctuation:no_comma", {})]
    assert met_clauses(clause, " \n", loose=True) == [False]
    assert met_clauses(clause, "x" * MAX_RESPONSE_CHARS) == [True]
    assert met_clauses(clause, "x" * (MAX_RESPONSE_CHARS + 1)) == [False]


HOSTILE = (
    *("[" * 20_000, "]" * 20_000, "{" * 20_000, "\n" * 19_999 + "x", " " * 19_999 + "x", "<<" * 10_000, ">>" * 10_000),
    *("*" * 20_000, "* " * 10_000, "-\n" * 10_000, "p." * 10_000, "a. " * 6_000, "?!" * 10_000, "9" * 20_000, '"' * 20_000),
    *("SECTION " * 2_500, "A" * 20_000, "\u0300" * 20_000, "\ud800" * 20_000, "\x00" * 20_000, "\u0130" * 20_000, "@" * 20_000),
    *(".\n" * 10_000, "'" * 20_000, "('" * 10_000, "\U0001f600" * 20_000),
)


@pytest.mark.parametrize("text", HOSTILE, ids=[f"{number}" for number in range(len(HOSTILE))])
def test_hostile_replies_are_judged(text: str) -> None:
    clauses = [clause_of(name, given) for name, given, *_ in {case[0]: case for case in CASES}.values()]
    assert len(met_clauses(clauses, text)) == 25
