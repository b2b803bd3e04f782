"""The questions of `selfplay analyze` are found by name."""

from importlib import import_module

import pytest

from agents.cli.analyze import ANALYSES, analyze


def test_the_help_lists_every_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in ANALYSES)
    assert analyze([]) == 2


def test_an_unknown_question_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^question='sparsty' is not known; did you mean 'sparsity'\?; choose"):
        analyze(["sparsty"])


@pytest.mark.parametrize("name", ANALYSES)
def test_every_question_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, _, function = ANALYSES[name][0].partition(":")
    assert callable(getattr(import_module(f"agents.cli.analyses.{module}"), function))
    with pytest.raises(SystemExit) as end:
        analyze([name, "--help"])
    assert end.value.code == 0
    assert "--json" in capsys.readouterr().out
