"""Errors of the learning layer: each says who is at fault and what to do.

AgentError
├── ModelUnavailable    a model's files or the package that carries them are not on this machine
├── CheckpointError     a checkpoint is missing, cut off, or was written by another configuration
└── OutOfMemory         not even one message at a time fits
"""


class AgentError(Exception):
    """Base of everything this layer raises on purpose; wrong arguments are plain `ValueError`s."""


class ModelUnavailable(AgentError):
    """Raised when a model cannot be loaded here; the message says what to install or type."""


class CheckpointError(AgentError):
    """Raised when a run cannot be resumed from what is on disk."""


class OutOfMemory(AgentError):
    """Raised when not even the gradient of a single message fits into memory."""
