"""`selfplay train`: a run from start to end, and every way of typing it wrong."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from agents import GameMix, Sampling, TrainConfig, train
from agents.cli.main import main
from agents.config.presets import find_preset
from agents.core.errors import AgentError
from agents.runs.folder import choose_folder, find_model, newest_run, read_config
from tests.helpers.program import SMALL_RUN, refused
from tests.helpers.toys import GAME


def test_a_run_tells_what_it_did_and_what_to_type_next(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    folder = tmp_path / "run"
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--out", str(folder), "--lr", "3e-5"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "process sandbox",
        "step 1/2",
        "step 2/2",
        "first: valid",
        "Training: ",
        "Everything lies in",
        "Type next",
    ):
        assert words in shown
    assert "--resume --steps 4" in shown
    assert '"lr": 3e-05' in (folder / "config.json").read_text()
    assert {"metrics.jsonl", "plot.png", "checkpoints", "episodes"} <= {path.name for path in folder.iterdir()}


def test_the_run_can_be_resumed_replayed_reported_and_played_with(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    # the run's own settings, such as its seed, are the defaults of a resumed run
    assert main(["train", "kuhn-tiny", "--out", str(run_dir), "--resume", "--steps", "3"]) == 0
    assert "seed 3; 3 steps, resumed after step 2" in capsys.readouterr().out
    assert main(["replay", str(run_dir)]) == 0
    assert "Every credit reproduced: 6 episodes" in capsys.readouterr().out
    assert main(["report", str(run_dir)]) == 0
    assert "plot.png" in capsys.readouterr().out
    assert (
        main(["play", "KuhnPoker", "--model", str(run_dir), "--role", "none", "--max-new-tokens", "8", "--sandbox", "process"])
        == 0
    )
    shown = capsys.readouterr().out
    assert "legal check bet" in shown  # the wording that the run was trained on
    assert "The game is over" in shown


def test_a_run_made_in_python_goes_on_from_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As it was written by `train`, in a folder of any name, of a game that no preset holds."""
    folder = str(tmp_path / "by hand")
    sampling = Sampling(max_new_tokens=8)
    mix = GameMix(env_id=GAME, kwargs={"attempts": 2}, fresh=2, replay=1, references=1)
    train(TrainConfig(games=(mix,), steps=1, seed=3, sampling=sampling, sandbox="process", device="cpu"), Path(folder))
    assert main(["train", "--out", folder, "--resume", "--steps", "2", "--no-live"]) == 0
    shown = capsys.readouterr().out
    assert "seed 3; 2 steps, resumed after step 1" in shown
    assert f"selfplay train --out '{folder}' --resume --steps 4" in shown
    assert main(["replay", folder]) == 0
    assert main(["report", folder]) == 0
    (tmp_path / "t.jsonl").write_text(json.dumps({"env_id": GAME, "task": {"letter": "x"}}))
    options = ["--tasks", str(tmp_path / "t.jsonl"), "--samples", "1", "--max-new-tokens", "8", "--sandbox", "process"]
    assert main(["eval", folder, *options]) == 0
    assert "1 problems x 1 answers" in capsys.readouterr().out
    assert main(["play", GAME, "--model", folder, "--role", "none", "--max-new-tokens", "8", "--sandbox", "process"]) == 0


def test_where_nothing_is_left_to_do_that_is_said(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["train", "kuhn-tiny", "--resume", "--steps", "1", "--out", str(run_dir)]) == 0
    shown = capsys.readouterr().out
    assert "Nothing is left to do: the run is at step 2; to go on, add --steps 4." in shown
    assert "--resume --steps 4" in shown


def test_wrong_names_and_folders_are_one_sentence(capsys: pytest.CaptureFixture[str], run_dir: Path, tmp_path: Path):
    out = str(tmp_path / "new")
    assert "preset='azr-tyni'" in refused(capsys, "train", "azr-tyni")
    assert "comes before the preset" in refused(capsys, "train", "--steps", "2", "kuhn-tiny")
    assert "algorithm='a2c'" in refused(capsys, "train", "kuhn-tiny", "--algorithm", "a2c", "--out", out)
    assert "podman" in refused(capsys, "train", "kuhn-tiny", "--sandbox", "podman", "--out", out)
    assert "no-such-model" in refused(capsys, "train", "kuhn-tiny", "--model", "./no-such-model", "--out", out)
    assert not (tmp_path / "new").exists()  # the corrected command finds its folder free
    assert "holds a run already" in refused(capsys, "train", "kuhn-tiny", "--out", str(run_dir))
    assert "holds no run" in refused(capsys, "train", "kuhn-tiny", "--resume", "--out", out)
    assert "another seed (3 there, 9 now)" in refused(
        capsys, "train", "kuhn-tiny", "--resume", "--seed", "9", "--out", str(run_dir)
    )
    assert "not of preset lsp-tiny" in refused(capsys, "train", "lsp-tiny", "--resume", "--out", str(run_dir))
    assert "names 'solver', but the roles of these games are first, second" in refused(
        capsys, "train", "kuhn-tiny", "--train-roles", "solver", "--out", out
    )
    (tmp_path / "file").touch()
    assert "cannot be a folder" in refused(capsys, "train", "kuhn-tiny", "--out", str(tmp_path / "file"))
    assert "is not a folder" in refused(capsys, "eval", "./no/such/model")
    assert "measures nothing held out" in refused(capsys, "eval", str(run_dir))
    assert "preset='nope'" in refused(capsys, "eval", "tiny", "--preset", "nope")


