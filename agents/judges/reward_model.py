"""A reward model as a judge: a sequence classifier with one output, which reads prompt and answer as one chat.

`reward-model:id=FOLDER` or `reward-model:id=OWNER/NAME`, of the form of Skywork-Reward-V2. Values have no bounds, unless
`scale` and `offset` bring them near others.

See: Liu et al., Skywork-Reward-V2, arXiv 2507.01352, and the usage on its model cards.
"""

from __future__ import annotations

import hashlib
import math
import threading
from array import array
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from selfplay_envs import JudgeItem, Message, Score, UsageError

from ..core.errors import ModelUnavailable
from .model_judge import TOO_LONG

NOT_FINITE = "not_finite"
"""Why an answer has no value: the model's output is no finite number."""
EMPTY = "empty"
"""Why an answer has no value: nothing of it is left to read."""


class RewardModelJudge:
    """Scores answers by a classifier's output; a value is a function of (weights, prompt, answer), up to rounding.

    The chat template writes prompt and answer, and its text is tokenised as on Skywork's model cards: where it begins with the
    begin token the tokenizer adds none. Special tokens that a player spelled out are taken out, see
    `agents.models.chat.render_text`. What is longer than the model's context is never cut: it has no value, and the reason
    `too_long`.

    Args:
        id: A folder that `save_pretrained` wrote, or a Hugging Face id.
        dtype: Of the weights; `auto`: as they are stored.
        device: `auto` takes an accelerator where there is one; else a torch device such as `cpu` or `cuda:1`.
        batch_tokens: Positions of a batch at most, padding included: bounds memory, does not change values.
        max_tokens: Tokens of prompt and answer at most; 0: as many as the model takes.
        scale: Multiplies the output.
        offset: Is then added.
        cache: Values that are kept, the latest used ones, so that nothing is read twice.
        sleep: Rest in main memory while the learner updates.

    Raises:
        UsageError: An option is wrong, the files are not on this machine, or it is another kind of model.
    """

    def __init__(
        self,
        id: str,
        *,
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
        device: str = "auto",
        batch_tokens: int = 16_384,
        max_tokens: int = 0,
        scale: float = 1.0,
        offset: float = 0.0,
        cache: int = 100_000,
        sleep: bool = False,
    ) -> None:
        for name, value, low in (("batch_tokens", batch_tokens, 1), ("max_tokens", max_tokens, 0), ("cache", cache, 0)):
            if value < low:
                raise UsageError(f"judge reward-model: {name}={value!r} must be at least {low}; leave it out for the default.")
        if not 0 < scale < math.inf or not math.isfinite(offset):
            raise UsageError(
                f"judge reward-model: scale={scale!r} and offset={offset!r} must be finite, and scale above 0; leave both out "
                "for the model's own values."
            )
        from .classifier import context_of, load_classifier  # late, as it loads torch

        self.name = f"reward-model {Path(id).name}"
        try:
            self._model, self._tokenizer = load_classifier(id, dtype=dtype, device=device)
        except ModelUnavailable as error:
            raise UsageError(str(error)) from error
        self._device = self._model.device
        self._limit = min(max_tokens or 1 << 30, context_of(self._model))
        self._batch_tokens, self._scale, self._offset, self._sleep = batch_tokens, scale, offset, sleep
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._cache = cache
        self._alone = threading.Lock()
        self.counts: Counter[str] = Counter()
        """Answers scored under `judged`, those that the model read under `read`, and by reason those without a value."""
        self._check_template()

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value per answer.

        The reason is `ok`, or why the prompt, or the first answer without a value, has none (0 stands for it): `too_long`,
        `empty`, `not_finite`.
        """
        with self._alone:
            chats = [self._ids((*item.messages, Message("assistant", answer))) for item in items for answer in item.answers]
            values = iter(self._values(chats))
            return [self._score(item, [next(values) for _ in item.answers]) for item in items]

    def release_memory(self) -> None:
        """Gives the device's memory back until the next call, where it may sleep."""
        if not self._sleep or self._device.type == "cpu":
            return
        import torch

        with self._alone:
            self._model.to("cpu")  # type: ignore[arg-type]  # torch's own method behind transformers' wrapper
            torch.cuda.empty_cache()  # for an engine in another process

    def _score(self, item: JudgeItem, values: Sequence[float | str]) -> Score:
        """The values of one item, and the first reason why one is missing."""
        reasons = [value for value in values if isinstance(value, str)]
        if not item.answers and len(self._ids(item.messages)) > self._limit:
            reasons = [TOO_LONG]
        self.counts["judged"] += len(values)
        self.counts.update(reasons)
        return Score(
            values=tuple(0.0 if isinstance(value, str) else value for value in values), reason=next(iter(reasons), "ok")
        )

    def _ids(self, chat: Sequence[Message]) -> list[int]:
        """Token ids of a chat, with one begin token where the model knows one."""
        from ..models.chat import render_text
        from ..models.loading import quiet_transformers

        with quiet_transformers():  # which would warn of a text that is too long, and is never read
            text = render_text(self._tokenizer, tuple(chat), open_reply=False)
            begin = self._tokenizer.bos_token
            written = isinstance(begin, str) and text.startswith(begin)
            return self._tokenizer(text, add_special_tokens=not written)["input_ids"]

    def _values(self, chats: Sequence[Sequence[int]]) -> list[float | str]:
        """The value of each chat, or why there is none."""
        from .classifier import outputs_of

        keys = [hashlib.sha256(array("q", chat).tobytes()).digest() for chat in chats]
        known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: chat for key, chat in zip(keys, chats, strict=True) if key not in known and 0 < len(chat) <= self._limit}
        if new:
            if self._model.device != self._device:
                self._model.to(self._device)  # type: ignore[arg-type]
            known |= dict(zip(new, outputs_of(self._model, list(new.values()), self._batch_tokens), strict=True))
            self.counts["read"] += len(new)
        self._keep({key: known[key] for key in keys if key in known})
        return [self._value(known.get(key), chat) for key, chat in zip(keys, chats, strict=True)]

    def _value(self, output: float | None, chat: Sequence[int]) -> float | str:
        if output is None:
            return TOO_LONG if chat else EMPTY
        value = self._scale * output + self._offset
        return value if math.isfinite(value) else NOT_FINITE

    def _keep(self, used: dict[bytes, float]) -> None:
        """Keeps the values that were used last."""
        for key, value in used.items():
            self._known[key] = value
            self._known.move_to_end(key)
        while len(self._known) > self._cache:
            self._known.popitem(last=False)

    def _check_template(self) -> None:
        """Refuses a template that does not show what is to be scored.

        Raises:
            UsageError: It does not show the answer.
        """
        question, *answers = (Message("user", "marked5127question"), *(Message("assistant", f"marked{n}") for n in (71, 93)))
        first, second = (self._ids((question, answer)) for answer in answers)
        if first == second:
            raise UsageError(f"{self.name}: its chat template does not show the assistant's message, which is what is scored.")
