"""Steps of equally many trained tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.algorithms.table import ALGORITHMS
from agents.config.run import EvalConfig, TrainConfig
from agents.runs.events import Event
from agents.runs.rows import read_rows
from agents.training.checks import check_run
from agents.training.loop import train
from agents.training.token_matching import MOST_FURTHER, kept_places, match_tokens, short_of_budget, tokens_by_episode
from selfplay_envs import Episode, Reply, Slot, Start, Turn, Verdict, read_episodes
from tests.helpers.finished_runs import files_of
from tests.helpers.toys import GAME


def reply(tokens: int, finish_reason: str = "stop") -> Reply:
    ids = tuple(range(tokens))
    return Reply(text="a", prompt_ids=(1,), token_ids=ids, logprobs=(0.0,) * tokens, finish_reason=finish_reason)


def turn(role: str, attempt: int, number: int, tokens: int, **changes: Any) -> Turn:
    given: dict[str, Any] = {"reply": reply(tokens), "credit": 1.0, **changes}
    place = Slot(role, attempt, number)
    verdict = Verdict(valid=True, score=1.0)
    return Turn(slot=place, task_type="letters", prompt_id="p", task_id="", messages=(), verdict=verdict, **given)


def episode(*turns: Turn) -> Episode:
    return Episode(env_id=GAME, seed=0, kwargs={}, options={}, backend={}, messages=turns, outcome={})


def solved(*tokens: int) -> Episode:
    return episode(*(turn("solver", attempt, 1, count) for attempt, count in enumerate(tokens)))


def lengths(episodes: Any) -> list[int]:
    return [sum(len(one.reply.token_ids) for one in episode.messages if not one.masked) for episode in episodes]


def no_play(starts: list[Start], again: int) -> list[Episode]:
    raise AssertionError("nothing more is needed")


def test_the_places_kept_end_with_the_one_that_reaches_the_budget() -> None:
    assert kept_places([5, 5, 5], 10) == range(2)
    assert kept_places([5, 5, 5], 11) == range(3)
    assert kept_places([5, 5, 5], 99) == range(3)
    assert kept_places([20, 5], 10) == range(1)  # a long one is not passed over


def test_whole_episodes_are_left_out_in_the_order_that_the_generator_draws() -> None:
    episodes = [solved(3, 4), solved(10), solved(1), solved(6, 6)]
    order = np.random.default_rng(5).permutation(4).tolist()
    assert order == [3, 1, 2, 0]
    matched = match_tokens(episodes, lengths, 20, no_play, lambda again: [], np.random.default_rng(5))  # 12, then 10 more
    assert lengths(matched.episodes) == [0, 10, 0, 12]
    assert (matched.tokens, matched.left_out, matched.tokens_left_out, matched.further) == (22, 2, 8, 0)
    assert [len(one.messages) for one in matched.episodes] == [2, 1, 1, 2]  # what is left out is still there, to be counted
    assert match_tokens(episodes, lengths, 23, no_play, lambda again: [], np.random.default_rng(5)).tokens == 23


def test_what_is_kept_is_as_long_as_what_was_played() -> None:
    """Wald's identity: over draws, tokens kept per episode kept are the mean of all; passing over long ones would show."""
    rng = np.random.default_rng(0)
    kept, count, passing, passing_count = 0, 0, 0, 0
    for _ in range(1_500):
        sizes = rng.choice([1, 2, 30], size=40).tolist()  # mean 11
        episodes = [solved(size) for size in sizes]
        matched = match_tokens(episodes, lengths, 100, no_play, lambda again: [], rng)
        kept += matched.tokens
        count += 40 - matched.left_out
        fitting = 0
        for size in rng.permutation(sizes).tolist():
            if fitting + size <= 100:
                fitting, passing_count = fitting + size, passing_count + 1
        passing += fitting
    assert kept / count == pytest.approx(11, abs=0.5)
    assert passing / passing_count < 7


def starts_of(again: int) -> list[Start]:
    return [Start(GAME, 100 * again + place) for place in range(10)]


