"""One game twice in a run, under two names: buffers, metrics, records, checkpoints, scores and displays keep them apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.batching.batch import samples_of
from agents.cli.main import main
from agents.config.presets import azr_tiny
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.runs.events import Event
from agents.runs.folder import checkpoints
from agents.runs.rows import read_rows
from agents.training.loop import train
from selfplay_envs import differences, read_episodes, replay

DEDUCTION = "SelfPlay/Deduction-v0"


class Killed(Exception):
    """The run ends here."""


@pytest.fixture
def config() -> TrainConfig:
    mix = replace(azr_tiny().games[0], fresh=4, replay=1)
    few = replace(mix, name="few", kwargs={**mix.kwargs, "attempts": 2})
    many = replace(mix, name="many", kwargs={**mix.kwargs, "attempts": 3, "equality": "strict"}, references_from=("few",))
    return replace(
        azr_tiny(),
        games=(few, many),
        steps=2,
        checkpoint_every=1,
        episodes_every=1,
        sandbox="process:hash-seeds=1+2+3+4+5+6+7+8",
        device="cpu",
        short_cuts="none",
        sampling=Sampling(max_new_tokens=60),
        evaluation=EvalConfig(tasks="tiny", samples=2, limit=3, sampling=Sampling(max_new_tokens=24)),
    )


def test_both_are_kept_apart_from_the_buffer_to_the_report(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    last = train(config, folder)
    rows = read_rows(folder / "metrics.jsonl")
    for name, attempts in (("few", 2), ("many", 3)):
        assert sum(row.get(f"{name}/proposals", 0) for row in rows) > 0
        assert rows[-1][f"{name}/buffer"] > 0
        assert all(row[f"proposer/{name}/count"] == 4 for row in rows)
        assert any(f"solver/{name}/entropy" in row for row in rows)
        scores = read_rows(folder / "eval.jsonl")[-1]
        assert scores["problems"][name]["samples"] == 2
        assert f"{name}/pass@1" in scores
        episodes = [one for one in read_episodes(folder / "episodes" / "step_000002.jsonl") if one.name == name]
        assert {one.env_id for one in episodes} == {DEDUCTION}
        assert {one.kwargs["attempts"] for one in episodes} == {attempts}
        assert {sample.tag.env_id for sample in samples_of(episodes)} <= {name}  # no baseline is shared with the other
        assert all(differences(one, replay(one)) == [] and replay(one).name == name for one in episodes)
    assert not [key for row in rows for key in row if DEDUCTION in key or "/deduction/" in key]
    buffers = json.loads((last / "curriculum.json").read_text())
    assert set(buffers) == {"few", "many"}
    assert all(len(buffers[name]["tasks"]) == rows[-1][f"{name}/buffer"] for name in buffers)
    shown = {reference["program"] for one in episodes for reference in one.options.get("references", ())}
    assert shown <= {task["program"] for task in buffers["few"]["tasks"]}

    capsys.readouterr()
    assert main(["report", str(folder)]) == 0
    report = capsys.readouterr().out
    assert "few" in report
    assert "many" in report
    assert main(["replay", str(folder), "--show", "10"]) == 0
    assert f": many, {DEDUCTION} seed" in capsys.readouterr().out
    assert main(["eval", str(folder), "--limit", "2", "--samples", "1", "--sandbox", "process", "--device", "cpu"]) == 0
    table = capsys.readouterr().out
    assert "few" in table
    assert "many" in table


def test_a_run_that_was_killed_goes_on_bit_for_bit(config: TrainConfig, tmp_path: Path) -> None:
    def kill(event: Event) -> None:
        if (event.step, event.kind) == (2, "collected"):
            raise Killed

    train(config, tmp_path / "whole")
    with pytest.raises(Killed):
        train(config, tmp_path / "killed", kill)
    train(config, tmp_path / "killed")
    for name in ("metrics.jsonl", "eval.jsonl"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    states = [(checkpoints(tmp_path / run / "checkpoints")[-1] / "curriculum.json").read_text() for run in ("killed", "whole")]
    assert states[0] == states[1]


def test_names_come_from_a_file_or_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "twice.toml"
    games = [f'[[games]]\nenv_id = "{DEDUCTION}"\nname = "{name}"\n' for name in ("few", "many")]
    file.write_text("\n".join(games))
    assert main(["train", "--config", str(file), "--print-config", "--game", "many"]) == 0
    printed = capsys.readouterr().out
    assert 'name = "many"' in printed
    assert 'name = "few"' not in printed
    typed = ["--game", "few=deduction", "many=deduction", "abduction", "--games.0.name", "few"]
    assert main(["train", "azr-tiny", "--print-config", *typed]) == 0
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if line.startswith("name")] == ['name = "few"', 'name = "many"', 'name = ""']
    assert main(["train", "azr-tiny", "--print-config", "--games.2.name", "given"]) == 0
    assert 'name = "given"' in capsys.readouterr().out
    assert main(["train", "azr-tiny", "--print-config", "--game", "deduction", "deduction"]) == 2
    assert "names a game twice; give each env id one GameMix, or each GameMix its own name." in " ".join(
        capsys.readouterr().err.split()
    )


def test_names_are_unique_and_no_ids() -> None:
    with pytest.raises(ValueError, match="names a game twice"):
        TrainConfig(games=(GameMix(env_id=DEDUCTION, name="a"), GameMix(env_id="SelfPlay/Abduction-v0", name="a")))
    for name in ("all", "SelfPlay/Abduction-v0", "twice-v0", "two words", "-x"):
        with pytest.raises(ValueError, match=r"GameMix.name=.* is no name; choose letters, digits"):
            GameMix(env_id=DEDUCTION, name=name)
    with pytest.raises(ValueError, match="references_from of 'SelfPlay/Deduction-v0' names 'c', which is not among the games"):
        TrainConfig(games=(GameMix(env_id=DEDUCTION, name="a", references_from=("c",)),))
