"""Which clauses go together: responses that meet them, proofs that none does, and that the two never disagree."""

from __future__ import annotations

import random

import pytest

from selfplay_envs.checks.ifeval.clauses import Clause, read_clause
from selfplay_envs.checks.ifeval.contradictions import contradicts
from selfplay_envs.checks.ifeval.samples import LANGUAGES
from selfplay_envs.checks.ifeval.scoring import met_clauses
from selfplay_envs.checks.ifeval.witness import witness

KEYWORD, END, FIRST = 'use the keyword "cat"', 'end with the phrase "Peace, my friends."', 'first repeat "Say it."'
NTH = "write 3 paragraphs between blank lines and begin paragraph"
CAPS, SMALL = "answer in English and all capital letters", "answer in English and all lowercase letters"
JSON, QUOTED, TWO = (
    "answer in JSON only",
    "wrap the whole answer in double quotation marks",
    "give two different answers with ****** between them",
)


def read(*texts: str) -> list[Clause]:
    clauses = [read_clause(text) for text in texts]
    assert all(clauses), texts
    return [clause for clause in clauses if clause is not None]


@pytest.mark.parametrize(
    "texts",
    [
        (TWO, QUOTED, "use no commas", "answer in Swahili only"),
        (JSON, "use at least 40 words", "use at least 3 sentences", END, "write 2 paragraphs with *** between them"),
        (JSON, QUOTED, TWO, "give a title as in <<this>>"),
        (CAPS, "use less than 60 words", END, 'begin each of at least 3 sections with "SECTION" and a number'),
        (SMALL, "use the letter t less than 1 time", "use at least 3 sentences"),
        (SMALL, "use less than 1 word in all capital letters", 'avoid the words "the", "dog"'),
        (f"{KEYWORD} at least 3 times", f"{KEYWORD} less than 4 times", 'include the keywords "cat", "concatenate"'),
        (f"{KEYWORD} at least 5 times", "use less than 3 words"),
        ('include the keyword "rock"', 'avoid the word "rock"'),
        (f'{NTH} 1 with "Elm"', f'{NTH} 3 with "oak"', "write 4 paragraphs with *** between them", END),
        ("use exactly 3 bullet points", "highlight at least 3 parts as in *this*", 'end with a postscript after "P.S."', END),
        ("use at least 5 words in all capital letters", "use less than 6 words", "use the letter i less than 1 time"),
        ("use at least 7 placeholders in square brackets", "use less than 1 word", "use less than 2 sentences"),
        ("use at least 2000 words", "use less than 9999 words"),
        (FIRST, "use the letter e at least 40 times", "use less than 4 words"),
        ('answer with "My answer is yes." or "My answer is no." or "My answer is maybe."', JSON, "use less than 5 words"),
        *((f"answer in {language} only", "use at least 20 words") for language in LANGUAGES.values()),
    ],
)
def test_what_goes_together_has_a_witness(texts: tuple[str, ...]) -> None:
    clauses = read(*texts)
    assert not contradicts(clauses)
    found = witness(clauses)
    assert found is not None
    assert met_clauses(clauses, found) == [True] * len(clauses)


@pytest.mark.parametrize(
    "texts",
    [
        ("use less than 1 sentence",),
        ("use at least 5 words", "use less than 5 words"),
        (f"{KEYWORD} at least 2 times", 'use the keyword "CAT" less than 2 times'),
        ("use exactly 2 bullet points", "use exactly 3 bullet points"),
        ("write 2 paragraphs with *** between them", "write 3 paragraphs with *** between them"),
        (f'{NTH} 4 with "elm"',),
        (f'{NTH} 2 with "elm"', f'{NTH} 2 with "oak"'),
        (f'{NTH} 2 with "elm"', 'avoid the word "Elm"'),
        (CAPS, SMALL),
        (CAPS, 'begin each of at least 2 sections with "Section" and a number'),
        (CAPS, "use less than 1 word in all capital letters"),
        (SMALL, 'begin each of at least 2 sections with "Section" and a number'),
        (SMALL, "use at least 1 word in all capital letters"),
        (SMALL, 'answer with "My answer is yes." or "My answer is no." or "My answer is maybe."'),
        (END, "use no commas"),
        (END, "use less than 3 words"),
        (END, 'avoid the word "my"'),
        ('end with the phrase "All of it"', 'avoid the word "it"'),
        ('first repeat "It is so"', 'avoid the word "it"'),
        ('include the keyword "a dog here"', 'avoid the word "dog"'),
        ('include the keyword "banana"', "use the letter a less than 3 times"),
        (f"{KEYWORD} at least 4 times", "use the letter c less than 4 times"),
        ('include the keyword "concatenate"', f"{KEYWORD} less than 1 time"),
        (END, 'end with the phrase "Bye."'),
        (FIRST, 'first repeat "Say that."'),
        (TWO, "write 2 paragraphs with *** between them"),
        (FIRST, QUOTED),
        (FIRST, JSON),
    ],
)
def test_what_excludes_each_other_is_proved_and_has_no_witness(texts: tuple[str, ...]) -> None:
    clauses = read(*texts)
    assert contradicts(clauses)
    assert witness(clauses) is None


def test_what_is_neither_found_nor_disproved_is_left_open() -> None:
    clauses = read("answer in Swahili only", CAPS)
    assert not contradicts(clauses)  # of "\U0001d400", a capital without a language, the checks say that it meets both
    assert met_clauses(clauses, "\U0001d400") == [True, True]
    assert witness(clauses) is None


POOL = [
    *(
        "use at least 5 words",
        "use less than 5 words",
        "use at least 3 sentences",
        "use less than 2 sentences",
        "use no commas",
    ),
    *(
        f"{KEYWORD} at least 2 times",
        f"{KEYWORD} less than 1 time",
        'include the keyword "cat house"',
        'avoid the word "house"',
    ),
    *("use the letter a at least 9 times", "use the letter a less than 2 times", "use the letter t less than 1 time"),
    *("write 2 paragraphs with *** between them", f'{NTH} 1 with "elm"', f'{NTH} 2 with "cat"', QUOTED, JSON, TWO, END, FIRST),
    *('avoid the words "elm", "peace"', "use exactly 2 bullet points", 'end with a postscript after "P.S."'),
    *("use at least 2 words in all capital letters", "use less than 2 words in all capital letters"),
    *('begin each of at least 2 sections with "Cat" and a number', "highlight at least 2 parts as in *this*"),
    *("give a title as in <<this>>", "use at least 2 placeholders in square brackets", 'end with the phrase "friends."'),
]


def test_no_response_meets_what_is_proved_impossible() -> None:
    """Random clauses without a language: each witness is tried on every combination that is called contradictory."""
    chance = random.Random(0)
    some = [read(*chance.sample(POOL, chance.choice((1, 2, 3, 5, 6)))) for _ in range(250)]
    impossible = [clauses for clauses in some if contradicts(clauses)]
    found = [witness(clauses) for clauses in some if not contradicts(clauses)]
    texts = [text for text in found if text is not None]
    assert len(impossible) > 40
    assert len(texts) > 100
    assert len(found) - len(texts) < len(texts) / 8  # few are left open
    met = {clause: {text for text in texts if all(met_clauses([clause], text))} for clause in read(*POOL)}
    for clauses in impossible:
        assert not set.intersection(*(met[clause] for clause in clauses)), [clause.text for clause in clauses]
        assert witness(clauses) is None
