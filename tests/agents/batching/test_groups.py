from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Tag, samples_of
from agents.batching.groups import Groups, group_is_constant, group_numbers
from tests.helpers.batches import REPLY, letters_played

FIRST = torch.tensor([0, 1, 0, 1, 2, 0, 0])
TAGS = [Tag(role="solver", prompt_id=str(group)) for group in FIRST.tolist()]


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
    episodes = [
        replace(episode, messages=tuple(replace(m, reply=REPLY) for m in episode.messages)) for episode in letters_played() * 2
    ]
    tags = [found.tag for found in samples_of(episodes)]
    assert [tag.role for tag in tags] == ["proposer", "solver", "solver"] * 2
    assert [tag.query for tag in tags] == ["", "0.1", "0.1", "", "1.1", "1.1"]
    assert group_numbers(tags, "query").tolist() == [0, 1, 1, 0, 2, 2]
    assert group_numbers(tags, "prompt").tolist() == [0, 1, 1, 0, 1, 1]
    # members that do not train are of the panel all the same
    assert [one.tag.query for one in samples_of(episodes, roles={"solver"})] == ["0.1", "0.1", "1.1", "1.1"]
    assert ALGORITHMS["lsp"].group_by == ALGORITHMS["lsp-zero"].group_by == "query"
    assert ALGORITHMS["grpo"].configured({"group_by": "query"}).group_by == "query"


def test_sizes_and_constant_groups() -> None:
    groups = Groups.of(TAGS, "prompt", torch.tensor([1.0, 0.1, 1.0, 0.1, 5.0, 1.0, 0.0]))
    assert groups.number_B.tolist() == FIRST.tolist()
    assert groups.size_B.tolist() == [4, 2, 4, 2, 1, 4, 4]
    assert groups.constant_B.tolist() == [False, True, False, True, True, False, False]
    assert Groups.of(TAGS, "prompt", torch.full((7,), 0.1)).constant_B.all()


def test_a_difference_of_one_ulp_is_a_difference() -> None:
    one = torch.tensor(1.0)
    near = torch.stack([one, torch.nextafter(one, torch.tensor(2.0))])
    assert not Groups.of(TAGS[:1] * 2, "prompt", near).constant_B.any()
    assert group_is_constant(torch.full((7,), 0.1), torch.zeros(7, dtype=torch.long)).all()


def test_groups_of_some_messages_are_numbered_and_compared_anew() -> None:
    returns = torch.tensor([1.0, 0.1, 1.0, 0.1, 5.0, 1.0, 0.0])
    some = Groups.of(TAGS, "prompt", returns).rows([4, 5, 2, 1], returns)
    assert some.number_B.tolist() == [0, 1, 1, 2]
    assert some.size_B.tolist() == [1, 2, 2, 1]
    # without the last message group 0 has equal returns
    assert some.constant_B.all()
