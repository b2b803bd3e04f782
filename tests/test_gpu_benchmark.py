"""The GPU script without a GPU: its dry run fills every section, sections survive each other, results can be read again."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.benchmarks.gpu import Options, main
from tests.benchmarks.gpu_sections.bench import GIB, Bench, Row, cudnn_attention
from tests.benchmarks.gpu_sections.own_tests import FILES, FILES_DRY
from tests.benchmarks.gpu_sections.running import Result, Section, run_section
from tests.benchmarks.gpu_sections.sections import SECTIONS
from tests.helpers.vllm_engine import STAND_IN, alive
from tests.helpers.waiting import PATIENCE_S, wait_for

ROOT = Path(__file__).parents[1]
ENDLESS = """

class Endless(LLM):
    def answer(self, number, prompt, params, lora):
        params.stop_token_ids = params.stop_token_ids or [1]
        return super().answer(number, prompt, params, lora)


LLM = Endless
"""
"""The stand-in ends replies by a token that ends them; here there is none."""


def fine(bench: Bench) -> Iterator[Row]:
    yield bench.arm({"what": "one"}, lambda: {"ms": 1.5, "right": True, "kernel": "FLASH"})


def breaks(bench: Bench) -> Iterator[Row]:
    yield bench.arm({"what": "found before"}, lambda: {"n": 1})
    raise RuntimeError("a bug of the section")


BUG = breaks.__code__.co_firstlineno + 2
"""Its line."""


def one_arm_breaks(bench: Bench) -> Iterator[Row]:
    yield bench.arm({"what": "bad"}, lambda: {"ratio": 1 / 0})
    yield bench.arm({"what": "nan"}, lambda: {"gap": math.nan})
    yield bench.arm({"what": "good"}, lambda: {"n": 1})


def dies(bench: Bench) -> Iterator[Row]:
    yield bench.arm({"what": "found before"}, lambda: {"n": 1})
    print("a last word", flush=True)
    os._exit(7)


def hangs(bench: Bench) -> Iterator[Row]:
    yield bench.arm({"what": "child"}, lambda: {"pid": subprocess.Popen(["sleep", "1000"]).pid})
    time.sleep(1000)


def finds_nothing(bench: Bench) -> Iterator[Row]:
    yield Row(setting={"what": "engine"}, skipped="it is not installed")


def section(name: str, run: Any) -> Section:
    return Section(name=name, run=run, part=1, estimate_s=1)


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a dry run of everything wrote."""
    out = tmp_path_factory.mktemp("gpu") / "dry.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.gpu", "--dry", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return {**json.loads(out.read_text()), "printed": done.stdout}


def rows_of(dry: dict[str, Any], section: str, **setting: Any) -> list[dict[str, Any]]:
    """Numbers of the rows with these settings."""
    rows = [row for row in dry["sections"][section]["rows"] if row["setting"].items() >= setting.items()]
    assert rows, (section, setting)
    return [row.get("found", {}) for row in rows]


def test_the_dry_run_fills_every_section(dry: dict[str, Any]) -> None:
    assert list(dry["sections"]) == [one.name for one in SECTIONS]
    least = {"env": 16, "parity": 8, "head": 9, "decode": 4, "sdpa": 10, "tests": 1, "lora": 20, "full": 8, "lora8b": 8}
    for name, count in least.items():
        found = dry["sections"][name]
        assert found["status"] == "ok", (name, found["error"])
        assert sum("found" in row for row in found["rows"]) >= count - 1, name
        assert found["seconds"] > 0
        for row in found["rows"]:
            assert row["setting"]
            assert ("found" in row) + ("skipped" in row) == 1, row
            numbers = [value for value in row.get("found", {}).values() if isinstance(value, float | int)]
            assert all(map(math.isfinite, numbers))
    assert dry["machine"]["torch"] == torch.__version__
    assert dry["dry"] is True


def test_every_number_that_decides_something_is_there(dry: dict[str, Any]) -> None:
    positive = {
        "head": ["ms"],
        "decode": ["ms_per_step", "tokens_per_s"],
        "tests": ["passed"],
    }
    for name, keys in positive.items():
        for found in rows_of(dry, name):
            assert not found or all(found[key] > 0 for key in keys), (name, found)
    for step in ("first", "again", "other"):
        for found in (*rows_of(dry, "lora", step=step), *rows_of(dry, "lora8b", step=step)):
            assert found["s"] > 0
            assert found["tokens_per_s"] > 0
            assert found["micro_batches"] >= 1
    assert {row["setting"].get("cudnn") for row in dry["sections"]["sdpa"]["rows"]} >= {True, False}
    assert rows_of(dry, "full", step="weights as files")[0]["gb_per_s"] > 0


