"""Events that a run emits while it runs: a display, a test or a notebook passes a function of one `Event`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EventKind = Literal["start", "round", "collected", "updated", "step", "evaluated", "checkpoint", "notice", "interrupted", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run. The entries of `data` depend on `kind`.

    | kind       | data                                                                                      |
    |------------|-------------------------------------------------------------------------------------------|
    | start      | config (dict), resumed_from (step or 0), steps, backend (dict), parameters (int)          |
    | round      | finished, total (episodes of this step), phase (`collect` or `evaluate`)                  |
    | collected  | episodes (list of Episode, as they train: shaped, duplicates priced)                      |
    | updated    | metrics of the learner                                                                    |
    | step       | metrics (the row of metrics.jsonl), timings (the row of timings.jsonl)                    |
    | evaluated  | scores (the row of eval.jsonl)                                                            |
    | checkpoint | path                                                                                      |
    | notice     | sentence: what a person should know of this run, such as that a step taught nothing      |
    | interrupted| nothing; it was asked to end, and this may come in the middle of another event           |
    | end        | path of the run directory                                                                 |
    """

    kind: EventKind
    step: int
    """1-based step the event belongs to; 0 before the first."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Does nothing: the default callback."""