@pytest.mark.parametrize(("flag", "value"), [("--steps", "many"), ("--reward", "false"), ("--learner.lr", "-1")])
def test_wrong_values_exit_with_2_and_name_the_field(flag: str, value: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["train", "kuhn-tiny", flag, value])
    assert exit_info.value.code == 2
    error = capsys.readouterr().err
    assert flag.rpartition(".")[2].lstrip("-") in error
    assert "Traceback" not in error


def test_values_that_the_config_refuses_are_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "TrainConfig.steps=0" in refused(capsys, "train", "kuhn-tiny", "--steps", "0")
    assert "GameMix.fresh=-1" in refused(capsys, "train", "kuhn-tiny", "--fresh", "-1")


def test_help_says_what_a_preset_is_and_where_it_departs_from_its_paper(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["train", "azr-1.5b", "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    sentences = ("Absolute Zero for one GPU of 24 GB", "selfplay doctor --preset azr-1.5b", "--out")
    places = [shown.index(sentence) for sentence in sentences]
    assert places == sorted(places)
    assert "Every number of the preset can be changed here" in shown


def test_help_shows_the_preset_s_values(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["train", "kuhn-tiny", "--help"])
    assert exit_info.value.code == 0
    shown = capsys.readouterr().out
    for words in ("--steps", "--learner.lr", "--resume", "--games.0.fresh", "(default: 128)"):
        assert words in shown
    assert main(["train", "--help"]) == 0
    assert "azr-smollm2" in capsys.readouterr().out


def test_an_interrupted_run_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("agents.training.loop"), "train", interrupted)
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--out", str(tmp_path / "run")]) == 130
    shown = capsys.readouterr().out
    assert f"--out {tmp_path / 'run'} --resume" in shown
    assert "No step is saved, so it starts over" in shown


def test_a_run_that_has_to_stop_says_what_to_type_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from agents.learner.learner import Learner

    update, calls = Learner.update, iter(range(10))

    def out_of_memory(self: Learner, *args: Any) -> dict[str, float]:
        if next(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore lines")
        return update(self, *args)

    monkeypatch.setattr(Learner, "update", out_of_memory)
    folder = tmp_path / "run"
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--steps", "3", "--out", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "step 2: memory ran out (CUDA out of memory. Tried to allocate 2.00 GiB.); the run is saved after step 1" in error
    _, _, typed = error.strip().partition("type: selfplay ")
    smaller = find_preset("kuhn-tiny").learner.micro_batch_tokens // 2
    assert typed == f"train --out {folder} --resume --learner.micro-batch-tokens {smaller}"
    assert main(typed.split()) == 0
    shown = capsys.readouterr().out
    assert "resumed after step 1" in shown
    assert "step 3/3" in shown


def test_folders_of_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_dir: Path):
    monkeypatch.chdir(tmp_path)
    assert newest_run("kuhn-tiny") is None
    assert choose_folder("kuhn-tiny") == Path("runs/kuhn-tiny")
    Path("runs/kuhn-tiny").mkdir(parents=True)
    assert choose_folder("kuhn-tiny") == Path("runs/kuhn-tiny-2")
    Path("runs/kuhn-tiny/config.json").write_text("{}")
    assert newest_run("kuhn-tiny") == Path("runs/kuhn-tiny")
    path, config = find_model(str(run_dir))
    assert Path(path).parent == run_dir / "checkpoints"
    assert config is not None
    assert config.seed == 3
    assert find_model("tiny") == ("tiny", None)
    Path("runs/kuhn-tiny/checkpoints").mkdir()
    with pytest.raises(AgentError, match="no checkpoint yet"):
        find_model("runs/kuhn-tiny")


def test_options_add_up_and_may_be_written_with_an_equals_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = ["--options", "kl_coef", "0.1", "--seed", "1", "--options", "kl_estimator=k2", "kl_coef=0.2"]
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--out", str(tmp_path / "run"), *options]) == 0
    assert read_config(tmp_path / "run").options == {"kl_coef": "0.2", "kl_estimator": "k2"}
    weights = ["--options", "aggregate=role", "role_weights", "first=0.5,second=1"]
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--out", str(tmp_path / "other"), *weights]) == 0
    assert read_config(tmp_path / "other").options["role_weights"] == "first=0.5,second=1"
    assert "kl_coef" in refused(capsys, "train", "kuhn-tiny", "--out", str(tmp_path / "no"), "--options", "kl_coef", "high")
