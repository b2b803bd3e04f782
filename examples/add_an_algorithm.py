"""An algorithm of your own: a loss and its entry, here SAPO's soft gate instead of a clip.

It then trains like any other, from Python or from the command line:

    python -m examples.add_an_algorithm --fast
    selfplay train lsp-tiny --algorithm examples.add_an_algorithm:SAPO --options tau_down 2
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from agents import Algorithm, Objective, find_preset, train
from agents.algorithms.advantages import standardise
from agents.algorithms.masked import masked_sum


def soft_gate(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, *, tau_up=1.0, tau_down=1.05):
    """L = -sum_t 4 / tau sigmoid(tau (r_t - 1)) A_t / denominator; at r = 1 its gradient is REINFORCE's.

    See: Gao et al., Soft Adaptive Policy Optimization, arXiv 2511.20347.
    """
    ratio_BT = torch.where(mask_BT, logprobs_BT - old_logprobs_BT, 0.0).exp()
    tau_BT = torch.where(advantage_BT > 0, tau_up, tau_down)
    gate_BT = 4 / tau_BT * torch.sigmoid(tau_BT * (ratio_BT - 1))
    return -masked_sum(gate_BT * advantage_BT / denominator, mask_BT)


SAPO = Algorithm(
    name="sapo",
    advantage=standardise,
    loss=soft_gate,
    group_by="prompt",
    needs=frozenset({"siblings"}),
    defaults={"tau_up": 1.0, "tau_down": 1.05},
    objective=Objective(aggregate="sequence"),
    paper="Gao et al., arXiv 2511.20347",
)


def main(steps: int) -> Path:
    """Trains the tiny model with it; returns the last checkpoint."""
    config = replace(find_preset("lsp-tiny"), algorithm="examples.add_an_algorithm:SAPO", steps=steps)
    with tempfile.TemporaryDirectory() as folder:
        return train(config, Path(folder), lambda event: print(event.data["metrics"]["loss"]) if event.kind == "step" else None)


if __name__ == "__main__":
    main(2 if "--fast" in sys.argv else 20)
