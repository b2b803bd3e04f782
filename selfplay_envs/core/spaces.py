"""Spaces of text games: `UnicodeText` holds any UTF-8 string at constant cost, `observation_space` the chat prompt.

gymnasium's `Text` with a Unicode charset takes seconds to build and megabytes to copy, and its default charset
refuses a blank. This one checks type, length and encodability only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import CustomSpaceError
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, unflatten
from gymnasium.vector.utils import create_shared_memory

from .text import MAX_TEXT_CHARS

SAMPLE_ALPHABET = "abcxyz019 \n\t`'\"()[]{}:=,.-+*<>äßλ中🙂"


class _AnyCharacter:
    """Character set that contains every encodable character; duck-typed for gymnasium's `Text`."""

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and not 0xD800 <= ord(character) <= 0xDFFF

    def __repr__(self) -> str:
        return "any Unicode character"


class UnicodeText(spaces.Text):
    """All strings of at most `max_length` characters that UTF-8 can encode, the empty one included.

    Samples are short (at most 64 characters) and drawn from a small mixed alphabet.
    """

    def __init__(self, max_length: int = MAX_TEXT_CHARS, *, seed: int | np.random.Generator | None = None) -> None:
        """Builds the space in constant time.

        Raises:
            ValueError: `max_length` is not positive.
        """
        if max_length < 1:
            raise ValueError(f"max_length={max_length!r} must be at least 1 character.")
        super().__init__(max_length=max_length, min_length=0, charset=SAMPLE_ALPHABET, seed=seed)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A random string of 0 to 64 characters."""
        length = int(self.np_random.integers(0, min(self.max_length, 64) + 1))
        return "".join(SAMPLE_ALPHABET[int(i)] for i in self.np_random.integers(0, len(SAMPLE_ALPHABET), size=length))

    def contains(self, x: Any) -> bool:
        """Whether `x` is a string of the right length without lone surrogates."""
        if not isinstance(x, str) or len(x) > self.max_length:
            return False
        try:
            x.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return True

    @property
    def character_set(self) -> Any:
        """Every encodable character."""
        return _AnyCharacter()

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and other.max_length == self.max_length

    __hash__ = None  # type: ignore[assignment]


@create_shared_memory.register(UnicodeText)
def _no_shared_memory(space: UnicodeText, n: int = 1, ctx: Any = None) -> Any:
    """AsyncVectorEnv's shared memory silently returns stale text; fail loudly instead."""
    raise CustomSpaceError(
        "text cannot live in shared memory; use gym.make_vec(id, ...) as it is, or AsyncVectorEnv(shared_memory=False)."
    )


def _no_array(space: UnicodeText, *_: Any) -> Any:
    """Gymnasium would make an array of `max_length` numbers of every text."""
    raise CustomSpaceError(
        "text has no form as a flat array: leave out FlattenObservation and gymnasium's flatten, and give the observation's "
        "messages to a tokenizer (`agents.Agent.act` does), or flatten what you have computed from them."
    )


flatdim.register(UnicodeText, _no_array)
flatten.register(UnicodeText, _no_array)
flatten_space.register(UnicodeText, _no_array)
unflatten.register(UnicodeText, _no_array)


def observation_space() -> spaces.Dict:
    """Space of what the acting player is shown: its `role`, `attempt` and `turn`, and the `messages` of its chat prompt.

    A finished episode is `role=""`, `attempt=0`, `turn=0`, `messages=()`.
    """
    message = spaces.Dict({"role": UnicodeText(16), "content": UnicodeText()})
    return spaces.Dict(
        {
            "role": UnicodeText(64),
            "attempt": spaces.Discrete(1024),
            "turn": spaces.Discrete(4096),
            "messages": spaces.Sequence(message),
        }
    )
