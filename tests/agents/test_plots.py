"""The picture and the tables of a run: right numbers from hand-made rows, a PNG, one sentence where there is nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.cli import main
from agents.cli.results import compare, correct_of, interval_note
from agents.config import GameMix, TrainConfig
from agents.curves import cells_of, distinct_share, last_proposals, of_role, roles_of, short_game
from agents.errors import AgentError
from agents.metrics import read_rows
from agents.plots import (
    draw_run,
    figure_of,
    held_out_curves,
    panels_of,
    solve_curves,
    title_of,
    trailing_mean,
    validity_curves,
)
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episode, write_episodes


def metrics_row(step: int) -> dict[str, Any]:
    row: dict[str, Any] = {"step": step, "SelfPlay/Deduction-v0/proposals": 4, "SelfPlay/Deduction-v0/distinct": 2}
    for cell, count, solved in (("proposer/deduction", 2, 0.0), ("solver/deduction", 4, 0.5), ("solver/abduction", 12, 0.25)):
        row |= {
            f"{cell}/count": count,
            f"{cell}/valid_rate": 1.0,
            f"{cell}/credit_mean": step / 10,
        }
        if not cell.startswith("proposer"):  # the only role here that answers nothing
            row[f"{cell}/solve_rate"] = solved
        row |= {f"{cell}/entropy": 0.5}
    return row


def test_a_reason_that_is_called_count_is_no_cell() -> None:
    row = {"solver/x/count": 3, "solver/x/reason/count": 2, "solver/x/void/count": 1, "solver/x/quality/count": 1}
    assert cells_of(row) == ["solver/x"]


def eval_row(step: int, right: list[int]) -> dict[str, Any]:
    entry = {"right": right, "samples": 4}
    rate = sum(right) / len(right) / 4
    return {
        "step": step,
        "SelfPlay/Deduction-v0/pass@1": rate,
        "all/pass@1": rate,
        "problems": {"SelfPlay/Deduction-v0": entry},
    }


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "a_run"
    (folder / "episodes").mkdir(parents=True)
    config = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),))
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(metrics_row(step)) + "\n" for step in range(1, 8)))
    rows = [eval_row(0, [0, 1, 0, 2] * 20), eval_row(7, [1, 2, 1, 3] * 20)]
    (folder / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_numbers_by_role_are_weighted_by_messages():
    row = metrics_row(1)
    assert roles_of(row) == ["proposer", "solver"]
    assert cells_of(row) == ["proposer/deduction", "solver/abduction", "solver/deduction"]
    assert of_role(row, "solver", "solve_rate") == pytest.approx((4 * 0.5 + 12 * 0.25) / 16)
    assert of_role(row, "dealer", "solve_rate") is None
    row["solver/abduction/void"] = 8  # its mean is over the four others
    assert of_role(row, "solver", "solve_rate") == pytest.approx((4 * 0.5 + 4 * 0.25) / 8)
    row |= {"solver/abduction/stop_rate": 1.0, "solver/deduction/stop_rate": 0.0}
    assert of_role(row, "solver", "stop_rate") == 12 / 16  # of all messages, void ones too


def test_entropy_by_role_is_per_token():
    row = metrics_row(1) | {"solver/deduction/entropy": 2.0, "solver/abduction/entropy": 1.0}
    lengths = {"solver/deduction/reply_tokens": 30.0, "solver/abduction/reply_tokens": 5.0}
    # 4 messages of 30 tokens and 12 of 5: 120 and 60 tokens; by messages it would be 1.25
    assert of_role(row | lengths, "solver", "entropy") == pytest.approx((120 * 2 + 60 * 1) / 180)
    # where only two of the long messages trained, the learner's own count says so
    trained = {"solver/deduction/tokens": 60.0, "solver/abduction/tokens": 60.0}
    assert of_role(row | lengths | trained, "solver", "entropy") == pytest.approx(1.5)


def test_quality_by_role_is_over_what_was_judged():
    row = metrics_row(1) | {"solver/deduction/quality_mean": 1.0, "solver/abduction/quality_mean": 0.0}
    row |= {"solver/deduction/quality/ok": 3, "solver/abduction/quality/ok": 0, "solver/abduction/quality/unparsed": 1}
    assert of_role(row, "solver", "quality_mean") == 3 / 4
    assert distinct_share(row) == 0.5
    assert distinct_share({"step": 1}) is None
    assert short_game("SelfPlay/KuhnPoker-v0") == "kuhnpoker"


def test_curves_skip_steps_without_a_value():
    rows = [metrics_row(1), {"step": 2}, metrics_row(3)]
    assert solve_curves(rows) == [("abduction", [1, 3], [0.25, 0.25]), ("deduction", [1, 3], [0.5, 0.5])]
    assert ("different tasks among valid proposals", [1, 3], [0.5, 0.5]) in validity_curves(rows)
    assert held_out_curves([eval_row(0, [4, 0])]) == [("held-out deduction", [0], [0.5])]


def test_solve_curves_of_several_roles_are_named_with_them():
    row = {"step": 1, "a/x/count": 1, "a/x/solve_rate": 0.5, "b/x/count": 1, "b/x/solve_rate": 0.25, "c/x/count": 1}
    assert solve_curves([row]) == [("a x", [1], [0.5]), ("b x", [1], [0.25])]


def test_trailing_mean_by_hand():
    assert trailing_mean([1.0, 3.0, 5.0], 2).tolist() == [1.0, 2.0, 4.0]
    assert trailing_mean([], 5).tolist() == []


def test_a_png_is_drawn(run_dir: Path):
    path = draw_run(run_dir)
    assert path == run_dir / "plot.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000


def test_the_picture_says_what_it_shows_and_its_legends_cover_nothing(run_dir: Path):
    panels = panels_of(*(read_rows(run_dir / name) for name in ("metrics.jsonl", "eval.jsonl")))
    figure = figure_of(title_of(run_dir), panels)
    figure.canvas.draw()
    assert figure.get_suptitle() == "a_run: model tiny, algorithm trr++, seed 0"
    marks = [text.get_text() for text in figure.legends[0].get_texts()]
    assert marks == ["one step", "mean of the last 5 steps", "held-out problems: sampled pass@1"]
    units = [axis.get_ylabel() for axis in figure.axes]
    assert units == ["share of right answers (0 to 1)", "share (0 to 1)", "nats per token", "credit per message"]
    assert {axis.get_xlabel() for axis in figure.axes} == {"step (updates of the weights)"}
    boxes = [axis.get_window_extent() for axis in figure.axes]
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes)]
    assert not [one for legend in legends for one in boxes if legend.get_window_extent().overlaps(one)]
    # a task type has one colour, trained and held out
    first = {line.get_label(): line.get_color() for line in figure.axes[0].get_lines()}
    assert first["deduction"] == first["held-out deduction"] != first["abduction"]


def test_no_metrics_is_one_sentence(tmp_path: Path):
    with pytest.raises(AgentError, match="holds no metrics"):
        draw_run(tmp_path)


def test_comparison_by_hand():
    assert correct_of({"right": [0, 2], "samples": 3}).tolist() == [[0, 0, 0], [1, 1, 0]]
    [one, two, four] = compare(eval_row(0, [0, 1, 0, 2] * 20), eval_row(9, [1, 2, 1, 3] * 20))
    assert (one.name, one.problems, one.k) == ("deduction", 80, 1)
    assert (one.before, one.after) == (pytest.approx(3 / 16), pytest.approx(7 / 16))
    assert one.gain == one.low == one.high == pytest.approx(0.25)  # every problem gained exactly one answer of four
    # of 4 samples with c right ones, two drawn ones miss with chance C(4 - c, 2) / 6: 6, 3, 1, 0 sixths for c = 0, 1, 2, 3
    assert (two.k, two.before, two.after) == (2, pytest.approx((0 + 3 + 0 + 5) / 24), pytest.approx((3 + 5 + 3 + 6) / 24))
    assert (four.before, four.after) == (0.5, 1.0)
    assert four.low < 0.5 < four.high


def with_programs(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    for entry in row["problems"].values():
        entry["programs"] = names
    return row


def test_task_types_about_the_same_programs_are_one_program_each():
    """Deduction and abduction of the same programs, with the same answers: no more evidence than one of them."""
    rng = np.random.default_rng(0)
    names = [f"{i:03}" for i in range(80)]
    rows = []
    for step in (0, 9):
        row = with_programs(eval_row(step, rng.integers(0, 5, 80).tolist()), names)
        row["problems"]["SelfPlay/Abduction-v0"] = dict(row["problems"]["SelfPlay/Deduction-v0"])
        rows.append(row)
    found = {one.name: one for one in compare(*rows) if one.k == 1}
    widths = {name: one.high - one.low for name, one in found.items()}
    assert widths["all problems"] == pytest.approx(widths["deduction"], rel=0.05)
    assert "over problems, of which those about one program are drawn together" in interval_note(*rows)
    for row in rows:  # as older runs wrote them
        for entry in row["problems"].values():
            del entry["programs"]
    [naive] = [one for one in compare(*rows) if one.k == 1 and one.name == "all problems"]
    assert naive.high - naive.low == pytest.approx(widths["deduction"] * 2**-0.5, rel=0.05)
    assert "as if they were independent" in interval_note(*rows)


def test_void_samples_count_for_nothing():
    before, after = eval_row(0, [1, 0]), eval_row(1, [1, 2])
    after["problems"]["SelfPlay/Deduction-v0"]["void"] = [3, 1]
    assert np.array_equal(
        correct_of(after["problems"]["SelfPlay/Deduction-v0"]), [[1, *[np.nan] * 3], [1, 1, 0, np.nan]], equal_nan=True
    )
    one, two = compare(before, after)
    assert (one.k, one.problems, one.before, one.after) == (1, 2, 1 / 8, pytest.approx((1 + 2 / 3) / 2))
    assert (two.k, two.problems, two.before, two.after) == (2, 1, 0.0, 1.0)  # the first problem has one sample that counts


def test_evaluations_of_other_problems_are_not_compared():
    rows = [with_programs(eval_row(0, [1, 2]), names) for names in (["a", "b"], ["a", "c"])]
    with pytest.raises(ValueError, match="SelfPlay/Deduction-v0 are not of the same problems"):
        compare(*rows)


def test_several_games_have_a_row_for_all_problems():
    before, after = eval_row(0, [0, 0]), eval_row(1, [4, 4])
    for row in (before, after):
        row["problems"]["SelfPlay/Abduction-v0"] = {"right": [4] * 6, "samples": 4}
    rows = {one.name: one for one in compare(before, after) if one.k == 1}
    assert set(rows) == {"abduction", "deduction", "all problems"}
    assert rows["all problems"].problems == 8
    assert rows["all problems"].gain == pytest.approx(2 / 8)


def test_last_proposals_counts_valid_and_distinct(run_dir: Path):
    referee = Referee("process")
    texts = [f"```python\ndef f(x):\n    return x + {n}\n```\n```input\n1\n```" for n in (1, 1, 2)] + ["nothing"]
    players = [ScriptedPlayer([text, "```output\n2\n```"]) for text in texts]
    episodes = [play_episode(Start("SelfPlay/Deduction-v0", 0, {"attempts": 1}), player, referee) for player in players]
    write_episodes(run_dir / "episodes" / "step_000001.jsonl", episodes)
    found = last_proposals(run_dir)
    assert found is not None
    assert (found.asked, found.valid, found.distinct) == (4, 3, 2)
    assert last_proposals(run_dir / "nowhere") is None


def test_report_prints_tables_and_draws(run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["report", str(run_dir)]) == 0
    shown = capsys.readouterr().out
    for words in (
        "mean of steps 1 to 3 -> mean of steps 5 to 7",
        "0.20 -> 0.60",
        "pass@4",
        "0.188",
        "0.438",
        "+0.250",
        "plot.png",
    ):
        assert words in shown
    assert (run_dir / "plot.png").is_file()


def test_report_of_something_else_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no config.json" in capsys.readouterr().err
    (tmp_path / "config.json").write_text('{"architectures": []}')
    assert main(["report", str(tmp_path)]) == 2
    assert "holds a model, not a run" in capsys.readouterr().err


def test_interval_is_reproducible():
    rows = (eval_row(0, [0, 1, 2, 3]), eval_row(1, [1, 1, 4, 3]))
    assert compare(*rows) == compare(*rows)
    assert np.isfinite([one.low for one in compare(*rows)]).all()
