"""Examples are documentation: each runs in its fast mode, and the README's Python blocks run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def ran(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-m", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_add_a_game_plays_and_conforms():
    assert "('setter', 0, 0): 0.5" in ran("examples.add_a_game")
    checked = ran("examples.add_a_game", "--check")
    assert "FAIL" not in checked
    assert "pettingzoo_check" in checked


def test_plain_gymnasium_code_learns_a_single_role():
    from examples.single_role import main

    first, last = main(2_000)
    # 100 hands have a standard error of about 0.13 chips, 500 of 0.06; untrained play earns about -0.3, the best reply 0.5
    assert last > first + 0.3


def test_the_step_api_is_enough_to_learn():
    from examples.step_api import main

    first, last = main(8)
    assert last > first + 0.15


@pytest.mark.parametrize(
    "module", ["examples.step_api", "examples.train_tiny_model", "examples.add_an_algorithm", "examples.own_parts"]
)
def test_fast_modes_run(module):
    ran(module, "--fast")


def test_an_algorithm_of_ones_own_is_under_forty_lines_and_keeps_to_reinforce_on_policy():
    import inspect

    import torch

    from examples import add_an_algorithm

    source = inspect.getsource(add_an_algorithm).partition("def main")[0].partition("def soft_gate")[2]
    assert len(source.splitlines()) < 40
    logprobs = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    loss = add_an_algorithm.SAPO.losses(
        logprobs, logprobs.detach(), torch.tensor([[2.0, -0.5]]), torch.ones(1, 2, dtype=torch.bool), 4.0
    )
    loss.backward()
    assert logprobs.grad.tolist() == [[-0.5, 0.125]]


def test_parts_of_ones_own_are_found_by_name_and_pay_what_they_say():
    import torch

    from agents import find_algorithm, find_preset
    from selfplay_envs import JudgeItem, Message
    from selfplay_envs.judges.registry import open_judge
    from selfplay_envs.rewards.learnability import SolveStats, find_learnability

    config = find_preset("examples.own_parts:own_run")
    item = JudgeItem(messages=(Message("user", "?"),), answers=("the red", "no e", "x"))
    assert open_judge(config.judge).score([item])[0].values == (2.0, 1.0, 0.0)
    reward = find_learnability(config.games[1].kwargs["learnability"])
    assert [round(reward(SolveStats(solved, 10)), 9) for solved in (0, 5, 7, 10)] == [0.0, 0.8, 1.0, 0.0]
    returns_B, group_B = torch.tensor([1.0, 2.0, 9.0, 4.0]), torch.tensor([0, 0, 0, 1])
    row = find_algorithm(config.algorithm)
    assert row.advantage(returns_B, group_B, torch.ones(4, 1, dtype=torch.bool)).T.tolist() == [[-1.0, 0.0, 7.0, 0.0]]


def test_the_readme_runs_as_it_stands(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```\n", (ROOT / "README.md").read_text(), flags=re.S | re.M)
    assert len(blocks) >= 2
    program = "\n".join(blocks)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "solver True ok" in done.stdout
    assert done.stdout.endswith("\nright\n")


def test_every_file_that_the_readme_names_exists():
    text = (ROOT / "README.md").read_text()
    for name in set(re.findall(r"`((?:examples|agents|sandboxes|selfplay_envs|tests)/[\w/]+\.(?:py|md))", text)):
        assert (ROOT / name).is_file(), name