def test_further_episodes_are_played_while_tokens_are_missing() -> None:
    asked: list[tuple[int, int]] = []

    def play(starts: list[Start], again: int) -> list[Episode]:
        assert all(start.seed // 100 == again for start in starts)
        assert [start.seed for start in starts] == sorted(start.seed for start in starts)
        asked.append((again, len(starts)))
        return [solved(2) for _ in starts]

    matched = match_tokens([solved(6), solved(4)], lengths, 40, play, starts_of, np.random.default_rng(0), collected=3)
    # 30 are missing at 5 an episode: 6; then 18 at 22 / 8: 7; then 4 at 36 / 15: 2
    assert asked == [(4, 6), (5, 7), (6, 2)]
    assert matched.further == 3
    assert matched.tokens == 40
    assert short_of_budget(1, matched, 40) == ""


def test_a_step_that_cannot_reach_its_budget_says_so() -> None:
    matched = match_tokens([solved(1)], lengths, 40, lambda starts, again: [], starts_of, np.random.default_rng(0))
    assert (matched.further, matched.tokens) == (MOST_FURTHER, 1)
    sentence = short_of_budget(7, matched, 40)
    assert sentence.startswith("step 7 trains 1 of tokens_per_step=40 tokens, after 8 further collections; give a step more")
    nothing = match_tokens([], lengths, 4, lambda starts, again: [solved(4)], starts_of, np.random.default_rng(0))
    assert nothing.tokens == 4


def test_tokens_that_count_are_those_that_would_train() -> None:
    """Those of trained roles, of answering roles alone, of accepted samples alone, of replies that were not cut off."""
    wrong = turn("solver", 1, 1, 3, credit=-1.0)
    cut = turn("solver", 2, 1, 6, reply=reply(6, "length"))
    episodes = [episode(turn("proposer", 0, 0, 7), turn("solver", 0, 1, 2), wrong, cut), solved(4)]

    def count(name: str, roles: set[str], *, answers: bool = False, **options: Any) -> list[int]:
        algorithm = ALGORITHMS[name].configured(options)
        return tokens_by_episode(episodes, algorithm, roles, answers=answers, reply_limit=6)

    assert count("trr++", {"proposer", "solver"}) == [18, 4]
    assert count("trr++", {"solver"}) == [11, 4]
    assert count("trr++", {"proposer", "solver"}, answers=True) == [11, 4]
    assert count("rft", {"proposer", "solver"}) == [15, 4]
    assert count("trr++", {"solver"}, cut_off="mask") == [5, 4]
    assert count("trr++", set()) == [0, 0]
    assert tokens_by_episode([], ALGORITHMS["trr++"], {"solver"}, answers=False, reply_limit=6) == []


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, steps=5, tokens_per_step=100, evaluation=EvalConfig(), episodes_every=1)


def test_a_run_trains_its_tokens_and_records_all_that_it_sampled(config: TrainConfig, tmp_path: Path) -> None:
    train(config, tmp_path)
    rows = read_rows(tmp_path / "metrics.jsonl")
    longest = 4 * 6  # a proposal and its panel of three
    assert all(100 <= row["tokens"] < 100 + longest for row in rows)
    assert sum(row["tokens_left_out"] for row in rows) > 0
    assert sum(row["further_collections"] for row in rows) > 0
    for row in rows:
        assert row["sampled_tokens"] == row["tokens"] + row["tokens_left_out"]
        episodes = list(read_episodes(tmp_path / "episodes" / f"step_{row['step']:06d}.jsonl"))
        assert row["episodes"] == len(episodes)
        assert row["episodes_left_out"] == sum(all(one.masked for one in episode.messages) for episode in episodes)


def test_answers_alone_may_count(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, tokens_counted="answers", steps=2), tmp_path)
    for row in read_rows(tmp_path / "metrics.jsonl"):
        assert 100 <= row["solver/letters/tokens"] < 100 + 3 * 6
        assert row["tokens"] == row["solver/letters/tokens"] + row["proposer/letters/tokens"]


def test_a_step_in_which_nobody_trains_plays_nothing_more(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, steps=2, schedule="every:proposer=2,solver=2"), tmp_path)
    first, second = read_rows(tmp_path / "metrics.jsonl")
    assert (first["tokens"], first["episodes"]) == (0, 4)
    assert "tokens_left_out" not in first
    assert second["tokens"] >= 100


def test_a_budget_out_of_reach_is_said(config: TrainConfig, tmp_path: Path) -> None:
    said: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "notice":
            said.append(event.data["sentence"])

    train(replace(config, steps=1, tokens_per_step=5_000), tmp_path, listen)
    assert said[0].startswith("step 1 trains ")
    assert "of tokens_per_step=5,000 tokens, after 8 further collections" in said[0]


def test_a_run_that_resumes_leaves_out_the_same(config: TrainConfig, tmp_path: Path) -> None:
    train(config, tmp_path / "whole")
    train(replace(config, steps=2), tmp_path / "halves")
    train(config, tmp_path / "halves")
    assert files_of(tmp_path / "halves") == files_of(tmp_path / "whole")


def test_nobody_who_answers_would_train(config: TrainConfig) -> None:
    wrong = replace(config, tokens_counted="answers", train_roles=("proposer",))
    with pytest.raises(ValueError, match=r"^TrainConfig\.tokens_counted='answers': none of the roles that train \(proposer\)"):
        check_run(wrong)
