"""Spaces of text games."""

import copy
import pickle

from gymnasium.vector.utils import batch_space

from selfplay_envs import UnicodeText


def test_unicode_text_is_cheap_and_holds_any_encodable_string():
    space = UnicodeText()
    assert "" in space
    assert "héllo 中🙂\x00" in space
    assert "\ud800" not in space
    assert 5 not in space
    assert "x" * 2_000_000 not in space
    assert all(space.sample() in space for _ in range(50))
    assert len(pickle.dumps(space)) < 20_000
    assert copy.deepcopy(space) == space == pickle.loads(pickle.dumps(space))
    assert len(batch_space(space, 8).sample()) == 8
    assert [UnicodeText(seed=3).sample() for _ in range(2)] == [UnicodeText(seed=3).sample() for _ in range(2)]
