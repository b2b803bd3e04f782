from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from agents.analysis.weights.checkpoint import open_checkpoint
from agents.analysis.weights.sparsity import OUTSIDE, check_tolerances, measure_sparsity
from tests.helpers.checkpoints import in_memory, random_tensors, write_bin, write_safetensors

ROOT = Path(__file__).parents[4]
Q, DOWN, NORM = "layers.0.self_attn.q_proj.weight", "layers.1.mlp.down_proj.weight", "layers.0.input_layernorm.weight"


def masked(dtype: torch.dtype) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Start, end, and the mask of weights that differ: by a whole last place of their precision."""
    rng = torch.Generator().manual_seed(5)
    start = {name: tensor.to(dtype) for name, tensor in random_tensors(prefix="").items()}
    masks = {name: torch.rand(tensor.shape, generator=rng) < 0.3 for name, tensor in start.items()}
    bits = torch.int16 if dtype == torch.bfloat16 else torch.int32
    end = {name: (tensor.view(bits) + masks[name].to(bits)).view(dtype) for name, tensor in start.items()}
    return start, end, masks


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("write", [write_safetensors, write_bin])
@pytest.mark.parametrize("shards", [1, 2])
def test_a_known_mask_is_found_to_the_weight(tmp_path: Path, dtype: torch.dtype, write: type, shards: int) -> None:
    start, end, masks = masked(dtype)
    folders = [write(tmp_path / name, tensors, shards) for name, tensors in (("start", start), ("end", end))]
    found = measure_sparsity(*(open_checkpoint(str(folder)) for folder in folders), slice_weights=17)
    changed = {name: int(mask.sum()) for name, mask in masks.items()}
    total = sum(mask.numel() for mask in masks.values())
    assert {one.name: one.changes.weights - one.changes.unchanged_float32[0] for one in found.tensors} == changed
    assert found.whole.changes.weights == total
    assert found.whole.changes.float32_share() == 1 - sum(changed.values()) / total
    if dtype == torch.bfloat16:
        assert found.whole.changes.unchanged_bfloat16 == found.whole.changes.unchanged_float32
    else:  # a last place of float32 is lost in bfloat16 but where it crosses a tie
        assert found.whole.changes.bfloat16_share() > 0.99
    assert found.precisions == (str(dtype).removeprefix("torch."),) * 2


def test_groups_are_weighted_by_weights_and_the_mean_is_not() -> None:
    start = {name: torch.zeros(shape) for name, shape in ((Q, (2, 2)), (DOWN, (2, 6)), (NORM, (4,)), ("norm.weight", (4,)))}
    end = {name: tensor.clone() for name, tensor in start.items()}
    end[Q].view(-1)[:3] = 1.0
    end[DOWN].view(-1)[:3] = 2.0
    end[NORM][:] = 1.0
    found = measure_sparsity(in_memory(start), in_memory(end))
    assert found.whole.changes.unchanged_float32[0] == 24 - 10
    assert found.whole.matrix_mean_float32[0] == found.whole.matrix_mean_bfloat16[0] == pytest.approx((1 / 4 + 9 / 12) / 2)
    assert {one.name: (one.tensors, one.changes.weights, one.changes.unchanged_float32[0]) for one in found.layers} == {
        "layer 0": (2, 8, 1),
        "layer 1": (1, 12, 9),
        OUTSIDE: (1, 4, 4),
    }
    assert {one.name: one.changes.float32_share() for one in found.kinds} == {"q": 0.25, "down": 0.75, "norm": 0.5}
    assert [one.name for one in found.layers] == ["layer 0", "layer 1", OUTSIDE]
    assert found.whole.changes.rms == pytest.approx(((3 + 12 + 4) / 24) ** 0.5)
    assert found.kinds[2].matrix_mean_float32 == ()


def test_a_group_s_tenth_is_of_its_own_rms() -> None:
    """Layer 0 moves by 1, layer 1 by 0.01: within its layer nothing is small, over both layers all of layer 1 is."""
    start = {Q: torch.zeros(3, 3), DOWN: torch.zeros(3, 3)}
    found = measure_sparsity(in_memory(start), in_memory({Q: torch.ones(3, 3), DOWN: torch.full((3, 3), 0.01)}))
    assert [one.changes.below_tenth for one in found.layers] == [0, 0]
    assert found.whole.changes.below_tenth == 9


def test_a_checkpoint_and_itself() -> None:
    same = in_memory(random_tensors())
    found = measure_sparsity(same, same)
    assert found.whole.changes.float32_share() == found.whole.changes.bfloat16_share() == 1
    assert found.whole.changes.rms == found.whole.changes.below_tenth == 0


@pytest.mark.parametrize("dtypes", [(torch.float32, torch.bfloat16), (torch.float16, torch.float64)])
def test_checkpoints_of_two_precisions(dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    """Rounding to bfloat16 is a change in float32 and none in bfloat16; float16 and float64 of one number are the same."""
    tensors = {name: tensor.half() for name, tensor in random_tensors().items()}
    start, end = (in_memory({name: tensor.to(dtype) for name, tensor in tensors.items()}) for dtype in dtypes)
    changes = measure_sparsity(start, end).whole.changes
    assert changes.bfloat16_share() == 1
    assert (changes.float32_share() == 1) is (torch.bfloat16 not in dtypes)


@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_slices_of_any_size_give_the_same_numbers(size: int) -> None:
    start, end = in_memory(random_tensors(0)), in_memory(random_tensors(1))
    whole, cut = measure_sparsity(start, end), measure_sparsity(start, end, slice_weights=size)
    for one, other in zip(whole.tensors, cut.tensors, strict=True):
        assert one.changes.rms == pytest.approx(other.changes.rms, rel=1e-12)
        for field in ("unchanged_float32", "unchanged_bfloat16", "below_last_place", "below_tenth"):
            assert getattr(one.changes, field) == getattr(other.changes, field), (one.name, field)


def test_tolerances_of_one_s_own_and_progress() -> None:
    seen: list[int] = []
    start, end = in_memory({Q: torch.zeros(4)}), in_memory({Q: torch.tensor([0.0, 0.5, 1.0, 2.0])})
    found = measure_sparsity(start, end, tolerances=(0.5, 1.0), slice_weights=3, on_progress=seen.append)
    assert found.whole.changes.unchanged_float32 == (2, 3)
    assert seen == [3, 1]


@pytest.mark.parametrize("tolerances", [(), (0.0, -1e-9), (float("nan"),)])
def test_what_is_no_tolerance_is_refused(tolerances: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"^tolerances=.* must be numbers from 0 on, such as 0 1e-8 1e-5\.$"):
        check_tolerances(tolerances)


MEMORY = """
import sys, resource
import torch
from agents.analysis.weights.checkpoint import open_checkpoint
from agents.analysis.weights.sparsity import measure_sparsity
torch.set_num_threads(1)
measure_sparsity(*(open_checkpoint(sys.argv[1]) for _ in range(2)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
measure_sparsity(*(open_checkpoint(name) for name in sys.argv[2:4]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_checkpoints(tmp_path: Path) -> None:
    """Two tensors of 64 MB, read in slices of 2 MB: the peak is that of a pair that is one slice long, give or take."""
    big, small = {Q: torch.zeros(4096, 4096)}, {Q: torch.zeros(2**19)}
    folders = [write_bin(tmp_path / "small", small), write_safetensors(tmp_path / "a", big), write_bin(tmp_path / "b", big)]
    command = [sys.executable, "-c", MEMORY, *map(str, folders)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    kilobytes = 1 if sys.platform == "linux" else 1 / 1024
    assert int(done.stdout) * kilobytes < 24_000
