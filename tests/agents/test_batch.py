from __future__ import annotations

from dataclasses import replace

import pytest

from agents.algorithms import ALGORITHMS
from agents.batch import Sample, Tag, collate, group_numbers, samples_of
from selfplay_envs import Reply, ScriptedPlayer, Start, play_episodes
from selfplay_envs.records import Episode
from selfplay_envs.referee import Referee
from tests.agents.toys import GAME

SAID = Reply(text="aa", prompt_ids=(1,), token_ids=(2,), logprobs=(-1.0,))


def sample(prompt: tuple[int, ...], tokens: tuple[int, ...], credit: float = 1.0, **tag: str) -> Sample:
    reply = Reply(
        text="", prompt_ids=prompt, token_ids=tokens, logprobs=tuple(-0.5 - i for i in range(len(tokens))), policy_version=3
    )
    return Sample(reply, credit, Tag(role=tag.pop("role", "solver"), **tag))  # type: ignore[arg-type]


def test_rows_are_left_padded_and_replies_end_in_the_last_column() -> None:
    batch = collate([sample((5, 6), (7,)), sample((8,), (9, 10, 1), credit=-0.5)], pad_id=0)
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


def test_groups_by_name() -> None:
    tags = [
        Tag(role="proposer", task_type="x", prompt_id="p", env_id="e"),
        Tag(role="solver", task_type="x", prompt_id="p", env_id="e"),
        Tag(role="solver", task_type="y", prompt_id="q", env_id="e"),
        Tag(role="solver", task_type="x", prompt_id="q", env_id="e"),
    ]
    assert group_numbers(tags, "batch").tolist() == [0, 0, 0, 0]
    assert group_numbers(tags, "role").tolist() == [0, 1, 1, 1]
    assert group_numbers(tags, "role+task_type").tolist() == [0, 1, 2, 1]
    assert group_numbers(tags, "prompt").tolist() == [0, 1, 2, 2]
    with pytest.raises(ValueError, match="choose one of batch, role"):
        group_numbers(tags, "rolle")


def test_a_query_is_what_one_panel_answered_in_one_episode_whatever_its_words() -> None:
    """Two challengers ask the same in two episodes: their solvers are two groups, and they themselves one."""
    episodes = [replace(episode, messages=tuple(replace(m, reply=SAID) for m in episode.messages)) for episode in played() * 2]
    tags = [found.tag for found in samples_of(episodes)]
    assert [tag.role for tag in tags] == ["proposer", "solver", "solver"] * 2
    assert [tag.query for tag in tags] == ["", "0.1", "0.1", "", "1.1", "1.1"]
    assert group_numbers(tags, "query").tolist() == [0, 1, 1, 0, 2, 2]
    assert group_numbers(tags, "prompt").tolist() == [0, 1, 1, 0, 1, 1]
    # members that do not train are of the panel all the same
    assert [one.tag.query for one in samples_of(episodes, roles={"solver"})] == ["0.1", "0.1", "1.1", "1.1"]
    assert ALGORITHMS["lsp"].group_by == ALGORITHMS["lsp-zero"].group_by == "query"
    assert ALGORITHMS["grpo"].configured({"group_by": "query"}).group_by == "query"


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
    with pytest.raises(ValueError, match="credit=nan"):
        collate([sample((1,), (2,), credit=float("nan"))])
    short = Reply(text="", prompt_ids=(1,), token_ids=(2, 3), logprobs=(-1.0,))
    with pytest.raises(ValueError, match="2 tokens, 1 logprobs"):
        collate([Sample(short, 0.0, Tag(role="solver"))])


def played() -> list[Episode]:
    def say(ask: object) -> str:
        return "b" if ask.slot.role == "proposer" else "aa"  # type: ignore[attr-defined]

    return play_episodes([Start(GAME, 0, {"attempts": 2})], ScriptedPlayer(say), Referee("process"))


def test_messages_without_tokens_or_train_flag_do_not_train() -> None:
    assert samples_of(played()) == []  # scripted replies carry no tokens


def test_samples_carry_credit_shaped_and_tags() -> None:
    [episode] = played()
    messages = tuple(replace(m, reply=SAID, shaped=0.25) for m in episode.messages)
    messages = (*messages[:2], replace(messages[2], verdict=replace(messages[2].verdict, train=False)))
    found = samples_of([replace(episode, messages=messages)])
    assert [(s.tag.role, s.credit, s.tag.message) for s in found] == [("proposer", 0.25, 0), ("solver", 1.25, 1)]
    assert [s.tag.role for s in samples_of([replace(episode, messages=messages)], roles={"solver"})] == ["solver"]
