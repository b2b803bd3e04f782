"""A remote model as a judge: any server that answers OpenAI's chat completions.

`endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE` scores by a rubric, and compares two answers by a prompt of
its own; see `prompts`. A server that does not answer ends the call with its error, once tries and pauses are used up: nobody
is charged for it. A single text that it refuses, such as one that a filter stops, has no judgement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from selfplay_envs import Message, Reply, UsageError

from ..config.sampling import Sampling
from ..core.errors import AgentError, EndpointError, PromptTooLong
from .model_judge import REFUSED, TOO_LONG, ModelJudge
from .prompts import CRITERIA, score_prompt

if TYPE_CHECKING:  # it loads torch
    from ..models.chat import Prompt
    from ..samplers.endpoint import EndpointSampler

MAX_CRITERIA = 100
HARMLESS = (Message("user", "Name a colour."),), "Blue."
"""A request and an answer that no server has a reason to refuse."""


class EndpointJudge(ModelJudge):
    """Asks an endpoint one request per judgement, some at a time.

    Args:
        url: Of the API, such as `http://localhost:8000/v1`.
        model: The server's name for the model.
        key_env: Environment variable that holds the key; empty: none is sent.
        rubric: File of criteria, one a line, a point each; empty: the seven of Language Self-Play.
        scale: Value of an answer that meets all criteria; the others have their share of it.
        max_new_tokens: Tokens of a judgement at most; one that thinks first needs more.
        temperature: Of the judgements; some models take none but 1.
        parallel: Requests in flight.
        timeout_s: Seconds without a byte from the server after which a request is given up.
        retries: Further tries after 429, 5xx, a broken connection or a timeout, with growing pauses.
        limit_field: The server's name for the number of new tokens; newer OpenAI models want `max_completion_tokens`.
        send_seed: Send a seed; some servers refuse it.

    Raises:
        UsageError: An option is wrong, a file cannot be read, or the package `openai` is not installed.
    """

    concurrent = True
    """May be asked while others compute."""

    def __init__(
        self,
        *,
        url: str,
        model: str,
        key_env: str = "",
        rubric: str = "",
        scale: float = 1.0,
        max_new_tokens: int = 512,
        temperature: float = 0.0,
        parallel: int = 8,
        timeout_s: float = 120.0,
        retries: int = 5,
        limit_field: str = "max_tokens",
        send_seed: bool = True,
    ) -> None:
        if not 0 < scale < math.inf:
            raise UsageError(f"judge endpoint: scale={scale!r} must be a finite number above 0; leave it out for 1.")
        criteria = read_criteria(Path(rubric)) if rubric else CRITERIA
        from ..samplers.endpoint import EndpointSampler  # late, as it loads torch

        try:
            sampler = EndpointSampler(
                url=url,
                model=model,
                key_env=key_env,
                parallel=parallel,
                timeout_s=timeout_s,
                retries=retries,
                limit_field=limit_field,
                send_seed=send_seed,
            )
            sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens)
        except (AgentError, ValueError) as error:
            raise UsageError(f"judge endpoint: {error}") from error
        super().__init__(sampler, sampling, name=f"endpoint {model}", criteria=criteria, scale=scale)
        self._answers = False  # whether it ever answered

    def _replies(self, prompts: Sequence[Prompt], seeds: Sequence[Sequence[int]]) -> list[Reply | str]:
        """The endpoint's reply to each prompt, or why there is none.

        Raises:
            EndpointError: It cannot be reached, answers nonsense, or refuses whatever it is asked.
        """
        sampler = cast("EndpointSampler", self.sampler)
        answers = sampler.answers(prompts, self.sampling, seeds)
        refusals = [answer for answer in answers if isinstance(answer, EndpointError)]
        self._answers = self._answers or len(refusals) < len(answers)
        if refusals and not self._answers:  # are these texts at fault, or does it refuse everything?
            [probe] = sampler.answers([score_prompt(*HARMLESS, self.criteria)], self.sampling, [(0,)])
            if isinstance(probe, EndpointError):
                raise probe
            self._answers = True
        return [_reason(answer) if isinstance(answer, Exception) else answer for answer in answers]


def _reason(refusal: Exception) -> str:
    return TOO_LONG if isinstance(refusal, PromptTooLong) else REFUSED


def read_criteria(path: Path) -> tuple[str, ...]:
    """The criteria in a file, one a line; blank lines are none.

    Raises:
        UsageError: It cannot be read, or holds none, or too many.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"rubric={str(path)!r} cannot be read ({error}); name a text file with a criterion a line.") from error
    criteria = tuple(line.strip() for line in lines if line.strip())
    if not 0 < len(criteria) <= MAX_CRITERIA:
        raise UsageError(f"rubric={str(path)!r} holds {len(criteria)} criteria; write 1 to {MAX_CRITERIA}, each in one line.")
    return criteria
