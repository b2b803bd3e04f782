"""Prompts that fill a model's context get an empty reply, and the others their own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from agents.config.sampling import Sampling
from agents.core.errors import PromptTooLong
from agents.models.chat import Prompt
from agents.samplers.fitting import NO_ROOM, FittingSampler, generate_fitting
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message, Reply

SAMPLING = Sampling(max_new_tokens=3)


def ask(text: str) -> Prompt:
    return (Message("user", text),)


class Narrow(ScriptedSampler):
    """Has no room for prompts of more than two characters; answers with prompt and seed."""

    def __init__(self) -> None:
        super().__init__(lambda prompt, seed: f"{prompt[0].content}{seed}")
        self.calls = 0

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        self.calls += 1
        if places := [place for place, prompt in enumerate(prompts) if len(prompt[0].content) > 2]:
            raise PromptTooLong("too long", places)
        return super().generate(prompts, sampling, seeds)


def test_those_that_fit_are_answered_in_their_places() -> None:
    inner = Narrow()
    prompts = [ask("a"), ask("long"), ask("b"), ask("long"), ask("c")]
    found = FittingSampler(inner).generate(prompts, SAMPLING, [[1, 2], [3, 4], [], [5], [6]])
    assert [[reply.text for reply in own] for own in found] == [["a1", "a2"], ["", ""], [], [""], ["c6"]]
    reasons = [[reply.finish_reason for reply in own] for own in found]
    assert reasons == [["stop", "stop"], [NO_ROOM, NO_ROOM], [], [NO_ROOM], ["stop"]]
    assert inner.calls == 2  # all that are too long are found at once


def test_where_none_fits_nobody_is_asked_again() -> None:
    inner = Narrow()
    [[reply]] = generate_fitting(inner, [ask("long")], SAMPLING, [[1]])
    assert (reply.text, reply.finish_reason, inner.calls) == ("", NO_ROOM, 1)


def test_other_errors_are_not_its_own() -> None:
    with pytest.raises(ValueError, match="the script is over"):
        generate_fitting(ScriptedSampler([]), [ask("a")], SAMPLING, [[1]])


def test_a_model_says_which_prompts_fill_its_context(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    sampler = TransformersSampler(model, tokenizer)
    fits, too_long = ask("a"), ask("x = 1\n" * sampler.context)
    with pytest.raises(PromptTooLong, match="does not fit the model's context of") as caught:
        sampler.generate([too_long, fits, too_long], SAMPLING, [[1], [2], [3]])
    assert caught.value.places == (0, 2)
    found = FittingSampler(sampler).generate([too_long, fits, too_long], SAMPLING, [[1], [2], [3]])
    assert [own[0].finish_reason == NO_ROOM for own in found] == [True, False, True]
    assert found[1] == sampler.generate([fits], SAMPLING, [[2]])[0]
