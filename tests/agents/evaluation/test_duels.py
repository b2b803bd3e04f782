"""Duels: both orders are judged, from the model's side; answers of files, and judgements that are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.config.sampling import Sampling
from agents.evaluation.duels import Answer, Judgements, Request, ask, judge_duels, read_answers
from agents.judges.pairs import Pair, Preference
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Message, Reply, UsageError
from selfplay_envs.tasks.problem import Problem


class Longer:
    """Prefers the longer answer; has no word on answers with a question mark, and counts what it is asked."""

    name = "longer"

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        self.asked += pairs
        return [self._one(pair) for pair in pairs]

    @staticmethod
    def _one(pair: Pair) -> Preference:
        if "?" in pair.first:
            return Preference("", "unreadable")
        first, second = len(pair.first), len(pair.second)
        return Preference("tie" if first == second else "first" if first > second else "second")


def requests(*instructions: str) -> list[Request]:
    return [
        Request(place, Problem(fields={"question": text}, data={"subset": "odd"}), (Message("user", text),))
        for place, text in enumerate(instructions)
    ]


def answers(*texts: str) -> list[Answer]:
    return [Answer(text) for text in texts]


def test_every_pair_is_judged_in_both_orders_from_the_side_of_the_model(tmp_path: Path) -> None:
    judge = Longer()
    mine, other = answers("long", "s", "same", "what?"), answers("s", "long", "also", "x")
    duels = judge_duels(judge, requests("a", "b", "c", "d"), mine, other, Judgements(tmp_path / "j.jsonl", "longer"))
    assert [(one.shown_first, one.shown_second, one.reasons) for one in duels] == [
        ("win", "win", ()),
        ("loss", "loss", ()),
        ("tie", "tie", ()),
        ("", "win", ("unreadable",)),  # its question mark stands second there
    ]
    assert [(pair.first, pair.second) for pair in judge.asked[:2]] == [("long", "s"), ("s", "long")]
    assert {pair.messages for pair in judge.asked[:2]} == {(Message("user", "a"),)}
    assert [(one.subset, one.length, one.other_length) for one in duels[:2]] == [("odd", 4, 1), ("odd", 1, 4)]


def test_what_was_said_is_kept_and_what_was_not_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "j.jsonl"
    asked, mine, other = requests("a", "b"), answers("long", "what?"), answers("s", "x")
    first = judge_duels(Longer(), asked, mine, other, Judgements(path, "longer"))
    again, counts = Longer(), list[tuple[int, int]]()
    second = judge_duels(
        again, asked, mine, other, Judgements(path, "longer"), lambda stored, new: counts.append((stored, new))
    )
    assert second == first
    assert [(pair.first, pair.second) for pair in again.asked] == [("what?", "x")]
    assert counts == [(3, 0), (0, 1)]
    another = Longer()
    judge_duels(another, asked, mine, other, Judgements(path, "longer, but another"))
    assert len(another.asked) == 4


def test_a_line_that_a_kill_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    asked, mine, other = requests("a"), answers("long"), answers("s")
    judge_duels(Longer(), asked, mine, other, Judgements(path, "longer"))
    whole = path.read_text()
    path.write_text(whole[:-10])
    again = Longer()
    judge_duels(again, asked, mine, other, Judgements(path, "longer"))
    assert len(again.asked) == 1
    assert path.read_text() == whole


def test_equal_answers_are_judged_once_and_a_liking_for_a_place_makes_them_a_tie(tmp_path: Path) -> None:
    class First:
        name = "first"
        asked = 0

        def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
            self.asked += len(pairs)
            return [Preference("first")] * len(pairs)

    judge = First()
    [duel] = judge_duels(judge, requests("a"), answers("x"), answers("x"), Judgements(tmp_path / "j.jsonl", "first"))
    assert (duel.shown_first, duel.shown_second, duel.value, judge.asked) == ("win", "loss", 0.5, 1)


class Said(ScriptedSampler):
    """Gives these replies in order, and keeps the seeds."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(())
        self.replies, self.seeds = replies, list[int]()

    def generate(
        self, prompts: Sequence[tuple[Message, ...]], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        self.prompts += prompts
        self.seeds += [seed for of_prompt in seeds for seed in of_prompt]
        return [[reply] for reply in self.replies]


def test_answers_are_what_counts_of_replies() -> None:
    sampler = Said(
        Reply(text="<think>Hm.</think> Yes. "),
        Reply(text="<think>On and on", finish_reason="length"),
        Reply(text="It is", finish_reason="length"),
    )
    asked = requests("a", "b", "c")
    found = ask(sampler, asked, Sampling(), seed=0)
    assert found == [Answer("Yes."), Answer("", cut_off=True), Answer("It is", cut_off=True)]
    assert sampler.prompts == [request.prompt for request in asked]


def test_a_second_answer_is_drawn_with_seeds_of_its_own_and_the_same_seed_draws_the_same() -> None:
    sampler = Said(Reply(text="x"), Reply(text="y"))
    for seed, copy in ((0, 0), (0, 1), (1, 0), (0, 0)):
        ask(sampler, requests("a", "b"), Sampling(), seed=seed, copy=copy)
    first, second, third, again = (tuple(sampler.seeds[place : place + 2]) for place in range(0, 8, 2))
    assert first == again
    assert len({*first, *second, *third}) == 6


def test_answers_of_a_file_are_found_by_instruction(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    rows = [{"instruction": "b", "output": "B"}, {"instruction": "a", "output": "A1"}, {"instruction": "a", "output": "A2"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_answers(path, requests("a", "b", "a")) == answers("A1", "B", "A2")
    with pytest.raises(UsageError, match="has no row for the instruction 'c', or too few"):
        read_answers(path, requests("a", "c"))
    with pytest.raises(UsageError, match="has no row for the instruction 'b', or too few"):
        read_answers(path, requests("b", "b"))
    path.write_text('{"instruction": "a"}\n')
    with pytest.raises(UsageError, match=r"other\.jsonl:1 has no texts `instruction` and `output`"):
        read_answers(path, requests("a"))
