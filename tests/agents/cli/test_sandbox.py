"""`selfplay sandbox`: what it does not know is refused."""

import pytest

from tests.helpers.program import refused


def test_another_action_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "action='burn'" in refused(capsys, "sandbox", "burn")
