"""`selfplay analyze entropy` in its three forms, its files, and what it refuses before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from agents.cli.main import main
from tests.helpers.program import refused
from tests.helpers.token_runs import write_token_run
from tests.helpers.toys import GAME, build_model, build_tokenizer

DEVICE = ("--device", "cpu", "--short-cuts", "none")


@pytest.fixture
def trained(tmp_path: Path) -> str:
    """The toy model of `model_folder` after what might have been training."""
    model = build_model()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    model.save_pretrained(tmp_path / "trained")
    build_tokenizer().save_pretrained(tmp_path / "trained")
    return str(tmp_path / "trained")


@pytest.fixture
def tasks(tmp_path: Path) -> str:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps({"env_id": GAME, "task": {"letter": letter}}) + "\n" for letter in "xyz"))
    return str(path)


def test_models_on_tasks(
    model_folder: Path,
    trained: str,
    tasks: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    files = tmp_path / "out.json", tmp_path / "out.png"
    asked = ("--tasks", tasks, "--samples", "3", "--max-new-tokens", "6", "--json", str(files[0]), "--plot", str(files[1]))
    assert main(["analyze", "entropy", str(model_folder), trained, *asked, *DEVICE]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 prompts x 3 replies of each model, temperature 1." in shown
    assert "on its own replies: nats per token" in shown
    for words in ("change of entropy", "overlap", "chance", "log p ratio"):
        assert words in shown
    result = json.loads(files[0].read_text())
    base, other = result["summaries"]
    assert (base["messages"], base["group"]) == (9, "all")
    assert sum(base["histogram"]) == base["tokens"] <= 54
    assert base["exact"]["low"] < base["exact"]["mean"] < base["exact"]["high"]
    assert other["exact"]["mean"] != base["exact"]["mean"]
    assert [one["replies"] for one in result["overlaps"]] == [str(model_folder), trained]
    assert all(0 <= one["overlap"] <= 1 and one["kl"]["mean"] != 0 for one in result["overlaps"])
    assert files[1].stat().st_size > 10_000


def test_the_same_numbers_whatever_is_computed_together(model_folder: Path, tasks: str, tmp_path: Path) -> None:
    means = []
    for number, sizes in enumerate((("--batch", "1", "--micro-batch-tokens", "1"), ("--batch", "64"))):
        path = str(tmp_path / f"{number}.json")
        assert (
            main(
                [
                    "analyze",
                    "entropy",
                    str(model_folder),
                    "--tasks",
                    tasks,
                    "--max-new-tokens",
                    "6",
                    "--json",
                    path,
                    *sizes,
                    *DEVICE,
                ]
            )
            == 0
        )
        means.append(json.loads(Path(path).read_text())["summaries"][0])
    assert means[0]["exact"]["mean"] == pytest.approx(means[1]["exact"]["mean"], abs=1e-5)
    assert means[0]["histogram"] == means[1]["histogram"]


def test_models_on_a_file_of_prompts(model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "why", "task_type": "a"}\n{"prompt": "how", "task_type": "b"}\n{"prompt": "x"}\n')
    options = ("--prompts", str(path), "--limit", "2", "--samples", "1", "--max-new-tokens", "4")
    assert main(["analyze", "entropy", str(model_folder), *options, *DEVICE]) == 0
    shown = capsys.readouterr().out
    assert "2 prompts x 1 replies" in shown
    assert "assistant/a" in shown
    assert "assistant/b" in shown


def test_recorded_episodes_with_and_without_models(
    model_folder: Path, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(write_token_run(tmp_path / "run", steps=(1, 2)))
    assert main(["analyze", "entropy", "--episodes", run]) == 0
    assert "proposer/letters" in capsys.readouterr().out
    path = tmp_path / "out.json"
    assert main(["analyze", "entropy", str(model_folder), trained, "--episodes", run, "--json", str(path), *DEVICE]) == 0
    result = json.loads(path.read_text())
    assert [one["group"] for one in result["summaries"]][:3] == ["all", "proposer", "solver"]
    assert result["summaries"][0]["messages"] == 48  # two steps of six episodes of four messages
    assert [one["replies"] for one in result["overlaps"]] == [run]


def test_over_training_with_seeds_and_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    runs = [
        str(write_token_run(tmp_path / f"azr-{seed}", seed=seed, entropies=(1.0, 0.9 - seed / 10, 0.8, 0.7, 0.5 - seed / 10)))
        for seed in (0, 1)
    ]
    files = tmp_path / "out.json", tmp_path / "out.png"
    options = ("--over-training", "--predict", "--json", str(files[0]), "--plot", str(files[1]))
    assert main(["analyze", "entropy", *runs, *options]) == 0
    shown = capsys.readouterr().out
    assert "azr (2 seeds, steps 1 to 5): nats per token, exact, over the vocabulary" in " ".join(shown.split())
    assert "whole model" in shown
    result = json.loads(files[0].read_text())
    whole = result["curves"][0]
    assert (whole["group"], whole["seeds"], whole["first"]["mean"]) == ("whole model", 2, 1.0)
    assert whole["change"]["mean"] == pytest.approx(-0.55)
    assert set(result["predicted"]) == {"azr-0", "azr-1"}
    assert result["predicted"]["azr-0"]["fits"]["whole model"]["intervals"] == 4
    assert files[1].stat().st_size > 10_000
    assert (tmp_path / "out-predicted-1.png").is_file()
    assert main(["analyze", "entropy", runs[0], "--over-training", "--kind", "recorded"]) == 0
    assert "of all recorded messages" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(*_: object, **__: object) -> None:
        raise AssertionError("nothing is loaded")

    monkeypatch.setattr("agents.cli.analyses.entropy_policy.open_model", loads)
    for options, sentence in (
        ((), "model: none is named"),
        (("tiny", "tiny"), "model='tiny' is named twice"),
        (("tiny", "--temperature", "0"), "temperature=0 has no entropy"),
        (("tiny", "--samples", "0"), "samples=0 must be at least 1"),
        (("tiny", "--limit", "-1"), "limit=-1 must be 0"),
        (("tiny", "--predict"), "add --over-training"),
        (("tiny", "--prompts", "x", "--episodes", "y"), "leave one out"),
        (("run", "--over-training", "--prompts", "x"), "leave --prompts and --episodes out"),
        (("tiny", "--prompts", str(tmp_path / "none.jsonl")), "is not a file; give JSON lines"),
        (("tiny", "--tasks", "none"), "tasks='none' names none"),
        (("tiny", "--tasks", "gsm9k"), "did you mean"),
        (("tiny", "--episodes", str(tmp_path / "none.jsonl")), "is not a file"),
        (("tiny", "--plot", str(tmp_path / "no" / "x.png")), "cannot be written"),
        (("tiny", "--plot", str(tmp_path / "x.svg")), "must end in .png."),
        (("tiny", "--style", "loud"), "loud"),
    ):
        assert sentence in refused(capsys, "analyze", "entropy", *options), options


def test_a_run_whose_entropy_is_constant_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, path = str(write_token_run(tmp_path / "run", entropies=(0.5,) * 5)), tmp_path / "out.json"
    assert main(["analyze", "entropy", run, "--over-training", "--predict", "--json", str(path)]) == 0
    assert "nan" not in capsys.readouterr().out
    result = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert result["predicted"]["run"]["fits"]["whole model"]["correlation"] is None


def test_a_group_that_only_some_seeds_or_steps_have_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    runs = [write_token_run(tmp_path / f"azr-{seed}", seed=seed, steps=()) for seed in (0, 1)]
    for run, kept in zip(runs, (0, 3), strict=True):  # the first has no proposer, the second a solver in its last steps alone
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        gone = "proposer/" if not kept else "solver/"
        rows = [{k: v for k, v in row.items() if not k.startswith(gone) or 0 < kept <= row["step"]} for row in rows]
        (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["analyze", "entropy", *map(str, runs), "--over-training"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "azr (2 seeds, steps 1 to 5)" in shown
    assert "proposer (1 of 2 seeds)" in shown
    assert "solver (steps 3 to 5)" in shown


def test_every_picture_of_a_prediction_is_checked_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out-predicted-2.png").mkdir()
    options = ("one", "two", "--over-training", "--predict", "--plot", str(tmp_path / "out.png"))
    assert "out-predicted-2.png' cannot be written" in refused(capsys, "analyze", "entropy", *options)
