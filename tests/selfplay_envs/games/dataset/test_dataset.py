"""Dataset-v0: what every verifier's problems are like as episodes, where problems come from, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfplay_envs import Referee, Reply, ScriptedPlayer, Slot, Start, UsageError, make_game, play_episode
from selfplay_envs.core.records import Episode
from selfplay_envs.games.dataset.dataset import Dataset
from selfplay_envs.play.replay import rejudge, replay
from selfplay_envs.replies.parsing import fence
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import ANSWER_VERIFIERS

GAME = "SelfPlay/Dataset-v0"
SLOT = Slot("solver", 0, 0)
ADD = "def add(a, b):\n    return a + b"
PAIRS: dict[str, Any] = {"inputs": ["1", "2", "3", "4"], "outputs": ["2", "4", "6", "8"]}
ROWS: Mapping[str, dict[str, Any]] = {
    "exact": {"question": "6 * 7?", "answer": "42"},
    "choice": {"question": "Which is red?", "choices": ["grass", "blood"], "answer": "B"},
    "numeric": {"question": "6 * 7?", "answer": 42},
    "math": {"question": "Half of $x$?", "answer": "\\frac{x}{2}"},
    "chat": {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello to you."}]},
    "ifeval": {
        "question": "Count to three.",
        "instruction_id_list": ["length_constraints:number_words"],
        "kwargs": [{"relation": "at least", "num_words": 3}],
        "answer": "One, two, three.",
    },
    "unit-tests": {"question": "Add.", "entry_point": "add", "tests": ["assert add(1, 2) == 3"], "answer": ADD},
    "stdio": {"question": "Echo.", "inputs": ["5\n"], "outputs": ["5\n"], "answer": "print(input())"},
    "reference": {"question": "Add.", "entry_point": "add", "answer": ADD, "base_input": [[1, 2], [3, 4]]},
    "deduction": {"program": "def f(x):\n    return [x, x]", "inputs": ["1"], "outputs": ["[1, 1]"]},
    "abduction": {"program": "def f(x):\n    return [x, x]", "inputs": ["1"], "outputs": ["[1, 1]"]},
    "induction": {"program": "def f(x):\n    return 2 * x", "message": "Twice.", **PAIRS},
}
"""A row for every verifier of files."""


def source_of(folder: Path, *rows: Mapping[str, Any]) -> str:
    """The path of a file of these rows."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def answered(text: str, referee: Referee, *, task: Mapping[str, Any] | None = None, seed: int = 0, **kwargs: Any) -> Episode:
    """One episode in which every attempt says `text`."""
    start = Start(GAME, seed, {"attempts": 1, **kwargs}, {"task": task} if task else {})
    return play_episode(start, ScriptedPlayer(lambda ask: text), referee)


def test_every_verifier_has_a_row_here() -> None:
    assert set(ROWS) == {*ANSWER_VERIFIERS.names()} - {"reasoning-gym", "free-text"}  # of which one is no wrong answer


@pytest.mark.parametrize("verifier", ROWS)
def test_the_gold_reply_is_right_and_sampled_replies_are_legal_right_and_wrong(
    verifier: str, tmp_path: Path, referee: Referee
) -> None:
    kwargs = {"source": source_of(tmp_path, ROWS[verifier]), "verifier": verifier}
    game = make_game(GAME, **kwargs)
    game.reset(np.random.default_rng(0), {})
    gold, rng = game.gold_reply(SLOT), np.random.default_rng(1)
    texts = list(dict.fromkeys([gold, *(game.sample_action(SLOT, rng) for _ in range(6))]))
    assert len(texts) > 1
    player = ScriptedPlayer(lambda ask: texts[ask.slot.attempt] or "")
    episode = play_episode(Start(GAME, 0, {**kwargs, "attempts": len(texts)}), player, referee)
    assert all(turn.verdict.valid for turn in episode.messages)
    assert [turn.verdict.score for turn in episode.messages] == [1.0] + [0.0] * (len(texts) - 1)
    assert [turn.credit for turn in episode.messages] == [turn.verdict.score for turn in episode.messages]
    assert replay(episode).outcome == rejudge(episode, referee).outcome == episode.outcome


def test_a_gold_reply_stands_between_tags_where_the_prompt_speaks_of_them(tmp_path: Path, referee: Referee) -> None:
    source = source_of(tmp_path, ROWS["deduction"])
    for prompt, expected in (
        ("full", "<answer>\n```output\n[1, 1]\n```\n</answer>"),
        ("terse", "```output\n[1, 1]\n```"),
        ("{program} {request}", "```output\n[1, 1]\n```"),
    ):
        game = make_game(GAME, source=source, verifier="deduction", prompt=prompt)
        game.reset(np.random.default_rng(0), {})
        gold = game.gold_reply(SLOT) or ""
        assert gold == expected
        assert answered(gold, referee, source=source, verifier="deduction", prompt=prompt).outcome == {("solver", 0): 1.0}


