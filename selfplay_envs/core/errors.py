"""Errors of the environment layer: each says who is at fault and what to do.

SelfPlayError
├── UsageError          the caller: a wrong name, option or order of calls
│   └── ResetNeeded     `step` before `reset`, or after the episode ended
└── GameError           the author of a game: it broke the protocol
"""


class SelfPlayError(Exception):
    """Base of everything this layer raises on purpose. A player's bad text never raises: it is data with a reason."""


class UsageError(SelfPlayError, ValueError):
    """Raised when a caller's argument is wrong; names the argument, its value and the remedy."""


class ResetNeeded(UsageError):
    """Raised when an action arrives and nobody is to act; call `reset` first."""


class GameError(SelfPlayError):
    """Raised when a game breaks its protocol, such as a finished episode with a message that earned no credit."""