def test_the_same_update_gives_the_same_bits(dry: dict[str, Any]) -> None:
    [same] = rows_of(dry, "parity", what="float32, card and processor")
    assert set(same.values()) == {0.0}  # there is no card: both are the processor
    assert rows_of(dry, "parity", what="an update twice")[0] == {"same_bits": True, "max_difference": 0.0}


def test_bfloat16_leaves_frequencies_of_positions_alone(dry: dict[str, Any]) -> None:
    for found in rows_of(dry, "parity", what="frequencies of positions"):
        assert found == {"dtype": "torch.float32", "max_gap_nats": 0.0}


def test_noise_of_bfloat16_passes_the_sync_check(dry: dict[str, Any]) -> None:
    for found in rows_of(dry, "parity", what="bfloat16, sampler and learner"):
        assert 0 < found["mean_gap_nats"] < 0.1
        assert found["max_gap_nats"] >= found["mean_gap_nats"]
        assert found["sync_gap"] > 0


def test_what_was_learned_in_bfloat16_is_written_whole(dry: dict[str, Any]) -> None:
    [found] = rows_of(dry, "parity", what="of steps in bfloat16, adapters", lr=3e-5)
    assert found["export_gap_nats"] < found["moved_nats"] / 50


def test_the_largest_micro_batch_comes_first(dry: dict[str, Any]) -> None:
    [found] = rows_of(dry, "parity", what="memory runs out, made believe")
    assert found["begun_in_vain"] == 1
    assert found["halved_to"] == 256


def test_planned_bytes_of_weights_masters_and_adam_are_those_of_the_tensors(dry: dict[str, Any]) -> None:
    learners = (
        *rows_of(dry, "lora", step="other"),
        *rows_of(dry, "lora8b", step="longest"),
        *rows_of(dry, "full", step="again"),
    )
    for found in learners:
        assert found["counted_gib"] == found["planned_held_gib"]
        assert found["planned_peak_gib"] > found["planned_held_gib"]


def test_the_plan_knows_how_prompts_are_shared() -> None:
    """Four prompts of 100 tokens with 8 replies of 50: every reply gathers 150 keys, and 100 + 8 * 50 positions lie there."""
    from agents import LearnerConfig
    from tests.benchmarks.gpu_sections.planned import needed_gib, packing_of
    from tests.benchmarks.gpu_sections.work import config_of, random_batch

    batch, config = random_batch(4, 100, (50, 51)), LearnerConfig(dtype="bfloat16", lora_rank=8)
    prompt = int((batch.attention_BT & ~batch.mask_BT).sum()) / 32
    found = packing_of(batch, config)
    assert found.packed
    assert found.own == pytest.approx(prompt / (prompt + 400))
    assert found.gathered == pytest.approx(8 * (prompt + 50) / (prompt + 400))
    assert not packing_of(batch, replace(config, share_prompts=False)).packed
    long = random_batch(1, 4000, (8000, 8001), attempts=2)
    needs = [needed_gib(config_of(Bench(dry=False), "3b"), config, batches) for batches in ([batch], [batch, long])]
    assert needs[0] < needs[1]


def test_a_dry_run_reads_well_in_eighty_columns(dry: dict[str, Any]) -> None:
    lines = dry["printed"].splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("─") for line in lines) > len(SECTIONS)
    assert "All sections" in lines
    for name in dry["sections"]:
        assert any(line.startswith(f"{name} ") for line in lines)


def test_sections_survive_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.json"
    given = (
        section("first", breaks),
        section("second", dies),
        section("third", one_arm_breaks),
        section("fourth", finds_nothing),
        section("last", fine),
    )
    assert main(Options(dry=True, out=out), given) == 1
    found = json.loads(out.read_text())["sections"]
    assert {name: one["status"] for name, one in found.items()} == {
        "first": "failed",
        "second": "failed",
        "third": "failed",
        "fourth": "skipped",
        "last": "ok",
    }
    assert [row["found"] for row in found["first"]["rows"]] == [{"n": 1}] == [row["found"] for row in found["second"]["rows"]]
    assert found["first"]["error"] == f"RuntimeError: a bug of the section (test_gpu_benchmark.py:{BUG})"
    assert found["second"]["error"] == "its process ended with 7; its last words: a last word"
    assert [list(row) for row in found["third"]["rows"]] == [["setting", "failed"], ["setting", "failed"], ["setting", "found"]]
    assert found["third"]["error"] == "2 of 3 arms failed: ZeroDivisionError: division by zero"
    assert found["third"]["rows"][1]["failed"] == "NotFinite: gap not finite"
    assert found["fourth"]["error"] == "it is not installed"
    assert found["last"]["rows"] == [{"setting": {"what": "one"}, "found": {"ms": 1.5, "right": True, "kernel": "FLASH"}}]
    assert "division by zero" in capsys.readouterr().out


