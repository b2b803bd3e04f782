from __future__ import annotations

from dataclasses import replace

import pytest

from agents.batching.batch import Sample, Tag, collate, samples_of
from selfplay_envs import Reply
from tests.helpers.batches import REPLY, letters_played, sample


def test_rows_are_left_padded_and_replies_end_in_the_last_column() -> None:
    batch = collate([sample((5, 6), (7,)), sample((8,), (9, 10, 1), reward=-0.5)], pad_id=0)
    assert batch.ids_BT.tolist() == [[0, 5, 6, 7], [8, 9, 10, 1]]
    assert batch.attention_BT.tolist() == [[False, True, True, True], [True] * 4]
    assert batch.mask_BT.tolist() == [[False, False, False, True], [False, True, True, True]]
    assert batch.logprobs_BT.tolist() == [[0, 0, 0, -0.5], [0, -0.5, -1.5, -2.5]]
    assert batch.returns_B.tolist() == [1.0, -0.5]
    assert batch.version_B.tolist() == [3, 3]
    assert batch.num_tokens == 4


def test_rows_selects_and_trims_padding() -> None:
    batch = collate([sample((5, 6), (7,)), sample((8,), (9, 10, 1))]).rows([0])
    assert batch.ids_BT.tolist() == [[5, 6, 7]]
    assert len(batch.tags) == 1


def test_which_replies_were_cut_off_is_kept() -> None:
    long = sample((5,), (7, 8))
    batch = collate([sample((5, 6), (7,)), replace(long, reply=replace(long.reply, finish_reason="length"))])
    assert batch.cut_B is not None
    assert batch.cut_B.tolist() == [False, True]
    chosen = batch.rows([1])
    assert chosen.cut_B is not None
    assert chosen.cut_B.tolist() == [True]


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="samples is empty"):
        collate([])
    with pytest.raises(ValueError, match="training_return=nan"):
        collate([sample((1,), (2,), reward=float("nan"))])
    short = Reply(text="", prompt_ids=(1,), token_ids=(2, 3), logprobs=(-1.0,))
    with pytest.raises(ValueError, match="2 tokens, 1 logprobs"):
        collate([Sample(short, 0.0, Tag(role="solver"))])


def test_messages_without_tokens_or_train_flag_do_not_train() -> None:
    assert samples_of(letters_played()) == []  # scripted replies carry no tokens


def test_samples_carry_credit_terms_and_tags() -> None:
    [episode] = letters_played()
    messages = tuple(replace(m, reply=REPLY, terms={"flat": 0.25}) for m in episode.messages)
    messages = (*messages[:2], replace(messages[2], verdict=replace(messages[2].verdict, train=False)))
    found = samples_of([replace(episode, messages=messages)])
    assert [(s.tag.role, s.training_return, s.tag.message) for s in found] == [("proposer", 0.25, 0), ("solver", 1.25, 1)]
    assert [s.tag.role for s in samples_of([replace(episode, messages=messages)], roles={"solver"})] == ["solver"]


def test_former_names_still_work() -> None:
    with pytest.warns(DeprecationWarning, match=r"Sample\.training_return"):
        assert sample((1,), (2,), reward=0.5).credit == 0.5
    with pytest.warns(DeprecationWarning, match=r"Tag\.metric_group"):
        assert Tag(role="solver", task_type="deduction").cell == "solver/deduction"
