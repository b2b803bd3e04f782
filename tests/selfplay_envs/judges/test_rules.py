"""The rules judge: which instructions some answer meets, what a word and a letter are, and the share of clauses met."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from selfplay_envs import JudgeItem, Message, UsageError
from selfplay_envs.judges.registry import is_pure, open_judge
from selfplay_envs.judges.rules import MAX_ANSWER_CHARS, MAX_CLAUSES, RulesJudge, parse_ifeval, parse_instruction, witness


def judged(instruction, *answers):
    [score] = RulesJudge().score([JudgeItem(messages=(Message("user", instruction),), answers=answers)])
    return score


def reason(instruction):
    return judged(instruction).reason


CAFE, CAFE_APART = "café", "cafe\u0301"
DONT, DONT_LETTER = "don\u2019t", "don\u02bct"
HELLO_MIXED = "h\u0435llo"  # its e is Cyrillic
KELVIN, LONG_S, DOTTED_I, DOTLESS_I = "\u212a", "\u017f", "\u0130", "\u0131"


@pytest.mark.parametrize(
    ("instruction", "some_answer"),
    [
        ("use exactly 3 words; include the word a; start with the word b; end with the word b", "b a b"),
        ("use exactly 1 word; start with the word b; end with the word b", "b"),
        ("use exactly 1 word; include the word b; start with the word b; end with the word b", "b"),
        ("use exactly 2 words; start with the word b; end with the word b", "b b"),
        ("use exactly 5 words; start with the word b; end with the word b", "b b b b b"),
        ("start with the word b; end with the word b", "b"),
        ("include the word a; start with the word a; end with the word b", "a b"),
        ("use exactly 2 words; include the word a; include the word b; start with the word b", "b a"),
        ("use exactly 2 words; include the word a; include the word b; end with the word a; start with the word b", "b a"),
        ("include the word Red; use only uppercase", "RED"),
        ("include the word RED; use only lowercase", "red"),
        ("use only lowercase; use only uppercase", "\u65e5\u672c"),
        (
            "use only lowercase; use only uppercase; use exactly 2 words; include the word \u65e5\u672c",
            "\u65e5\u672c \u65e5\u672c",
        ),
        ("avoid the letter e; use only uppercase; use exactly 2 words", "NO WAY"),
        ("; ".join(f"avoid the letter {letter}" for letter in "aeiouyst"), "hmm"),
        ("include the word stra\u00dfe; use only uppercase", "STRASSE"),
        ("include the word \u039f\u03b4\u03cc\u03c2; use only uppercase", "\u039f\u0394\u038c\u03a3"),
        (f"include the word {DOTTED_I}z; use only lowercase", "i\u0307z"),
        ("use exactly 999 words", "a " * 999),
        (f"include the word {'a' * MAX_ANSWER_CHARS}", "A" * MAX_ANSWER_CHARS),
        ("include the word o'clock; use exactly 1 word", "o\u2019clock"),
        ("avoid the letter e; include the word " + CAFE, CAFE_APART),
        ("avoid the letter e; include the word " + HELLO_MIXED, HELLO_MIXED),
    ],
)
def test_what_some_answer_meets_is_scored(instruction, some_answer):
    score = judged(instruction, some_answer)
    assert (score.reason, score.values) == ("ok", (1.0,))
    found = witness(parse_instruction(instruction))
    assert judged(instruction, found).values == (1.0,)


@pytest.mark.parametrize(
    "instruction",
    [
        "use exactly 2 words; include the word a; start with the word b; end with the word b",
        "use exactly 1 word; start with the word a; end with the word b",
        "use exactly 1 word; include the word a; start with the word b",
        "use exactly 1 word; include the word a; end with the word b",
        "use exactly 2 words; include the word a; start with the word b; end with the word c",
        "use exactly 2 words; include the word a; include the word b; start with the word c",
        "use exactly 3 words; include the word a; include the word b; start with the word c; end with the word c",
        "start with the word a; start with the word b",
        "end with the word a; end with the word b",
        "use exactly 2 words; use exactly 3 words",
        "use exactly 0 words",
        "use exactly 000 words; use only lowercase",
        "avoid the letter e; include the word red",
        "avoid the letter e; include the word RED; use only uppercase",
        "avoid the letter a; start with the word a",
        "avoid the letter s; include the word stra\u00dfe",
        "avoid the letter i; end with the word " + DOTTED_I,
        "use only lowercase; use only uppercase; include the word red",
        f"include the word {DOTLESS_I}lk; use only uppercase",
        f"include the word {'a' * (MAX_ANSWER_CHARS + 1)}",
        f"include the word {'a' * 1_000_000}",
        f"include the word {'a' * 10_000}\u2019{'a' * 10_000}",
        f"include the word {'e' + chr(0x301) * 1_000_000}",
        f"include the word {'a' * 2_500}; include the word {'b' * 2_500}",
        f"start with the word {'a' * 2_500}; end with the word {'a' * 2_500}; include the word b",
        f"use exactly 999 words; include the word {'a' * 2_500}",
        f"use exactly 2 words; start with the word {'a' * 2_001}; end with the word {'a' * 2_001}",
    ],
)
def test_what_no_answer_meets_is_a_contradiction(instruction):
    assert reason(instruction) == "contradiction"
    assert judged(instruction, "a", "b").values == (0.0, 0.0)


SMALL = [f"use exactly {count} words" for count in range(1, 5)]
SMALL += [
    f"{form} {word}" for form in ("include the word", "start with the word", "end with the word") for word in ("a", "b", "ab")
]
SMALL += ["avoid the letter a", "avoid the letter b", "use only lowercase", "use only uppercase"]


def test_no_possible_combination_of_a_small_world_is_refused_and_no_impossible_one_is_scored():
    """All texts of up to four words from five, in both cases, against random instructions of up to eight clauses."""
    pool = ("a", "b", "ab", "c", "\u65e5")
    texts = [" ".join(some) for count in range(1, 5) for some in itertools.product(pool, repeat=count)]
    texts += [text.upper() for text in texts]
    met = {
        clause: {text for text, value in zip(texts, judged(clause, *texts).values, strict=True) if value} for clause in SMALL
    }
    chance = random.Random(0)
    possible = 0
    for _ in range(3_000):
        clauses = chance.sample(SMALL, chance.choice((2, 2, 3, 3, 4, 5, 6, 8)))
        # three words can be demanded, and one of them twice: what is possible is possible with four words
        wanted = "ok" if set.intersection(*(met[clause] for clause in clauses)) else "contradiction"
        assert reason("; ".join(clauses)) == wanted, clauses
        possible += wanted == "ok"
    assert 500 < possible < 2_500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CAFE, [CAFE]),
        (CAFE_APART, [CAFE]),
        (DONT, ["don't"]),
        (DONT_LETTER, ["don't"]),
        ("don't", ["don't"]),
        ("'cat'", ["cat"]),
        ("\u2018cat\u2019", ["cat"]),
        ("\u201ccat\u201d, \u00abcat\u00bb", ["cat", "cat"]),
        ("rock 'n' roll", ["rock", "n", "roll"]),
        ("rock'n'roll", ["rock'n'roll"]),
        ("the dogs' bowl", ["the", "dogs", "bowl"]),
        ("a ' b '' c", ["a", "b", "c"]),
        ("it''s", ["it", "s"]),
        ("Stra\u00dfe", ["strasse"]),
        (
            "\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
            ["\u043f\u0440\u0438\u0432\u0435\u0442", "\u043c\u0438\u0440"],
        ),
        ("\u65e5\u672c \u8a9e", ["\u65e5\u672c", "\u8a9e"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),  # vowel signs are marks
        ("q\u0303ui", ["q\u0303ui"]),
        ("co\u00adoperate", ["cooperate"]),
        ("well-known snake_case", ["well", "known", "snake", "case"]),
        ("3 cats, abc123", ["cats", "abc"]),
        (HELLO_MIXED, [HELLO_MIXED]),
        (f"{KELVIN}elvin {LONG_S}o", ["kelvin", "so"]),
    ],
)
def test_what_a_word_is(text, words):
    clauses = [f"use exactly {len(words)} words", f"start with the word {words[0]}", f"end with the word {words[-1]}"]
    clauses += [f"include the word {word}" for word in dict.fromkeys(words)]
    assert judged("; ".join(clauses), text).values == (1.0,)
    assert judged(f"use exactly {len(words) + 1} words", text).values == (0.0,)


@pytest.mark.parametrize(
    ("clause", "answer", "met"),
    [
        ("avoid the letter e", "\u0435\u0435\u0435", True),
        ("avoid the letter e", HELLO_MIXED, True),
        ("avoid the letter e", CAFE, True),
        ("avoid the letter e", CAFE_APART, True),
        ("avoid the letter e", "Eve", False),
        ("avoid the letter k", KELVIN, False),
        ("avoid the letter s", LONG_S, False),
        ("avoid the letter i", DOTTED_I, False),
        ("avoid the letter i", DOTLESS_I, True),
        ("avoid the letter f", "\ufb01n", False),  # the ligature fi
        ("include the word hello", HELLO_MIXED, False),
        (f"include the word {HELLO_MIXED}", "hello", False),
        ("include the word cafe", CAFE_APART, False),
        ("include the word don't", f"I {DONT} know", True),
        (f"include the word {DONT}", "I don't know", True),
        ("include the word 'cat'", "a cat", True),
        ("include the word cat", "the 'Cat' sat", True),
        ("include the word \u2018cat\u2019", "cat", True),
        (f"include the word {CAFE_APART}", "CAFÉ!", True),
        ("use only lowercase", CAFE_APART, True),
        ("use only lowercase", "CAFE\u0301", False),
        ("use only lowercase", "\u01c5", False),  # a title-case letter is neither
        ("use only uppercase", "\u01c5", False),
        ("use only uppercase", "\U0001d41a", False),  # a small letter that has no capital
        ("use only uppercase", "42 \u65e5\u672c", True),
        ("use only lowercase", "42 \u65e5\u672c", True),
        ("use exactly 1 word", "\u200b\u2060", False),
        ("avoid the letter e", "\u200b\u2060", False),  # nothing to see is an empty answer
        ("avoid the letter e", " \u00a0\u2003\n", False),
        ("use only lowercase", "", False),
        ("use only lowercase", "a" * MAX_ANSWER_CHARS, True),
        ("use only lowercase", "a" * (MAX_ANSWER_CHARS + 1), False),
    ],
)
def test_what_meets_a_clause(clause, answer, met):
    score = judged(clause, answer)
    assert (score.reason, score.values) == ("ok", (float(met),))


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        ("use exactly 2 words;\r\nuse only lowercase\r\n", "ok"),
        ("use exactly 2 words;\r\n\r\n;use only lowercase;\r", "ok"),
        ("\ufeffUse exactly 2 words;\u00a0use only LOWERCASE.\u2028", "ok"),
        (f"include the word {CAFE}", "ok"),
        (f"include the word {DONT}", "ok"),
        ("start with the word \u041f\u0440\u0438\u0432\u0435\u0442", "ok"),
        (f"avoid the letter {KELVIN}", "ok"),
        ("", "no_clause"),
        (" ;\r\n;\u200b; .", "no_clause"),
        ("use exactly \uff12 words", "unknown_clause"),
        ("use exactly \u0663 words", "unknown_clause"),
        ("use exactly \u00b2 words", "unknown_clause"),
        ("use exactly \u0967\u0968 words", "unknown_clause"),
        ("use exactly two words", "unknown_clause"),
        ("use exactly -1 words", "unknown_clause"),
        ("use exactly " + "9" * 10_000 + " words", "unknown_clause"),
        ("avoid the letter \u0435", "unknown_clause"),
        ("avoid the letter ee", "unknown_clause"),
        ("include the word two words", "unknown_clause"),
        ("include the word well-known", "unknown_clause"),
        ("include the word abc1", "unknown_clause"),
        ("include the word 7", "unknown_clause"),
        ("include the word '", "unknown_clause"),
        ("include the word \u0301", "unknown_clause"),
        ("include the word \ud800", "unknown_clause"),
        ("use only lowercase, use only uppercase", "unknown_clause"),
        ("use only lowercase; prove it", "unknown_clause"),
        ("use only lowercase; Use only  lowercase.", "repeated_clause"),
        (f"include the word {CAFE}; include the word {CAFE_APART.upper()}", "repeated_clause"),
        (f"include the word {DONT}; include the word don't", "repeated_clause"),
        ("use exactly 2 words; use exactly 02 word", "repeated_clause"),
        ("; ".join(f"include the word {letter}" for letter in "abcdefgh"), "ok"),
        ("; ".join(f"include the word {letter}" for letter in "abcdefghi"), "too_many_clauses"),
    ],
)
def test_how_an_instruction_is_read(instruction, wanted):
    assert reason(instruction) == wanted


MARKS = "\u0301\u0323" * 500_000  # in an order that has to be sorted
HOSTILE = ["a" * 10**6, "'" * 10**6, "a'" * 500_000, MARKS, "a" + MARKS, "\ufdfa" * 10**6, "\ud800" * 10**6, "\u200d" * 10**6]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:2]))
def test_hostile_texts_take_little_time(text):
    start = time.process_time()
    cut = text[:MAX_ANSWER_CHARS]
    for given in (text, cut):
        score = judged("use exactly 999 words; avoid the letter e; use only uppercase; include the word b", given)
        assert score.reason == "ok"
        assert score.values[0] <= 0.5
    assert {reason(form + text) for form in ("", "include the word ", "use exactly ", "avoid the letter ")} <= {
        "no_clause",
        "unknown_clause",
        "contradiction",
    }
    assert reason(f"{text[:1]};" * 500_000) in {"too_many_clauses", "no_clause"}
    assert time.process_time() - start < 10


MEETS = {
    "a red fox": {"count 3", "include red", "start a", "end fox", "avoid b", "avoid t", "lowercase"},
    "The red sun is low.": {"include red", "start the", "avoid b"},
    "RED FOX": {"include red", "end fox", "avoid b", "uppercase", "avoid t"},
    "it's a big, big world!": {"lowercase"},
    "the blue fox": {"count 3", "start the", "end fox", "lowercase"},
    "THE": {"start the", "uppercase", "avoid b"},
    "hundred foxes run": {"count 3", "lowercase", "avoid b", "avoid t"},
    "A, (red). Fox?": {"count 3", "include red", "start a", "end fox", "avoid b", "avoid t"},
    "no": {"lowercase", "avoid b", "avoid t"},
    "": set(),
}
"""Ordinary answers, and which of the clauses of the test below each one meets."""

FORMS = {
    "count": "use exactly {} words",
    "include": "include the word {}",
    "start": "start with the word {}",
    "end": "end with the word {}",
    "avoid": "avoid the letter {}",
    "lowercase": "use only lowercase",
    "uppercase": "use only uppercase",
}


def test_ordinary_instructions_and_answers_score_as_they_always_did():
    names = ["count 3", "include red", "start the", "start a", "end fox", "avoid b", "avoid t", "lowercase", "uppercase"]
    apart = [{"start the", "start a"}, {"lowercase", "uppercase"}, {"avoid t", "start the"}]
    seen = 0
    for count in (1, 2, 3):
        for chosen in itertools.combinations(names, count):
            if any(pair <= set(chosen) for pair in apart):
                continue
            clauses = [FORMS[kind].format(argument) for kind, _, argument in (name.partition(" ") for name in chosen)]
            score = judged("; ".join(clauses), *MEETS)
            assert score.reason == "ok"
            assert score.values == tuple(len(met.intersection(chosen)) / count for met in MEETS.values()), chosen
            seen += len(MEETS)
    assert seen > 800


@pytest.mark.parametrize(
    ("instruction", "answer", "value"),
    [
        ("include the word don\u2019t", "don't", 1.0),
        ("include the word 'cat'", "cat", 1.0),
        ("include the word \u2018cat\u2019", "cat", 1.0),
        ('include the word "cat"', "cat", 1.0),
        ("include the word \u201ccat\u201d", "cat", 1.0),
        ("use only uppercase; include the word Straße", "STRASSE", 1.0),
        ("use only lowercase; include the word \u13a0", "\uab70", 1.0),
        ("use only uppercase; include the word \u01f0", "J\u030c", 1.0),
        ("use only uppercase; include the word \u1fb3", "\u0391\u0399", 1.0),
        ("use exactly 1 word", "\u0915\u094d\u200d\u0937", 1.0),
        ("use exactly 2 words", "a1b", 1.0),
        ("use exactly 3 words", "well-known fact", 1.0),
        ("use exactly 1 word; start with the word a; end with the word a", "a", 1.0),
        ("use exactly 0 words", ".", 0.0),
        ("start with the word a; end with the word b; use exactly 1 word", "a b", 0.0),
        ("use only uppercase; include the word \u0131", "I", 0.0),
        ("use only lowercase; include the word \U0001d400", "\U0001d400", 0.0),
        ("avoid the letter k; include the word \u212a", "k", 0.0),
        ("avoid the letter f", "\ufb00", 0.0),
    ],
)
def test_the_rules_judge(instruction: str, answer: str, value: float) -> None:
    item = JudgeItem(messages=(Message("user", instruction),), answers=(answer,))
    assert RulesJudge().score([item])[0].values == (value,)


IFEVAL = "rules:vocabulary=ifeval"


def judged_by(text, instruction, *answers):
    [score] = open_judge(text).score([JudgeItem(messages=(Message("user", instruction),), answers=answers)])
    return score.reason, score.values


def test_the_vocabulary_of_ifeval_is_scored_by_the_share_of_its_clauses():
    instruction = 'Use at least 3 words; end with the phrase "stop; now".;\n use  no commas'
    assert [clause.id for clause in parse_ifeval(instruction)] == [
        "length_constraints:number_words",
        "startend:end_checker",
        "punctuation:no_comma",
    ]
    answers = ("Do not stop; now", "no, stop; now", "**stop; now**", "", ",")
    assert judged_by(IFEVAL, instruction, *answers) == ("ok", (1.0, 2 / 3, 1 / 3, 0.0, 0.0))
    assert judged_by(f"{IFEVAL},loose=1", instruction, *answers)[1] == (1.0, 2 / 3, 2 / 3, 0.0, 0.0)
    assert judged_by("rules", instruction, *answers) == ("unknown_clause", (0.0,) * 5)
    assert judged_by(IFEVAL, "use exactly 3 words", "a b c") == ("unknown_clause", (0.0,))
    assert is_pure(IFEVAL)


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        (";\u200b; .", "no_clause"),
        ("; ".join(f"use at least {number} words" for number in range(1, MAX_CLAUSES + 2)), "too_many_clauses"),
        ("use no commas; do as you like", "unknown_clause"),
        ('end with the phrase "a', "unknown_clause"),
        ("use no commas; Use no commas.", "repeated_clause"),
        ("use at least 3 words; use less than 3 words", "contradiction"),
        ("answer in JSON only; use exactly 2 bullet points", "no_witness"),
        ("use at least 9999 words; use no commas", "no_witness"),
        ("x" * 4_001, "instruction_too_long"),
    ],
)
def test_an_instruction_of_ifeval_that_cannot_be_scored_has_its_reason(instruction, wanted):
    assert parse_ifeval(instruction) == wanted
    assert judged_by(IFEVAL, instruction, "a", "b") == (wanted, (0.0, 0.0))
    assert judged_by(IFEVAL, instruction) == (wanted, ())


def test_hidden_characters_cannot_hide_in_a_keyword():
    assert judged_by(IFEVAL, 'include the keyword "c\u200bat"', "cat") == ("ok", (1.0,))


def test_wrong_options_are_one_sentence():
    with pytest.raises(UsageError, match="vocabulary='latin' is not known; choose one of basic, ifeval"):
        open_judge("rules:vocabulary=latin")
    with pytest.raises(UsageError, match="loose=True is a scoring of IFEval's; add vocabulary=ifeval"):
        open_judge("rules:loose=1")
