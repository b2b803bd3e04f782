"""The picture of a run: right numbers from hand-made rows, a PNG, one sentence where there is nothing."""

from pathlib import Path

import pytest

from agents.core.errors import AgentError
from agents.display.plots import (
    draw_run,
    figure_of,
    held_out_curves,
    panels_of,
    solve_curves,
    title_of,
    trailing_mean,
    validity_curves,
)
from agents.runs.rows import read_rows
from tests.helpers.run_rows import eval_row, metrics_row, write_run


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return write_run(tmp_path / "a_run")


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
    assert not [box for legend in legends for box in boxes if legend.get_window_extent().overlaps(box)]
    # a task type has one colour, trained and held out
    first = {line.get_label(): line.get_color() for line in figure.axes[0].get_lines()}
    assert first["deduction"] == first["held-out deduction"] != first["abduction"]


def test_no_panel_is_empty_and_a_run_that_samples_nothing_shows_its_loss():
    row = {"step": 1, "loss": 0.5, "solver/x/count": 2, "solver/x/tokens": 9, "solver/x/entropy": 1.5}
    entropy, loss = panels_of([row], [])
    assert (entropy.curves, loss.curves) == ([("solver", [1], [1.5])], [("loss", [1], [0.5])])
    assert [axis.get_title() for axis in figure_of("", (entropy, loss)).axes] == [entropy.title, "loss"]
    answered = panels_of([{**row, "solver/x/valid_rate": 1.0, "solver/x/credit_mean": 0.0}], [eval_row(0, [4, 0])])
    assert [panel.title for panel in answered] == [
        "right answers, by task type",
        "valid messages",
        "entropy of the next token in replies",
        "credit from the game",
    ]


def test_no_metrics_is_one_sentence(tmp_path: Path):
    with pytest.raises(AgentError, match="holds no metrics"):
        draw_run(tmp_path)
