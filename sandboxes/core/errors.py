"""Errors of the sandbox layer: each says who is at fault and what to do.

SandboxError
└── SandboxUnavailable     the machine lacks what the backend needs
"""


class SandboxError(Exception):
    """Base of everything this layer raises on purpose."""


class SandboxUnavailable(SandboxError):
    """Raised when a backend cannot run here; the message says what is missing and what to type."""
