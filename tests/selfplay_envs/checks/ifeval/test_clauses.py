"""Clauses are read as they are written, and nothing else is; rows of the benchmark are read, or refused by name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from selfplay_envs import UsageError
from selfplay_envs.checks.ifeval.clauses import Clause, read_clause, read_row
from selfplay_envs.checks.ifeval.samples import LANGUAGES, SAMPLES
from selfplay_envs.checks.ifeval.table import INSTRUCTIONS, forms

WRITTEN: dict[str, tuple[tuple[Any, ...], str]] = {
    "keywords:existence": ((("Dog house", "o'clock"),), 'include the keywords "Dog house", "o\'clock"'),
    "keywords:frequency": (("cat", "at least", 2), 'use the keyword "cat" at least 2 times'),
    "keywords:forbidden_words": ((("rock",),), 'avoid the word "rock"'),
    "keywords:letter_frequency": (("e", "less than", 1), "use the letter e less than 1 time"),
    "language:response_language": (("sw",), "answer in Swahili only"),
    "length_constraints:number_sentences": (("less than", 6), "use less than 6 sentences"),
    "length_constraints:number_paragraphs": ((1,), "write 1 paragraph with *** between them"),
    "length_constraints:number_words": (("at least", 300), "use at least 300 words"),
    "length_constraints:nth_paragraph_first_word": (
        (4, 1, "weekend"),
        'write 4 paragraphs between blank lines and begin paragraph 1 with "weekend"',
    ),
    "detectable_content:number_placeholders": ((3,), "use at least 3 placeholders in square brackets"),
    "detectable_content:postscript": (("P.P.S",), 'end with a postscript after "P.P.S"'),
    "detectable_format:number_bullet_lists": ((3,), "use exactly 3 bullet points"),
    "detectable_format:constrained_response": (
        (),
        'answer with "My answer is yes." or "My answer is no." or "My answer is maybe."',
    ),
    "detectable_format:number_highlighted_sections": ((2,), "highlight at least 2 parts as in *this*"),
    "detectable_format:multiple_sections": (
        ("SECTION", 4),
        'begin each of at least 4 sections with "SECTION" and a number',
    ),
    "detectable_format:json_format": ((), "answer in JSON only"),
    "detectable_format:title": ((), "give a title as in <<this>>"),
    "combination:two_responses": ((), "give two different answers with ****** between them"),
    "combination:repeat_prompt": (("Say hello; now.",), 'first repeat "Say hello; now."'),
    "startend:end_checker": (("Peace!",), 'end with the phrase "Peace!"'),
    "startend:quotation": ((), "wrap the whole answer in double quotation marks"),
    "change_case:capital_word_frequency": (("less than", 4), "use less than 4 words in all capital letters"),
    "change_case:english_capital": ((), "answer in English and all capital letters"),
    "change_case:english_lowercase": ((), "answer in English and all lowercase letters"),
    "punctuation:no_comma": ((), "use no commas"),
}


def test_every_instruction_is_written_in_one_form_and_read_back() -> None:
    assert set(WRITTEN) == set(INSTRUCTIONS)
    assert set(LANGUAGES) == set(SAMPLES)
    for name, (values, text) in WRITTEN.items():
        clause = Clause(name, values)
        assert clause.text == text
        assert read_clause(text) == read_clause(re.sub(r'(^|" )(\w)', lambda found: found[0].upper(), text)) == clause
    for code, language in LANGUAGES.items():
        assert read_clause(f"ANSWER in {language.lower()} only") == Clause("language:response_language", (code,))


def test_a_challenger_is_told_every_form() -> None:
    told = forms()
    assert len(told) == 25
    assert 'use the keyword "W" at least|less than N times' in told
    assert not any("{" in form for form in told)


@pytest.mark.parametrize(
    "text",
    [
        "use at least 0 words",
        "use at least 10000 words",
        "use at least \u0663 words",
        "use at most 3 words",
        "use at least 3 words.",
        "use  at least 3 words",
        "include the keyword cat",
        'include the keyword ""',
        'include the keyword "!"',
        'include the keyword "cat" , "dog"',
        'include the keyword "' + "a" * 61 + '"',
        "include the keywords " + ", ".join(['"a"'] * 11),
        'end with the phrase "a\nb"',
        'end with the phrase "a\\nb"',
        'end with the phrase "' + "a" * 301 + '"',
        'end with a postscript after "PSST"',
        'write 2 paragraphs between blank lines and begin paragraph 1 with "two words"',
        "use the letter \u00e9 at least 1 time",
        "answer in Klingon only",
        'include the keyword "' + "a " * 100_000,
    ],
)
def test_what_is_not_in_the_form_is_no_clause(text: str) -> None:
    assert read_clause(text) is None


def test_a_row_is_read_with_its_absent_parameters() -> None:
    kwargs = [{"num_words": 300.0, "relation": "at least", "keywords": None}, {"keywords": ["a", "b"]}, {"letter": "#"}]
    kwargs[2] |= {"let_relation": "less than", "let_frequency": 0}
    ids = ["length_constraints:number_words", "keywords:existence", "keywords:letter_frequency"]
    assert read_row(ids, kwargs) == [
        Clause(ids[0], ("at least", 300)),
        Clause(ids[1], (("a", "b"),)),
        Clause(ids[2], ("#", "less than", 0)),
    ]


@pytest.mark.parametrize(
    ("ids", "kwargs", "sentence"),
    [
        ([], [], r"instruction_id_list=\[\] is no list of ids"),
        ("punctuation:no_comma", [{}], "instruction_id_list='punctuation:no_comma' is no list"),
        (["punctuation:none"], [{}], "'punctuation:none' is not known; it is one of keywords:existence, "),
        ([["x"]], [{}], r"instruction_id_list: \['x'\] is not known"),
        (["punctuation:no_comma"], [], r"kwargs=\[\] is no list of one object for each of 1"),
        (["punctuation:no_comma"], [7], r"kwargs\[0\]=7 is no object of parameters"),
        (["length_constraints:number_paragraphs"], [{}], r"kwargs\[0\]: num_paragraphs=None is no whole number of at least 0"),
        (["length_constraints:number_paragraphs"], [{"num_paragraphs": True}], "num_paragraphs=True is no whole number"),
        (["length_constraints:number_paragraphs"], [{"num_paragraphs": 2.5}], "num_paragraphs=2.5 is no whole number"),
        (["length_constraints:number_paragraphs"], [{"num_paragraphs": float("nan")}], "num_paragraphs=nan is no whole"),
        (["keywords:existence"], [{"keywords": "cat"}], "keywords='cat' is no list of words"),
        (["keywords:existence"], [{"keywords": ["cat", ""]}], "is no list of words"),
        (["language:response_language"], [{"language": "xx"}], r"language='xx' is no language \(en, es"),
        (["startend:end_checker"], [{"end_phrase": " "}], "end_phrase=' ' is no text"),
        (["length_constraints:number_words"], [{"num_words": 3, "relation": "at most"}], r"relation \(at least, less than\)"),
    ],
)
def test_a_row_that_is_none_is_refused_by_name(ids: Any, kwargs: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_row(ids, kwargs)
