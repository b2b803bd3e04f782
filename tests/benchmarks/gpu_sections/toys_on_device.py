"""A plugin of pytest: the toy model of the tests is made on the device that TOY_DEVICE names."""

from __future__ import annotations

import os
from typing import Any

from tests.helpers import toys

_build: Any = toys.build_model


def build_model(*args: Any, **keywords: Any) -> Any:
    """As the toys' own, and then on the device."""
    return _build(*args, **keywords).to(os.environ["TOY_DEVICE"])


toys.build_model = build_model
