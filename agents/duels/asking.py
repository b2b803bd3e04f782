"""Answers of the models that are compared: what each is asked, in its wording, and what it says, stored as it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from selfplay_envs import UsageError
from selfplay_envs.games.dataset.prompts import find_prompt
from selfplay_envs.sources.registry import open_source
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

from ..arguments.evaluation import EVALS, Evaluate, Plan, batch_of, folder_of, sets_for
from ..arguments.open_model import open_model
from ..display.progress import WorkProgress
from ..display.tables import say
from ..evaluation.samples import file_name

if TYPE_CHECKING:  # it loads torch
    from ..evaluation.duels import Answer, Request

STORE = "replies.jsonl"
"""File of all replies of a model, in its folder."""
SOLVER = "solver"
"""The role that answers, in runs whose roles have adapters of their own."""


@dataclass(frozen=True, slots=True)
class Side:
    """One model's answers."""

    name: str
    answers: Sequence[Answer]
    again: Sequence[Answer] = ()
    """A second answer to every request, where the model is compared with itself."""

    @property
    def cut_off(self) -> int:
        """Answers that ended at the limit of tokens."""
        return sum(answer.cut_off for answer in self.answers)


def ask_model(console: Console, name: str, plan: Plan, command: Evaluate, *, twice: bool) -> Side:
    """The answers of a model, of which those drawn before are read from its folder."""
    from ..evaluation.duels import ask
    from ..samplers.cached import CachedSampler, policy_key
    from ..samplers.reply_store import ReplyStore

    requests, sampling, folder = requests_of(name, plan, command), plan.evaluation.sampling, folder_for(name, plan, command)
    copies = 2 if twice and sampling.temperature else 1
    store, batch = ReplyStore(folder / STORE), batch_of(name, plan, command)
    try:
        with console.status(f"loading {name} ..."):
            model = open_model(name, command.sampler, device=command.device, max_rows=batch, short_cuts=command.short_cuts)
        for note in model.notes:
            say(console, note)
        policy = policy_key(command.sampler, model.fingerprint())
        with (
            closing(model.sampler),
            WorkProgress(console, name, copies * len(requests), "answers") as progress,
        ):
            _check_shown(name, requests, model.reserved)
            sampler = CachedSampler(model.sampler, store, policy, batch=batch, on_replies=progress.add)
            if SOLVER in model.by_role:
                sampler = sampler.with_adapter(SOLVER)
            drawn = [ask(sampler, requests, sampling, seed=command.seed, copy=copy) for copy in range(copies)]
    finally:
        store.close()
    return Side(name, drawn[0], drawn[-1] if twice else ())


def requests_of(name: str, plan: Plan, command: Evaluate) -> list[Request]:
    """What a model is asked, in its wording."""
    from ..evaluation.duels import Request

    [tasks] = sets_for(name, plan, command)
    source = open_source(tasks.source, plan.evaluation.verifier, plan.evaluation.columns)
    verifier = find_answer_verifier(source.verifier)
    wording = find_prompt(str(tasks.kwargs.get("prompt", "")) or source.prompt)
    problems = [Problem.from_json(task) for task in tasks.tasks]
    return [Request(place, problem, wording.ask(problem, verifier)) for place, problem in enumerate(problems)]


def _check_shown(name: str, requests: Sequence[Request], reserved: Sequence[str]) -> None:
    """Refuses requests that hold a text which the model's tokenizer reads as a special token.

    Raises:
        UsageError: Names the first.
    """
    for request in requests:
        for message in request.prompt:
            for text in reserved:
                if text in message.content:
                    raise UsageError(
                        f"benchmark: request {request.place + 1} holds {text!r}, which the tokenizer of {name} reads as a "
                        "special token; take that row out of the file."
                    )


def folder_for(name: str, plan: Plan, command: Evaluate) -> Path:
    """Where a model's answers and the judgements of them are kept; those of --against beside the others."""
    if name in plan.models:
        return folder_of(name, plan, command)
    return (EVALS if command.out is None else command.out) / file_name(name)
