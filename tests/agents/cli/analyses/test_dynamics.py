"""`selfplay analyze dynamics` at 80 columns, its files, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.program import refused
from tests.helpers.token_runs import write_token_run

ENTROPIES = (1.0, 0.9, 0.8, 0.7, 0.6)


def evaluated_run(folder: Path, seed: int) -> Path:
    """Evaluated after 0, 1, 2 and 3 updates, on R = -0.2 exp(H) + 0.7."""
    rows = [
        {"step": step, "all/pass@1": 0.7 - 0.2 * math.exp(ENTROPIES[step]), "all/pass@4": 0.8 - 0.2 * math.exp(ENTROPIES[step])}
        for step in range(4)
    ]
    return write_token_run(folder, seed=seed, steps=(), entropies=ENTROPIES, evaluations=rows)


def test_points_and_laws(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    runs = [str(evaluated_run(tmp_path / f"azr-{seed}", seed)) for seed in range(3)]
    shares = tmp_path / "unchanged.json"
    shares.write_text(json.dumps({runs[0] + "/": {"0": 1.0, "3": 0.25}}))
    files = tmp_path / "dynamics.json", tmp_path / "dynamics.png"
    assert (
        main(["analyze", "dynamics", *runs, "--unchanged", str(shares), "--json", str(files[0]), "--plot", str(files[1])]) == 0
    )
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80 + len(str(tmp_path))
    for words in ("azr-0, step 3", "unchanged", "ceiling b - a 0.500 (0.500 to 0.500)", "interval by runs", "left out"):
        assert words in shown, words
    result = json.loads(files[0].read_text())
    assert len(result["points"]) == 12
    assert [point["unchanged"] for point in result["points"][:4]] == [1.0, None, None, 0.25]
    assert result["laws"][0]["fit"]["a"]["value"] == pytest.approx(0.2)
    assert files[1].stat().st_size > 10_000


def test_too_few_points_are_said_and_shown_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = evaluated_run(tmp_path / "run", 0)
    rows = (folder / "eval.jsonl").read_text().splitlines(keepends=True)
    (folder / "eval.jsonl").write_text("".join(rows[:3]))
    assert main(["analyze", "dynamics", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "run, step 2" in shown
    assert shown.count("Not fitted: pass@1 on whole model of all arms; ") == 1


def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, shares = str(evaluated_run(tmp_path / "run", 0)), tmp_path / "unchanged.json"
    assert "run: none is named" in refused(capsys, "analyze", "dynamics")
    assert "holds no config.json" in refused(capsys, "analyze", "dynamics", str(tmp_path))
    assert "cannot be written" in refused(capsys, "analyze", "dynamics", folder, "--json", str(tmp_path / "no" / "x.json"))
    assert "must end in .png." in refused(capsys, "analyze", "dynamics", folder, "--plot", str(tmp_path / "x.svg"))
    assert "window=0 must be at least 1" in refused(capsys, "analyze", "dynamics", folder, "--window", "0")
    for text, sentence in (
        ("[]", "is not a JSON file of"),
        ('{"elsewhere": {"1": 0.5}}', "names 'elsewhere', which is not among the runs"),
        (json.dumps({folder: {"1": 2}}), "holds 2, which is no share"),
        (json.dumps({folder: {"7": 0.5}}), "step 7 of run="),
        (json.dumps({folder: {"1": 0.5}, folder + "/": {"2": 0.5}}), "names one run twice"),
        ("[" * 100_000, "is not a JSON file of"),
    ):
        shares.write_text(text)
        assert sentence in refused(capsys, "analyze", "dynamics", folder, "--unchanged", str(shares))
