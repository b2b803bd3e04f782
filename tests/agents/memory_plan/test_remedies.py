"""What to change where a run does not fit: typed behind its preset it fits, and nothing less does."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from agents.arguments.run_config import plan_run
from agents.config.presets import PRESETS, find_preset
from agents.config.run import TrainConfig
from agents.config.sampler import with_options
from agents.memory_plan.cards import CARDS, Card, demand_of, fit_on, highest_share
from agents.memory_plan.remedies import FAR_TOO_MUCH, find_remedy, memory_notice
from agents.training.checks import check_run

LARGER_SHARE = "vllm:dtype=bfloat16,max_model_len=4096,sleep=1,gpu_memory_utilization=0.7"
STARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(PRESETS, ()),
    "lsp-3b, rules": ("--judge", "rules", "--sampler", LARGER_SHARE),
    "lsp-3b, all weights": ("--learner.lora-rank", "0", "--judge", "rules"),
    "lsp-3b, float32": ("--learner.lora-rank", "0", "--learner.dtype", "float32", "--learner.no-gradient-checkpointing"),
    "azr-8b, awake": ("--sampler", "vllm:dtype=bfloat16,max_model_len=14240,gpu_memory_utilization=0.9"),
    "azr-smollm2, larger": ("--model", "Qwen/Qwen3-8B-Base"),
    "azr-smollm2, copied": ("--model", "Qwen/Qwen3-4B-Base", "--sampler", "transformers:copy,max_rows=200"),
    "azr-1.5b, flag": ("--sampler", "vllm:dtype=bfloat16,max_model_len=6144,sleep,gpu_memory_utilization=0.9"),
    "azr-8b, decoded here": ("--sampler", "transformers"),
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("start", sorted(STARTS))
def test_what_is_to_be_typed_makes_a_run_fit_and_nothing_of_it_can_be_left_out(start: str, card: Card):
    typed = [start.partition(",")[0], *STARTS[start]]
    config = plan_run(typed).config
    parts = check_run(config, read_tasks=False)
    if fit_on(demand_of(config), card).fits:
        return
    remedy = find_remedy(config, card, parts)
    assert remedy is not None
    flags = shlex.split(remedy.flags)
    changed = plan_run([*typed, *flags]).config
    assert changed == remedy.config
    assert fit_on(demand_of(changed), card) == remedy.fit
    assert remedy.fit.fits
    assert remedy.smaller_model == (changed.model != config.model)
    for left_out in _groups(flags):
        if left_out[0] == "--sampling.max-new-tokens" and "max_model_len" in remedy.flags:
            continue  # the engine's limit decides, and replies are to be as long as that allows
        less = plan_run([*typed, *(one for group in _groups(flags) if group != left_out for one in group)]).config
        assert not fit_on(demand_of(less), card).fits


def _groups(flags: list[str]) -> list[list[str]]:
    """Every flag with its value."""
    groups: list[list[str]] = []
    for one in flags:
        if one.startswith("--"):
            groups.append([])
        groups[-1].append(one)
    return groups


def changes(start: str, card: int) -> str:
    config = plan_run([start.partition(",")[0], *STARTS[start]]).config
    remedy = find_remedy(config, CARDS[card], check_run(config, read_tasks=False))
    assert remedy is not None
    return remedy.flags


def test_cheap_changes_come_before_those_that_change_what_is_learned():
    assert changes("lsp-3b, rules", 0) == "--sampler vllm:dtype=bfloat16,max_model_len=4096,sleep=1,gpu_memory_utilization=0.6"
    assert changes("lsp-3b, all weights", 1) == "--learner.lora-rank 32"
    assert "--model Qwen/Qwen3-4B-Base" in changes("azr-8b", 0)
    assert "sleep=1" in changes("azr-8b, awake", 1)
    assert changes("azr-8b, decoded here", 2) == "--max-rows 16"


def test_options_without_a_value_stay():
    flags = "--sampler vllm:dtype=bfloat16,max_model_len=6144,sleep,gpu_memory_utilization=0.75"
    assert changes("azr-1.5b, flag", 0) == flags
    assert changes("azr-smollm2, copied", 0).endswith("--max-rows 16 --sampler transformers:copy")


def test_a_run_that_fits_nowhere_has_no_remedy():
    config = find_preset("azr-8b")
    assert find_remedy(config, Card("2 GB", 2.0), check_run(config, read_tasks=False)) is None
    assert highest_share(demand_of(config), Card("2 GB", 2.0)) == 0


def test_a_smaller_model_is_of_the_same_kind_where_one_fits():
    config = replace(find_preset("lsp-3b"), max_rows=64, judge="rules")
    remedy = find_remedy(config, Card("10 GB", 10.0), check_run(config, read_tasks=False))
    assert remedy is not None
    assert remedy.config.model == "meta-llama/Llama-3.2-1B-Instruct"
    coder = replace(find_preset("azr-8b"), model="Qwen/Qwen2.5-Coder-7B")
    remedy = find_remedy(coder, CARDS[0], check_run(coder, read_tasks=False))
    assert remedy is not None
    assert remedy.config.model == "Qwen/Qwen2.5-Coder-3B"  # and not Qwen3-4B, which is larger and would fit too


def noticed(config: TrainConfig, gib: float) -> str:
    return memory_notice(config, check_run(config, read_tasks=False), Card("here", gib))


def test_a_run_that_is_far_too_large_is_noticed_with_what_would_fit():
    azr = find_preset("azr-8b")
    assert noticed(azr, 22.0) == (
        "About 32.5 GiB of GPU memory are needed and 22.0 are here, so this run is going to fail; with --model "
        "Qwen/Qwen3-4B-Base --max-rows 256 --sampling.max-new-tokens 4048 --sampler vllm:dtype=bfloat16,max_model_len=7120,"
        "sleep=1,gpu_memory_utilization=0.5 it would fit (selfplay doctor --preset says why)."
    )
    assert noticed(azr, 2.0).endswith("choose a smaller --model (selfplay doctor --preset says why).")
    assert noticed(azr, 79.1) == ""
    small = find_preset("azr-1.5b")
    assert noticed(small, 22.0) == ""
    starved = replace(small, sampler=with_options(small.sampler, {"gpu_memory_utilization": "0.2"}))
    assert "the engine has room for keys and values of 0 tokens, and a message may have 6,144" in noticed(starved, 22.0)


def test_only_what_lies_there_all_the_time_makes_a_run_fail_for_certain():
    """A micro-batch that does not fit is halved, and few replies are as long as they may be."""
    small = find_preset("azr-1.5b")
    wide = replace(small, learner=replace(small.learner, micro_batch_tokens=131_072))
    assert "so this run may fail; with --learner.micro-batch-tokens" in noticed(wide, 22.0)
    assert "so this run may fail; with --max-rows" in noticed(replace(small, sampler="transformers"), 22.0)
    full = replace(small, learner=replace(small.learner, lora_rank=0))
    assert "so this run is going to fail; with --learner.lora-rank 32" in noticed(full, 22.0)


def test_a_run_that_is_only_tight_or_unknown_is_not_noticed():
    tight = find_preset("azr-8b")
    fit = fit_on(demand_of(tight), Card("here", 44.3))
    assert fit.room < fit.playing < FAR_TOO_MUCH * 44.3 * 2**30
    assert noticed(tight, 44.3) == ""
    assert noticed(replace(tight, model="someone/else"), 2.0) == ""
