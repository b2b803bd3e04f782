from __future__ import annotations

import pytest

from agents.config.sampling import Sampling


@pytest.mark.parametrize(("field", "value"), [("temperature", -1.0), ("top_p", 0.0), ("max_new_tokens", 0)])
def test_sampling_checks_its_fields(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"Sampling.{field}={value}"):
        Sampling(**{field: value})  # type: ignore[arg-type]
