"""`selfplay benchmarks`: all of them at 80 columns, and all about one."""

import pytest

from agents.cli.main import main
from selfplay_envs.sources.registry import BENCHMARKS
from tests.helpers.program import refused


def test_all_are_listed_at_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["benchmarks"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for words in (*BENCHMARKS, "rows 800", "licence MIT", "reasoning-gym:", "path=FILE"):
        assert words in shown


def test_all_facts_of_one_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in BENCHMARKS:
        assert main(["benchmarks", name]) == 0
        shown = capsys.readouterr().out
        for words in ("verifier:", "licence:", "looked up:", "options:", f"--benchmark {name}:path=FILE"):
            assert words in shown, (name, words)


def test_an_unknown_one_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "benchmark='gsm9k' is not known; did you mean 'gsm8k'?" in refused(capsys, "benchmarks", "gsm9k")


def test_one_that_no_verifier_judges_is_measured_by_a_judge(capsys: pytest.CaptureFixture[str]):
    assert main(["benchmarks", "alpacaeval"]) == 0
    assert "--benchmark alpacaeval --against MODEL --judge JUDGE" in " ".join(capsys.readouterr().out.split())
