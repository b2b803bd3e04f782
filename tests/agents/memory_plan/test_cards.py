"""Runs on cards: the arithmetic by hand, and the presets' own."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from agents.config.presets import find_preset
from agents.config.run import TrainConfig
from agents.memory_plan.cards import (
    ASLEEP_BYTES,
    CARDS,
    GIB,
    Card,
    card_here,
    decoding_bytes,
    demand_of,
    engine_floor,
    fit_on,
    highest_share,
    with_share,
)
from agents.samplers.vllm.memory_share import SHARE, SHARE_WITH_SLEEP

AZR, SMALL = find_preset("azr-8b"), find_preset("azr-1.5b")
LSP = replace(find_preset("lsp-3b"), judge="rules")  # without its reward model, of which test_judge.py tells
FULL = replace(LSP, learner=replace(LSP.learner, lora_rank=0))
OLD = {card.name: card for card in CARDS}


def gib(size: int) -> float:
    return round(size / GIB, 1)


def test_large_presets_rest_and_peak_where_the_arithmetic_says():
    azr, lsp, full = (demand_of(one).learner for one in (AZR, LSP, FULL))
    assert [gib(size) for size in (azr.weights, azr.masters, azr.adam, azr.copies)] == [15.3, 0.3, 0.7, 0.0]
    assert [gib(size) for size in (lsp.weights, lsp.masters, lsp.adam, lsp.copies)] == [6.0, 0.2, 0.4, 0.0]
    assert [gib(size) for size in (full.weights, full.masters, full.adam, full.copies)] == [6.0, 12.0, 23.9, 6.0]
    assert [gib(one.resident) for one in (azr, lsp, full)] == [17.1, 7.3, 48.6]
    assert azr.kept == 36 * 16_384 * 4_096 * 2  # the inputs of the layers, which alone are kept
    assert all(5 < gib(one.update) < 25 for one in (azr, lsp, full))


def test_a_run_of_one_and_a_half_billion_weights_fits_a_card_of_24_gb_and_one_of_eight_does_not():
    assert fit_on(demand_of(SMALL), OLD["24 GB"]).fits
    assert not fit_on(demand_of(AZR), OLD["24 GB"]).fits
    assert fit_on(demand_of(AZR), OLD["80 GB"]).fits
    assert fit_on(demand_of(LSP), OLD["48 GB"]).fits
    assert not fit_on(demand_of(FULL), OLD["48 GB"]).fits


def test_the_engine_lies_beside_what_rests_and_sleeps_beside_the_peak():
    demand, card = demand_of(AZR), Card("card", 80.0)
    fit, taken = fit_on(demand, card), int(0.7 * 80 * GIB)
    assert (fit.engine, fit.playing, fit.updating) == (
        taken,
        demand.learner.resident + taken,
        demand.learner.peak + ASLEEP_BYTES,
    )
    assert fit.cache_tokens == (taken - engine_floor(demand, card)) // 147_456
    assert fit.cache_wanted == 14_240
    awake = fit_on(demand_of(replace(AZR, sampler="vllm:dtype=bfloat16,max_model_len=14240")), card)
    assert awake.engine == int(SHARE * 80 * GIB)
    assert awake.updating == demand.learner.peak + awake.engine
    sleeper = demand_of(replace(AZR, sampler="vllm:sleep=1"))
    assert sleeper.engine is not None
    assert (sleeper.engine.share, sleeper.engine.longest) == (SHARE_WITH_SLEEP, 32_768)
    fixed = fit_on(demand_of(replace(AZR, sampler="vllm:sleep=1,kv_cache_gib=9,max_model_len=14240")), card)
    assert fixed.cache_tokens == 9 * GIB // 147_456
    assert fixed.engine == 9 * GIB + engine_floor(demand, card)


def test_the_highest_share_is_the_last_that_fits():
    for config in (AZR, LSP, SMALL):
        demand = demand_of(config)
        for card in CARDS[1:]:
            share = highest_share(demand, card)
            assert fit_on(with_share(demand, share), card).fits
            assert not fit_on(with_share(demand, share + 0.05), card).fits
    assert highest_share(demand_of(AZR), CARDS[0]) == 0
    assert highest_share(demand_of(FULL), OLD["80 GB"]) < 0.35


def test_copies_are_counted_where_a_run_makes_them():
    def copies(config: TrainConfig) -> int:
        return demand_of(config).load.copies

    azr = replace(AZR, learner=replace(AZR.learner, lora_rank=0))
    assert (copies(azr), copies(FULL), copies(LSP)) == (0, 1, 0)
    assert copies(replace(azr, schedule="frozen:proposer")) == 1
    assert copies(replace(AZR, schedule="frozen:proposer")) == 0  # adapters are switched off
    assert copies(replace(azr, sampler="transformers", staleness=1)) == 1
    assert copies(replace(azr, sampler="transformers:copy=1")) == 1
    assert demand_of(replace(AZR, learner=replace(AZR.learner, adapters="per-role"))).load.adapters == 2


def test_replies_that_the_learner_s_process_decodes_are_counted_there():
    local = demand_of(replace(AZR, sampler="transformers", max_rows=100))
    each = (8_096 + 1_024) * 147_456 + (4 + 2) * 151_936
    assert decoding_bytes(local) == 100 * each
    assert fit_on(local, OLD["80 GB"]).playing == local.learner.resident + 100 * each
    assert fit_on(local, OLD["80 GB"]).updating == local.learner.peak
    judged = demand_of(FULL)  # its frozen judge samples there: 8 panels of 8
    assert judged.rows == 64
    assert demand_of(replace(FULL, max_rows=16, sampler=f"{FULL.sampler},max_rows=8")).rows == 16  # its own are the run's
    assert demand_of(LSP).rows == 0


def test_a_learner_on_a_card_of_its_own_does_not_share_it_with_the_engine():
    beside = demand_of(replace(AZR, device="cuda:1"))
    fit = fit_on(beside, OLD["48 GB"])
    assert fit.playing == fit.engine == int(0.7 * 44.3 * GIB)
    assert fit.updating == beside.learner.peak
    assert fit.fits
    assert not fit_on(demand_of(replace(AZR, device="cuda:0")), OLD["48 GB"]).fits


def test_the_card_here_is_the_one_that_the_run_would_take(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert card_here("auto") is None
    sizes = {"cuda": 24 * GIB, "cuda:1": 48 * GIB}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    calls: list[str] = []
    monkeypatch.setattr("agents.hardware.memory.take_memory_in_segments", calls.append)

    def properties(device: torch.device) -> SimpleNamespace:
        calls.append("asked")
        return SimpleNamespace(total_memory=sizes[str(device)])

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    assert card_here("auto") == Card("here", 24.0)
    assert calls == ["cuda", "asked"]  # the allocator's settings are read as the device wakes
    assert card_here("cuda:1") == Card("here", 48.0)
    assert card_here("cpu") is None


@pytest.mark.parametrize("name", ["cuda:7", "cuda:x"])
def test_a_card_that_is_not_here_is_none(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("agents.hardware.memory.take_memory_in_segments", lambda device: None)
    assert card_here(name) is None
