"""A remote model as a judge, against a real server on this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from agents.core.errors import EndpointError
from agents.judges.endpoint import EndpointJudge, read_criteria
from agents.judges.pairs import Pair, Preference, open_pair_judge
from selfplay_envs import JudgeItem, Message, Score, UsageError
from selfplay_envs.judges.registry import open_judge
from selfplay_envs.replies.parsing import fence
from tests.helpers.fake_endpoint import Answer, chat, refusal, serving

REQUEST = (Message("user", "say red"),)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def item(*answers: str) -> JudgeItem:
    return JudgeItem(messages=REQUEST, answers=answers)


def shown(body: dict[str, Any], name: str = "answer") -> str:
    """The text of that name in a judge's prompt."""
    found = re.search(rf"\[{name} (\w+)\]\n(.*?)\n\[end of {name} \1\]", body["messages"][-1]["content"], re.DOTALL)
    assert found
    return found[2]


def by_answer(**answers: Answer) -> Any:
    """Answers by the judged answer; `other` for all else."""
    return lambda number, body: answers.get(shown(body), answers.get("other", chat("<score>7</score>")))


def test_scores_are_shares_of_the_criteria_and_missing_ones_say_why() -> None:
    answers = by_answer(
        good=chat("All of it.\n<score>7</score>"),
        fair=chat("<score>2</score>"),
        odd=chat("I cannot say."),
        cut=chat("<score>7</score>", "length"),
        vile=refusal(400, "the content filter stops this"),
        vast=refusal(400, "maximum context length is 99 tokens"),
    )
    with serving(answers) as fake:
        judge = open_judge(f"endpoint:url={fake.url},model=m,max_new_tokens=77,scale=14")
        scores = judge.score(
            [item("good"), item("fair"), item("odd"), item("cut"), item("vile"), item("vast"), item("good", "odd")]
        )
        assert [(score.values, score.reason) for score in scores] == [
            ((14.0,), "ok"),
            ((4.0,), "ok"),
            ((0.0,), "unreadable"),
            ((0.0,), "cut_off"),
            ((0.0,), "refused"),
            ((0.0,), "too_long"),
            ((14.0, 0.0), "unreadable"),
        ]
        assert len(fake.asked) == 6  # equal ones once
        assert judge.score([item()]) == [Score(values=())]
        assert len(fake.asked) == 6  # there is nothing to judge
    body = fake.asked[0]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("m", 77, 0.0)
    assert dict(judge.counts) == {"judged": 8, "unreadable": 2, "cut_off": 1, "refused": 1, "too_long": 1}  # type: ignore[attr-defined]


def test_a_rubric_of_ones_own_has_a_point_a_line(tmp_path: Path) -> None:
    path = tmp_path / "rubric.txt"
    path.write_text("It names a colour.\n\n  It is one word.  \n", encoding="utf-8")
    with serving(lambda number, body: chat(f"<score>{number + 1}</score>")) as fake:
        judge = open_judge(f"endpoint:url={fake.url},model=m,rubric={path},parallel=1")
        assert judge.score([item("a"), item("b"), item("c")]) == [
            Score(values=(0.5,)),
            Score(values=(1.0,)),
            Score(values=(0.0,), reason="unreadable"),  # 3 of 2
        ]
    asked = fake.asked[0]["messages"][-1]["content"]
    assert "1. It names a colour.\n2. It is one word.\n" in asked
    assert "from 0 to 2," in asked


def test_pairs_are_asked_once_in_their_order_with_a_choice() -> None:
    def choose(number: int, body: dict[str, Any]) -> Answer:
        first, second = shown(body, "answer A"), shown(body, "answer B")
        if "vile" in first:
            return refusal(400, "the content filter stops this")
        if "odd" in first:
            return chat("Both.")
        return chat(f"<choice>{'tie' if first == second else 'A' if first < second else 'B'}</choice>")

    with serving(choose) as fake:
        text = f"endpoint:url={fake.url},model=m"
        judge = open_pair_judge(text)
        answers = [("a", "b"), ("b", "a"), ("a", "a"), ("odd", "a"), ("vile", "a"), ("a", "b")]
        found = judge.compare([Pair(REQUEST, *pair) for pair in answers])
    assert found == [
        Preference("first"),
        Preference("second"),
        Preference("tie"),
        Preference("", "unreadable"),
        Preference("", "refused"),
        Preference("first"),
    ]
    assert len(fake.asked) == 5
    assert judge.name == text


def test_busy_servers_are_asked_again_and_dead_ones_end_the_call() -> None:
    with serving(
        lambda number, body: refusal(429, "slow down", retry_after="0") if number < 2 else chat("<score>1</score>")
    ) as fake:
        judge = EndpointJudge(url=fake.url, model="m", scale=7.0)
        assert judge.score([item("a")])[0].values == (1.0,)
        assert len(fake.asked) == 3
    judge = EndpointJudge(url=fake.url, model="m", retries=0)
    with pytest.raises(EndpointError, match="cannot be reached"):  # nobody is charged
        judge.score([item("a")])


def test_texts_that_are_refused_are_told_from_an_endpoint_that_refuses_everything() -> None:
    with serving(by_answer(vile=refusal(400, "the content filter stops this"))) as fake:
        judge = EndpointJudge(url=fake.url, model="m")
        assert judge.score([item("vile")]) == [Score(values=(0.0,), reason="refused")]
        assert [shown(body) for body in fake.asked] == ["vile", "Blue."]
        judge.score([item("vile")])
        assert len(fake.asked) == 3  # it has answered once
    with serving(lambda number, body: refusal(400, "max_tokens is not supported")) as fake:
        judge = EndpointJudge(url=fake.url, model="m")
        for _ in range(2):
            with pytest.raises(EndpointError, match="max_tokens is not supported"):
                judge.score([item("a", "b")])
    with serving(lambda number, body: refusal(401, "bad key")) as fake, pytest.raises(EndpointError, match="key_env"):
        EndpointJudge(url=fake.url, model="m").score([item("a")])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("url=ftp://a,model=m", "judge endpoint: endpoint url=ftp://a ... is not understood"),
        ("url=http://a/v1", "option 'model' is missing"),
        ("url=http://a/v1,model=m,scale=0", "scale=0.0 must be a finite number above 0"),
        ("url=http://a/v1,model=m,max_new_tokens=0", "max_new_tokens=0"),
        ("url=http://a/v1,model=m,parallel=0", "parallel=0"),
        ("url=http://a/v1,model=m,key_env=NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE"),
        ("url=http://a/v1,model=m,rubric=nowhere.txt", "rubric='nowhere.txt' cannot be read"),
    ],
)
def test_wrong_options_are_one_sentence(options: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_judge(f"endpoint:{options}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rubric_holds_some_criteria_and_not_too_many(tmp_path: Path) -> None:
    path = tmp_path / "rubric.txt"
    for text, count in (("\n \n", 0), ("a\n" * 101, 101)):
        path.write_text(text)
        with pytest.raises(UsageError, match=f"holds {count} criteria"):
            read_criteria(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_criteria(path)


def test_an_environment_takes_it_by_its_text() -> None:
    with serving(by_answer(red=chat("<score>6</score>"))) as fake:
        env = gym.make(
            "SelfPlay/InstructionChallenge-v0", judge=f"endpoint:url={fake.url},model=m", attempts=1, sandbox="process"
        )
        env.reset(seed=0)
        env.step(fence("instruction", "say red"))
        assert env.step(fence("answer", "red"))[1] == pytest.approx(6 / 7)
