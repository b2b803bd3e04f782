"""`selfplay analyze entropy`: how sure models are of their next tokens, where, and how it changes over training."""

from __future__ import annotations

from collections.abc import Sequence

from ...arguments.parser import parse
from .entropy_options import Entropy, check_entropy


def entropy(args: Sequence[str]) -> int:
    """`selfplay analyze entropy MODEL|RUN [MODEL|RUN ...]`."""
    command = parse(Entropy, "analyze entropy", args)
    check_entropy(command)
    if command.over_training:
        from .entropy_runs import over_training

        return over_training(command)
    from .entropy_models import of_models

    return of_models(command)
