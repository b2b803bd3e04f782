"""Errors of the learning layer: each says what is at fault and what to do.

AgentError
├── ModelUnavailable    a model's files or the package that carries them are not on this machine
├── CheckpointError     a checkpoint is missing, cut off, or was written by another configuration
├── OutOfMemory         not even one message at a time fits
├── PromptTooLong       prompts leave no room for a reply in the model's context
├── LossNotFinite       the loss is infinite or not a number
├── SyncError           a sampler uses other weights than the learner's
├── EngineDied          the engine behind a sampler no longer answers
│   ├── EngineFull      the device has no room for it beside the learner
│   └── EndpointError   a remote endpoint cannot be reached, refuses, or answers nonsense
│       └── PromptRefused   ... refuses what a request holds: its settings, or a text that a filter stops
└── RunStopped          a run had to stop; its state is saved
"""

from __future__ import annotations

from collections.abc import Sequence


class AgentError(Exception):
    """Base of everything this layer raises on purpose; wrong arguments are plain `ValueError`s."""


class ModelUnavailable(AgentError):
    """Raised when a model cannot be loaded here; the message says what to install or type."""


class CheckpointError(AgentError):
    """Raised when a run cannot be resumed from what is on disk."""


class OutOfMemory(AgentError):
    """Raised when not even the gradient of a single message fits into memory."""


class PromptTooLong(AgentError, ValueError):
    """Raised when prompts leave no room for a reply in the model's context; nothing was sampled.

    Attributes:
        places: Which of the prompts that were given, from 0; all that are too long.
    """

    def __init__(self, sentence: str, places: Sequence[int]) -> None:
        super().__init__(sentence)
        self.places = tuple(places)


class LossNotFinite(AgentError, ValueError):
    """Raised when a loss or a gradient is infinite or not a number, and the update changed nothing.

    In a run also when weights are no numbers after an update; they are not saved then.
    """


class SyncError(AgentError):
    """Raised when a sampler that was given the learner's weights uses others; nothing was trained on its replies."""


class EngineDied(AgentError):
    """Raised when the engine behind a sampler no longer answers."""


class EngineFull(EngineDied):
    """Raised when a device has no room for an engine beside the learner; starting it again would not help.

    Attributes:
        options: Of the sampler's text, with values that would fit; empty where none would.
    """

    def __init__(self, sentence: str, options: dict[str, str]) -> None:
        super().__init__(sentence)
        self.options = options


class EndpointError(EngineDied):
    """Raised when a remote endpoint cannot be reached, refuses, or answers nonsense; never shows the key."""


class PromptRefused(EndpointError):
    """Raised when an endpoint refuses what a request holds: settings that it does not take, or a text that a filter stops."""


class RunStopped(AgentError):
    """Raised when memory, disk, engine or loss ended a run; the sentence says what is saved and how to go on.

    Attributes:
        flags: Arguments of `selfplay train PRESET --resume` that are the remedy; may be empty.
    """

    def __init__(self, sentence: str, *, flags: str = "") -> None:
        super().__init__(sentence)
        self.flags = flags


def first_line(error: BaseException, most: int = 200) -> str:
    """The first line of an error's text, at most so many characters; the error's class where it has no text."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:most]
