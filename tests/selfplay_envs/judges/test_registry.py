"""Judges by name: their texts, how they open, and the judges of a run."""

import threading

import pytest

from selfplay_envs import JudgeItem, Message, Score, UsageError
from selfplay_envs.judges.registry import JUDGES, PURE, Judges, check_judge, is_pure, open_judge
from selfplay_envs.judges.rules import RulesJudge
from tests.helpers.parts import write_parts

ITEM = JudgeItem(messages=(Message("user", "use a"),), answers=("banana", "e"))


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Modules of one's own that can be imported."""
    yield from write_parts(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("my_parts:Vowels", (3.0, 0.0)),
        ("my_parts:Vowels:weight=2", (6.0, 0.0)),
        ("my_parts:Vowels:weight=.5,letter=e", (0.0, 0.5)),
        ("my_parts:Vowels:cap=2", (2.0, 0.0)),
        ("my_parts:JUDGE", (9.0, 0.0)),
    ],
)
def test_a_judge_of_ones_own_takes_options(parts, text, values):
    [score] = open_judge(text).score([ITEM])
    assert score.values == values


def test_a_judge_that_does_not_open_is_one_sentence(parts):
    with pytest.raises(UsageError, match=r"my_parts.py:20: FileNotFoundError: .*no_such_file.*; mend it or its options"):
        open_judge("my_parts:Broken:path=no_such_file")
    with pytest.raises(UsageError, match=r"judge='my_parts:nothing' opened None, which has no method score"):
        open_judge("my_parts:nothing")
    with pytest.raises(UsageError, match=r"judge='my_parts:left': my_parts.py:\d+: SystemExit: 4; mend it or its options"):
        open_judge("my_parts:left")
    check_judge("my_parts:Broken:path=no_such_file")  # looked at, not opened
    check_judge("self")
    with pytest.raises(UsageError, match="bind it"):
        open_judge("self")


def test_a_line_among_the_pure_judges_is_all_that_an_environment_needs(monkeypatch):
    assert set(PURE) < set(JUDGES.table)
    assert is_pure("rules")
    monkeypatch.setitem(PURE, "later", "nowhere:Judge")
    assert is_pure("later")
    assert is_pure("later:weight=2")
    assert not any(map(is_pure, ("self", "nowhere:Judge", Fixed())))


class Fixed:
    def score(self, items):
        return [Score(values=(2.0,)) for _ in items]


def test_the_judges_of_a_run_are_opened_once_and_bound_ones_come_first(parts):
    bound = Fixed()
    judges = Judges("my_parts:Vowels:weight=2", {"rules": bound})
    assert judges["rules"] is bound
    assert judges[""] is judges["my_parts:Vowels:weight=2"]
    assert judges[""].score([ITEM])[0].values == (6.0, 0.0)
    assert judges.default == "my_parts:Vowels:weight=2"
    assert isinstance(Judges("rules")["rules"], RulesJudge)
    own = Judges(bound)
    assert own[""] is own.default is bound
    assert Judges("self", {"self": bound})[""] is bound


def test_a_text_that_names_no_judge_is_refused_before_it_is_opened(parts):
    with pytest.raises(UsageError, match="judge='ruls' is not known"):
        Judges("ruls")
    judges = Judges("my_parts:Broken:path=no_such_file")  # checked, not opened
    with pytest.raises(UsageError, match="mend it or its options"):
        judges.open_all([""])
    with pytest.raises(UsageError, match="judge='self'"):
        judges.open_all(["rules", "self"])


def test_threads_open_a_judge_once(parts, monkeypatch):
    opened = []

    def slow(text):
        opened.append(text)
        threading.Event().wait(0.05)
        return Fixed()

    judges = Judges("rules")  # which looks at it, as it is pure
    monkeypatch.setattr("selfplay_envs.judges.registry.open_judge", slow)
    threads = [threading.Thread(target=judges.open_all, args=(["", "rules"],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["rules"]
