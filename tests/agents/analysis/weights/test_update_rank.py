from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.analysis.weights.pairing import Shared, pair
from agents.analysis.weights.sources import MemoryTensor
from agents.analysis.weights.update_rank import choose, measure_ranks, ranks, singular_values
from tests.helpers.checkpoints import in_memory, random_tensors

Q = "layers.0.self_attn.q_proj.weight"


def update(change: torch.Tensor) -> Shared:
    return Shared(Q, (MemoryTensor(torch.zeros_like(change)), MemoryTensor(change)))


def of_rank(rows: int, columns: int, rank: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(rows, rank, generator=rng) @ torch.randn(rank, columns, generator=rng)


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (50, 50), (1, 30), (30, 1)])
def test_the_rank_of_a_low_rank_update_is_found(shape: tuple[int, int]) -> None:
    rank = min(3, *shape)
    change = of_rank(*shape, rank)
    values = singular_values(update(change))
    assert ranks(values, shape)[:2] == (rank, rank)
    wanted = torch.linalg.svdvals(change.double())
    np.testing.assert_allclose(values[::-1][:rank], wanted[:rank].numpy(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(700, 1500), (1500, 700)])
def test_many_slices_give_the_singular_values_of_torch(shape: tuple[int, int]) -> None:
    change = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = singular_values(update(change))
    np.testing.assert_allclose(values[::-1], torch.linalg.svdvals(change.double()).numpy(), rtol=1e-5)
    assert ranks(values, shape)[0] == 700


def test_ranks_by_hand() -> None:
    """Singular values 4, 4 and 0.02, of which the last is above eps and below 1 % of the largest."""
    numerical, noticeable, effective, stable = ranks(np.array([0.02, 4.0, 4.0, 0.0]), (4, 9))
    assert (numerical, noticeable) == (3, 2)
    part = np.array([0.02, 4, 4]) / 8.02
    assert effective == pytest.approx(np.exp(-(part * np.log(part)).sum()))
    assert stable == pytest.approx((16 + 16 + 0.0004) / 16)


def test_equal_singular_values_have_full_rank_of_every_kind_and_zeros_none() -> None:
    assert ranks(np.full(6, 0.3), (6, 8)) == (6, 6, pytest.approx(6), pytest.approx(6))
    assert ranks(np.zeros(6), (6, 8)) == (0, 0, 0.0, 0.0)


def test_the_numerical_threshold_is_that_of_float32() -> None:
    eps = float(np.finfo(np.float32).eps)
    assert ranks(np.array([1.0, 100 * eps * 1.01, 100 * eps * 0.99]), (3, 100))[0] == 2


def test_rounding_is_an_update_of_full_rank() -> None:
    """As the docstring warns: a rank-2 update stored in bfloat16 is of full numerical rank, its stable rank hardly moves."""
    start = torch.randn(60, 60, generator=torch.Generator().manual_seed(3))
    end = start + 0.01 * of_rank(60, 60, 2)
    exact = measure_ranks(in_memory({Q: start}), in_memory({Q: end})).measured[0]
    rounded = measure_ranks(in_memory({Q: start.bfloat16()}), in_memory({Q: end.bfloat16()})).measured[0]
    assert (exact.noticeable, rounded.numerical) == (2, 60)
    assert rounded.stable == pytest.approx(exact.stable, rel=0.2)


def test_matrices_are_chosen_from_all_types_and_layers() -> None:
    names = [f"layers.{layer}.{name}.weight" for layer in range(20) for name in ("q_proj", "up_proj")] + ["lm_head.weight"]
    checkpoint = in_memory({name: torch.ones(2, 2) for name in names})
    shared = pair([checkpoint, checkpoint]).shared
    chosen = [one.name for one in choose(shared, 7)]
    assert chosen == [
        "layers.0.q_proj.weight",
        "layers.0.up_proj.weight",
        "layers.10.q_proj.weight",
        "layers.10.up_proj.weight",
        "layers.19.q_proj.weight",
        "layers.19.up_proj.weight",
        "lm_head.weight",
    ]
    assert len(choose(shared, 41)) == len(choose(shared, 99)) == 41
    assert len({one.name for one in choose(shared, 23)}) == 23
    assert len(choose(shared, 1)) == 1


def test_a_model_with_a_cap_on_size_and_number() -> None:
    seen: list[tuple[int, int]] = []
    start, end = in_memory(random_tensors(0)), in_memory(random_tensors(1))
    found = measure_ranks(start, end, most=3, side=6, on_matrix=lambda done, of: seen.append((done, of)))
    assert found.matrices == 5
    assert found.too_large == ()
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert {one.kind for one in found.measured} == {"embedding", "q", "down"}
    assert all(one.full == 6 and one.numerical == 6 for one in found.measured)
    none = measure_ranks(start, end, side=5)
    assert none.measured == ()
    assert none.too_large == tuple(one.name for one in pair([start, end]).shared if len(one.shape) == 2)


def test_experts_stored_as_one_are_listed() -> None:
    experts = "layers.0.mlp.experts.down_proj"
    start, end = (in_memory({Q: scale * torch.ones(2, 2), experts: scale * torch.ones(3, 2, 2)}) for scale in (1, 2))
    found = measure_ranks(start, end)
    assert (found.matrices, [one.name for one in found.measured], found.stacked) == (1, [Q], (experts,))


def test_an_update_that_is_no_number_is_one_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"q_proj\.weight holds weights that are infinite or no number; its update has no rank\.$"
    ):
        singular_values(update(torch.tensor([[float("nan"), 1.0]])))