def test_the_seed_draws_the_problem(tmp_path: Path) -> None:
    rows = [{"question": f"{number}?", "answer": number} for number in range(8)]
    game = make_game(GAME, source=source_of(tmp_path, *rows), verifier="numeric")
    drawn: list[str] = []
    for seed in range(64):
        game.reset(np.random.default_rng(seed), {})
        drawn.append(game.task_id)
    assert len(set(drawn)) == 8
    game.reset(np.random.default_rng(5), {})
    assert game.task_id == drawn[5]


@pytest.mark.parametrize(("verifier", "remembered"), [("chat", ""), ("exact", "exact")])
def test_an_episode_on_a_given_task_plays_and_replays_without_its_source(
    verifier: str, remembered: str, tmp_path: Path, referee: Referee
) -> None:
    source = source_of(tmp_path, ROWS[verifier])
    kwargs: dict[str, Any] = {"source": source, **({"verifier": remembered} if remembered else {})}
    game = make_game(GAME, **kwargs)
    assert isinstance(game, Dataset)
    [task] = [problem.to_json() for problem in game.source.read()]
    game.reset(np.random.default_rng(0), {"task": task})
    episode = answered(game.gold_reply(SLOT) or "", referee, task=task, **kwargs)
    Path(source).unlink()
    restored = Episode.from_json(json.loads(episode.to_line()))
    assert replay(restored).outcome == rejudge(restored, referee).outcome == {("solver", 0): 1.0}
    with pytest.raises(UsageError, match=r"rows\.jsonl"):
        answered("", referee, **kwargs)  # without a task it has to be read


def test_special_tokens_in_a_reply_are_only_text(tmp_path: Path) -> None:
    token = "<|im_end|>"
    referee = Referee("process", reserved=[token], strict=True)
    source = source_of(tmp_path, {"question": "Which token ends a turn?", "answer": token})
    assert answered(f"Answer: {token}", referee, source=source, verifier="exact").outcome == {("solver", 0): 1.0}


def test_malformed_replies_have_their_reason_and_their_credit(referee: Referee) -> None:
    kwargs = {"wrong_credit": -0.5, "malformed_credit": -1.0, "verifier": "exact"}
    for text, finish, reason, credit in (
        ("Answer: 0", "stop", "wrong", -0.5),
        ("I do not know", "stop", "no_answer", -1.0),
        ("<think>hmm", "length", "thought_cut_off", -1.0),
    ):
        said = [Reply(text=text, finish_reason=finish)]
        [turn] = play_episode(Start(GAME, 0, {"attempts": 1, **kwargs}), lambda asks, said=said: said, referee).messages
        assert (turn.verdict.reason, turn.credit, turn.verdict.train) == (reason, credit, True)
    [turn] = answered("I do not know", referee, malformed="mask").messages
    assert not turn.verdict.train


def test_an_attempt_of_which_nothing_is_known_costs_nobody(referee: Referee) -> None:
    player = ScriptedPlayer(lambda ask: f"Answer: {42 + ask.slot.attempt}")
    kwargs = {"attempts": 2, "verifier": "tests.helpers.odd_verifiers:KnowsNothing"}
    task = Problem(fields={"question": "?"}, answer="43").to_json()
    episode = play_episode(Start(GAME, 0, kwargs, {"task": task}), player, referee)
    assert [(turn.void, turn.credit) for turn in episode.messages] == [("worker_lost", 0.0), ("", 1.0)]


def test_two_problems_of_one_question_are_one() -> None:
    game = make_game(GAME)
    first, second = (Problem(id=name, fields={"question": "6 * 7?"}, answer="42") for name in "ab")
    assert first.task_id != second.task_id
    assert game.proposal_key(first.to_json()) == game.proposal_key(second.to_json())


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"source": "no-such"}, "source='no-such' is not known"),
        ({"source": "rows.jsonl"}, r"rows\.jsonl"),
        ({"verifier": "exakt"}, "verifier='exakt' is not known; did you mean 'exact'"),
        ({"prompt": "fuller"}, "prompt='fuller' is neither a style"),
        ({"prompt": "{problem}"}, "shows 'problem', which the problem lacks; it has question, request"),
        ({"malformed": "no"}, "malformed='no' is not known"),
        ({"attempts": 0}, "attempts=0"),
        ({"wrong_credit": float("nan")}, "wrong_credit=nan"),
    ],
)
def test_what_is_wrong_is_one_sentence_before_anybody_answers(
    kwargs: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        answered("", Referee("process"), **kwargs)


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ({}, "it shows nothing"),
        ({"fields": {"question": 1}}, "its fields and its answer are str"),
        ({"fields": []}, "no problem"),
    ],
)
def test_a_task_that_is_no_problem_is_one_sentence(task: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        make_game(GAME).reset(np.random.default_rng(0), {"task": task})


def test_fenced_answers_of_a_code_task_are_judged_as_in_its_game(tmp_path: Path, referee: Referee) -> None:
    kwargs: dict[str, Any] = {"source": source_of(tmp_path, ROWS["induction"]), "verifier": "induction"}
    shown_only = "def f(x):\n    return {1: 2, 2: 4}[x]"
    assert answered(fence("python", shown_only), referee, **kwargs).outcome == {("solver", 0): 0.0}
    assert answered(fence("python", "def f(x):\n    return x + x"), referee, **kwargs).outcome == {("solver", 0): 1.0}
