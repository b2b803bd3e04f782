"""Files of analyses: endings and places that cannot be, and numbers that JSON does not know."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from agents.cli.analyses.outputs import check_outputs, json_text
from selfplay_envs import UsageError


def test_files_that_cannot_be_written_are_refused_and_none_is_left(tmp_path: Path) -> None:
    check_outputs(tmp_path / "a.json", tmp_path / "a.png", tmp_path / "b.png")
    check_outputs(None, None)
    check_outputs(None, tmp_path / "a.svg", endings=(".png", ".svg"))
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"plot='.*b\.svg' must end in \.png\."):
        check_outputs(None, tmp_path / "a.png", tmp_path / "b.svg")
    with pytest.raises(UsageError, match=r"json='.*a\.json' cannot be written"):
        check_outputs(tmp_path / "no" / "a.json")
    with pytest.raises(UsageError, match=r"plot='.*b\.png' cannot be written"):
        check_outputs(None, tmp_path / "a.png", tmp_path / "no" / "b.png")


def test_what_is_no_number_is_null_at_every_depth() -> None:
    value = {"a": (1.5, math.inf, [{"b": math.nan}]), "c": -math.inf, "d": np.float64("nan"), "e": "nan", 3: None}
    expected = {"a": [1.5, None, [{"b": None}]], "c": None, "d": None, "e": "nan", "3": None}
    text = json_text(value)
    assert json.loads(text) == expected
    assert text.endswith("}\n")