def test_without_failures_the_exit_status_is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Options(dry=True), (section("last", fine), section("none", finds_nothing))) == 0
    assert main(Options(dry=True, sections=("head",)), (section("last", fine),)) == 2


def test_a_section_that_hangs_is_ended_with_what_it_started() -> None:
    run_section(section("warm", fine), Bench(dry=True), PATIENCE_S)  # what every section imports is imported
    limit_s = 5 + 3 * run_section(section("warm", fine), Bench(dry=True), PATIENCE_S).seconds  # enough to find its row
    started = time.perf_counter()
    result = run_section(section("stuck", hangs), Bench(dry=True), limit_s)
    assert time.perf_counter() - started < limit_s + PATIENCE_S
    assert result.status == "failed"
    assert result.error.startswith(f"was ended after its limit of {limit_s:.0f} s")
    [row] = result.rows
    child = int(str(row.found["pid"]))
    assert wait_for(lambda: not alive(child)), "its child lives on"


def test_no_time_left_skips_a_section(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    assert main(Options(dry=True, limit_s=1e-9, out=out), (section("last", fine),)) == 0
    [found] = json.loads(out.read_text())["sections"].values()
    assert found["status"] == "skipped"
    assert "0 s are left of --limit-s" in found["error"]


def test_a_slower_card_is_waited_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    limits: list[float] = []
    monkeypatch.setattr(
        "tests.benchmarks.gpu.run_section", lambda section, bench, limit_s, heard: limits.append(limit_s) or Result()
    )
    given = (replace(section("last", fine), estimate_s=100),)
    for slower in (1.0, 12.0):
        assert main(Options(dry=True, slower=slower), given) == 0
    assert limits == [260, 2460]
    assert main(Options(dry=True, slower=0.0), given) == 2
    assert "not above 0" in capsys.readouterr().out


def test_without_a_gpu_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(Options(), (section("last", fine),)) == 2
    assert "--dry" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in (tmp_path / "missing" / "part1.json", tmp_path):
        assert main(Options(dry=True, out=out), (section("last", fine),)) == 2
        printed = capsys.readouterr().out
        assert "cannot be written" in printed.replace("\n", " ")
        assert "last: ok" not in printed


@pytest.mark.parametrize(
    ("program", "woke"),
    [
        ("print('woke')", True),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate 56 GiB')", False),
        ("raise ImportError('no torch')", None),
    ],
)
def test_a_probe_that_fails_for_another_reason_does_not_pass_for_a_full_card(
    program: str, woke: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.benchmarks.gpu_sections import full

    monkeypatch.setattr(full, "PROBE", program)
    if woke is None:
        with pytest.raises(RuntimeError, match="the probe failed: ImportError: no torch"):
            full._probe()
    else:
        assert full._probe() is woke


def test_what_a_card_has_no_room_for_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bench, "total_gib", 24.0)
    bench, done = Bench(dry=True), []
    row = bench.arm({"what": "8b"}, lambda: done.append(1) or {}, needs_gib=37)
    assert row.skipped == "needs about 37 GiB, the card has 24"
    assert not done
    assert bench.arm({"what": "3b"}, lambda: {"n": 1}, needs_gib=22).found == {"n": 1}


def test_settings_of_attention_are_put_back() -> None:
    before = torch.backends.cuda.cudnn_sdp_enabled()
    for on in (True, False):
        with cudnn_attention(on):
            assert torch.backends.cuda.cudnn_sdp_enabled() is on
    assert torch.backends.cuda.cudnn_sdp_enabled() is before


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of a card of 80 GiB that is made believe, in order; tensors stay on the processor."""
    asked: list[str] = []
    answers: dict[str, Any] = {
        "get_device_properties": SimpleNamespace(total_memory=80 * GIB),
        "mem_get_info": (21 * GIB, 80 * GIB),
        "max_memory_allocated": 3 * GIB,
        "memory_allocated": 2 * GIB,
        "memory_reserved": 5 * GIB,
    }

    def answer(name: str, *arguments: Any) -> Any:
        asked.append(name)
        return answers.get(name)

    for name in (*answers, "synchronize", "empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, partial(answer, name))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "empty_cache", partial(answer, "empty_cache"))
    return asked


def test_seconds_wait_for_the_card_and_memory_is_its_own(card: list[str]) -> None:
    bench = Bench(dry=False)
    assert bench.total_gib == 80
    assert bench.free_gib == 21
    card.clear()
    assert bench.seconds(lambda: card.append("work"), repeat=2, warm=1) > 0
    assert card == ["work", "synchronize", "work", "work", "synchronize"]
    assert bench.memory() == {"peak_gib": 3.0, "held_gib": 2.0, "reserved_gib": 5.0}
    card.clear()
    row = bench.arm({"what": "work"}, lambda: card.append("work") or {"n": 1})
    assert row.found == {"n": 1}
    assert card.index("empty_cache") < card.index("reset_peak_memory_stats") < card.index("work")
    assert bench.arm({"what": "14B"}, dict, needs_gib=81).skipped == "needs about 81 GiB, the card has 80"


def test_whether_an_engine_wakes_is_asked_before_and_after_the_cache_is_emptied(
    card: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.benchmarks.gpu_sections import full

    bench = Bench(dry=False)
    bench.device = "cpu"
    monkeypatch.setattr(full, "update", lambda *arguments: card.append("update"))
    monkeypatch.setattr(full, "_probe", lambda: card.append("probe") or card.count("empty_cache") > 0)
    found = full._wake(bench, None, None)  # type: ignore[arg-type]
    assert found == {"cached_free_gib": 21.0, "cached_woke": False, "emptied_free_gib": 21.0, "emptied_woke": True}
    assert [one for one in card if one in ("update", "probe", "empty_cache")] == ["update", "probe", "empty_cache", "probe"]


def test_random_models_are_put_on_a_card_as_a_run_puts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.benchmarks.gpu_sections import work

    devices: list[str] = []
    monkeypatch.setattr(work, "prepare_accelerator", devices.append)
    one, other = (work.random_model(Bench(dry=True), "8b", torch.float32) for _ in range(2))
    assert devices == ["cpu", "cpu"]
    assert all(torch.equal(*pair) for pair in zip(one.parameters(), other.parameters(), strict=True))
    assert one.config.model_type == "qwen3"
    assert not one.training


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_card_that_cannot_be_opened_fails_the_section_with_a_sentence() -> None:
    result = run_section(section("last", fine), Bench(dry=False), 120.0)
    assert result.status == "failed"
    assert "CUDA" in result.error
    assert not result.rows


def test_both_parts_are_estimated_to_take_seven_minutes() -> None:
    for part in (1, 2):
        assert sum(one.estimate_s for one in SECTIONS if one.part == part) <= 420
    assert [one.name for one in SECTIONS if one.part == 1] == ["env", "parity", "head", "decode", "sdpa", "tests"]
    assert replace(SECTIONS[0], estimate_s=100).limit_s == 260


def test_the_page_about_it_names_every_section() -> None:
    text = (ROOT / "examples/README.md").read_text()
    for one in SECTIONS:
        assert f"| `{one.name}` | {one.part}, {one.estimate_s} |" in text


def test_the_section_of_vllm_measures_start_speed_sync_and_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the stand-in, which knows no model: only agreement fails, as it has to."""
    from tests.benchmarks.gpu_sections.engine import vllm

    (tmp_path / "vllm.py").write_text((STAND_IN / "vllm.py").read_text() + ENDLESS)
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{STAND_IN}")
    rows = list(vllm(Bench(dry=True, vllm_python=sys.executable)))
    assert {row.setting["lora_rank"] for row in rows} == {0, 8}
    for row in rows:
        if "agreement" in str(row.setting["what"]):
            assert row.failed.startswith("SyncError: the sampler is not the learner")
        else:
            assert row.found, row
            assert all(math.isfinite(float(value)) for value in row.found.values())
    kinds = {frozenset(row.found) for row in rows}
    for keys in ({"s", "free_gib"}, {"tokens_per_s", "ms_per_step", "s"}, {"handed_over_s", "spoken_s"}):
        assert frozenset(keys) in kinds


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_two_sections_on_a_gpu(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    assert main(Options(sections=("env", "parity"), out=out)) == 0
    found = json.loads(out.read_text())
    assert "card" in found["machine"]
    assert rows_of(found, "env", what="settings after load_model")[0]["cudnn_attention"] is False
    assert rows_of(found, "parity", what="memory runs out, made believe")[0]["begun_in_vain"] == 1


def test_the_tests_that_run_on_the_card_exist() -> None:
    assert [name for name in (*FILES, *FILES_DRY) if not (ROOT / f"tests/agents/{name}.py").is_file()] == []
