"""`generate` as a future, for any sampler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..models.chat import Prompt
from .base import Sampler
from .deprecated import with_current_names

Replies = list[list[Reply]]


def submit(sampler: Sampler, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> Future[Replies]:
    """The replies of `Sampler.generate` as a future; it returns at once.

    A sampler may have `submit` of its own. For another one a thread waits for its `generate`; then the sampler must allow calls
    side by side if several futures are to be open at a time (see `TransformersSampler.workers`).
    """
    sampler = with_current_names(sampler)
    method: Callable[..., Future[Replies]] | None = getattr(sampler, "submit", None)
    if method is not None:
        return method(prompts, sampling, seeds)
    future: Future[Replies] = Future()

    def wait() -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(sampler.generate(prompts, sampling, seeds))
            except BaseException as error:
                future.set_exception(error)

    threading.Thread(target=wait, name="generate", daemon=True).start()
    return future
