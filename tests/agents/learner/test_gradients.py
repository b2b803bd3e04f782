from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from agents.algorithms.table import find_algorithm
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.learner import LearnerConfig
from agents.hardware.machine import use_short_cuts
from agents.kernels.embedding_gradients import send_gradient
from agents.learner.learner import Learner
from selfplay_envs import Reply
from tests.helpers.toys import build_model

CONFIG = LearnerConfig(micro_batch_tokens=24, lr=1e-3)


def batch_of(messages: int = 9) -> TokenBatch:
    rng = torch.Generator().manual_seed(4)
    samples: list[Sample] = []
    for message in range(messages):
        prompt, size = message // 3, 2 + message % 4
        ids = tuple(torch.randint(4, 20, (size,), generator=rng).tolist())
        reply = Reply(text="x", prompt_ids=(4, 5 + prompt, 6), token_ids=ids, logprobs=(-2.0,) * size)
        tag = Tag(role="solver", task_type="", prompt_id=str(prompt), episode=message, message=0)
        samples.append(Sample(reply, float(message % 3), tag))
    return collate(samples)


def learner(workers: int, config: LearnerConfig = CONFIG) -> Learner:
    model = build_model()
    use_short_cuts(model, f"onednn=0,blocks=0,attention=0,tables=0,threads=1,workers={workers}")
    return Learner(model, config)


def gradient(own: Learner, row: str = "trr++") -> tuple[dict[str, float], dict[str, Tensor]]:
    """Metrics of an update, and the gradient that it stepped along."""
    found: dict[str, Tensor] = {}
    step = own.optimizer.step

    def note(*args: object) -> None:
        found.update({name: p.grad.clone() for name, p in own.trainable.items() if p.grad is not None})
        step()

    own.optimizer.step = note  # type: ignore[method-assign]
    return own.update(batch_of(), find_algorithm(row)), found


@pytest.mark.parametrize("row", ["trr++", "ppo", "dpo"])
@pytest.mark.parametrize("workers", [2, 3, 40])
def test_micro_batches_side_by_side_have_the_gradient_of_one_after_the_other(row: str, workers: int) -> None:
    expected, one = gradient(learner(1), row)
    found, several = gradient(learner(workers), row)
    assert set(several) == set(one)
    for name, grad in one.items():
        torch.testing.assert_close(several[name], grad, atol=1e-6, rtol=1e-5)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-7), name


def test_sums_of_gradients_are_added_in_the_order_of_the_workers() -> None:
    assert len(learner(2).scorer.parts(batch_of(), CONFIG.micro_batch_tokens)) > 2
    again = [gradient(learner(2))[1] for _ in range(3)]
    for name in again[0]:
        assert all(torch.equal(one[name], again[0][name]) for one in again)
    alone = gradient(learner(1))[1]
    assert any(not torch.equal(again[0][name], alone[name]) for name in alone)  # another order of sums, other bits


def test_metrics_that_are_added_up_are_the_same_bits_for_any_number_of_workers() -> None:
    one, two = (gradient(learner(workers))[0] for workers in (1, 2))
    for name in ("loss", "entropy", "approx_kl", "ratio_max", "tokens", "padding_waste"):
        assert one[name] == two[name]


def test_an_error_in_a_worker_is_raised_and_leaves_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    own = learner(2)
    before = {name: p.detach().clone() for name, p in own.trainable.items()}
    calls: list[int] = []

    def heed() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    own.heed = heed
    with pytest.raises(KeyboardInterrupt):
        own.update(batch_of(), find_algorithm("trr++"))
    assert all(p.grad is None and torch.equal(p, before[name]) for name, p in own.trainable.items())


def test_what_does_not_add_up_by_autograd_alone_is_learned_one_after_the_other() -> None:
    assert learner(2).scorer.weights_side_by_side()
    assert not learner(1).scorer.weights_side_by_side()
    assert not learner(2, replace(CONFIG, dtype="bfloat16")).scorer.weights_side_by_side()
    assert learner(2, replace(CONFIG, lora_rank=2)).scorer.workers == 1
    assert learner(2, replace(CONFIG, gradient_checkpointing=True)).scorer.workers == 1
    direct = learner(2)
    table: Tensor = direct.model.get_input_embeddings().weight  # type: ignore[assignment]
    send_gradient(table, torch.nn.Parameter(table.detach().clone()))
    assert not direct.scorer.weights_side_by_side()


def test_bfloat16_learns_the_same_with_any_number_of_workers(model: PreTrainedModel) -> None:
    config = replace(CONFIG, dtype="bfloat16")
    one, two = (gradient(learner(workers, config))[1] for workers in (1, 2))
    assert all(torch.equal(grad, two[name]) for name, grad in one.items())
