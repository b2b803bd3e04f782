"""Prompts as token ids that fit a model's context, and token ids as replies: shared by the samplers that have a tokenizer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Reply

from ..core.errors import PromptTooLong
from ..models.chat import Prompt, render_prompt
from ..models.chat_templates import find_template


def check_seeds(prompts: Sequence[Prompt], seeds: Sequence[Sequence[int]]) -> None:
    """Refuses seeds that are not one sequence per prompt.

    Raises:
        ValueError: They are not.
    """
    if len(seeds) != len(prompts):
        raise ValueError(f"seeds has {len(seeds)} entries for {len(prompts)} prompts; give one sequence of seeds per prompt.")


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, context: int) -> tuple[int, ...]:
    """Token ids of a prompt.

    Raises:
        PromptTooLong: They leave no room for a reply in `context` tokens.
    """
    ids = tuple(render_prompt(tokenizer, prompt))
    if not 0 < len(ids) < context:
        raise PromptTooLong(
            f"a prompt of {len(ids)} tokens does not fit the model's context of {context} with room for a reply; "
            "show fewer references, lower Sampling.max_new_tokens of the proposer, or load a model with a longer context.",
            [0],
        )
    return ids


def ids_of_prompts(
    tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Prompt], context: int
) -> dict[Prompt, tuple[int, ...]]:
    """Token ids of every distinct prompt.

    Raises:
        PromptTooLong: Some leave no room for a reply in `context` tokens; says which.
    """
    ids_of: dict[Prompt, tuple[int, ...]] = {}
    too_long: dict[Prompt, PromptTooLong] = {}
    for prompt in dict.fromkeys(prompts):
        try:
            ids_of[prompt] = prompt_ids(tokenizer, prompt, context)
        except PromptTooLong as error:
            too_long[prompt] = error
    if too_long:
        places = [place for place, prompt in enumerate(prompts) if prompt in too_long]
        raise PromptTooLong(str(next(iter(too_long.values()))), places)
    return ids_of


def reply_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Token ids of a reply that somebody has written, with the one that ends it, as if a sampler had drawn them.

    Returns:
        The ids; none where the text holds a special token, which would end or open a turn in its midst.
    """
    template = find_template(tokenizer)
    if any(special in text for special in template.specials):
        return ()
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id if template.turn_end is None else template.turn_end
    return (*ids, end) if isinstance(end, int) else tuple(ids)


@dataclass(frozen=True, slots=True)
class ReplyMaker:
    """Makes replies of sampled tokens."""

    tokenizer: PreTrainedTokenizerBase
    ends: Collection[int]
    """Token ids that end a reply."""
    policy_version: int

    def reply(self, prompt: Sequence[int], tokens: Sequence[int], logprobs: Sequence[float]) -> Reply:
        """The reply; its text is without the token that ended it."""
        ended = tokens[-1] in self.ends
        text = self.tokenizer.decode(list(tokens[:-1] if ended else tokens), clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return Reply(
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_ids=tuple(prompt),
            token_ids=tuple(tokens),
            logprobs=tuple(logprobs),
            policy_version=self.policy_version,
        )
