from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from agents.advantages import centre
from agents.algorithm import Algorithm
from agents.algorithms import ALGORITHMS, find_algorithm
from agents.losses import clipped_surrogate
from agents.objective import Objective
from tests.agents.golden_batch import golden_batch, row_of

OWN = Algorithm(name="own", advantage=centre, loss=clipped_surrogate, group_by="prompt", defaults={"clip_low": 0.1})


def test_a_setting_goes_to_the_function_that_names_it() -> None:
    row = row_of("reinforce++", {"statistics": "sequence", "clip_high": 0.5, "kl_coef": 0.1})
    assert row.defaults == {"statistics": "sequence", "clip_low": 0.2, "clip_high": 0.5}
    assert row.objective == Objective(kl_coef=0.1)
    assert ALGORITHMS["reinforce++"].defaults["statistics"] == "token"
    logprobs, ones = torch.tensor([[1.0]]), torch.ones(1, 1)
    # ratio e, cut at 1.5
    assert row.losses(logprobs, torch.zeros(1, 1), ones, ones.bool(), 1.0).item() == -1.5


def test_texts_become_what_the_setting_is() -> None:
    row = row_of("ppo", {"gae_lambda": "0.5", "whitened": "false", "value_coef": "2", "aggregate": "message"})
    assert row.defaults["gae_lambda"] == 0.5
    assert row.defaults["whitened"] is False
    assert row.objective.value_coef == 2.0
    assert row.objective.aggregate == "message"


def test_groups_can_be_chosen() -> None:
    by_role = row_of("grpo", {"group_by": "role"})
    # solver: 1 -0.5 0.25 0.5 0.5: mean 0.35, standard deviation sqrt 0.3
    found = by_role.advantages(golden_batch())[2:, -1]
    expected = (torch.tensor([1.0, -0.5, 0.25, 0.5, 0.5]) - 0.35) / (0.3**0.5 + 1e-4)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"clip": 0.1},
            "options 'clip' is no setting of algorithm='grpo'; choose among clip_low, clip_high, group_by, aggregate",
        ),
        ({"statistics": "token"}, "options 'statistics' is no setting of algorithm='grpo'"),
        ({"clip_low": "wide"}, "options clip_low='wide' is not a number, such as 0.2"),
        ({"aggregate": 3.0}, "options aggregate=3.0 is not like 'sequence'"),
        ({"group_by": "colour"}, "group_by='colour' is not known"),
        ({"kl_coef": -1.0}, "kl_coef=-1.0 is negative"),
    ],
)
def test_settings_that_do_not_fit(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        row_of("grpo", options)  # type: ignore[arg-type]


def test_a_default_must_have_a_home() -> None:
    with pytest.raises(
        ValueError, match=r"Algorithm\.defaults has 'beta', which neither the advantage nor the loss of 'own' takes"
    ):
        replace(OWN, defaults={"beta": 0.1})


def test_a_reference_is_wanted_by_the_loss_or_by_a_kl_term() -> None:
    wanting = {name for name, row in ALGORITHMS.items() if row.wants_reference}
    assert wanting == {"dpo", "lsp", "lsp-zero"}
    assert OWN.configured({"kl_coef": 0.1}).wants_reference


def test_one_role_alone_stops_the_row_and_siblings_of_another_do_not_help() -> None:
    batch = golden_batch()
    tags = tuple(replace(tag, prompt_id=str(i)) if tag.role == "proposer" else tag for i, tag in enumerate(batch.tags))
    alone = replace(batch, tags=tags)
    with pytest.raises(ValueError, match="compares messages of one prompt, but every message of proposer/x is alone"):
        ALGORITHMS["rloo"].check_siblings(alone)
    ALGORITHMS["reinforce"].check_siblings(alone)
    ALGORITHMS["grpo"].configured({"group_by": "role+task_type"}).check_siblings(alone)


def test_a_row_of_ones_own_is_found_in_its_module() -> None:
    assert find_algorithm("tests.agents.test_algorithm:OWN").name == "own"
    with pytest.raises(ValueError, match="No module named 'nowhere'; the part before the colon"):
        find_algorithm("nowhere:OWN")
    with pytest.raises(ValueError, match="names no Algorithm; assign one to 'batch'"):
        find_algorithm("tests.agents.golden_batch:batch")


@pytest.mark.parametrize("options", [{"group_by": "batch"}, {"tis_cap": 2.0}, {"entropy_share": 0.2}, {"covariance": "clip"}])
def test_pairs_refuse_what_has_no_meaning_for_them(options: dict[str, str | float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ALGORITHMS["dpo"].configured(options)


def test_what_a_module_of_ones_own_does_wrong_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_broken.py").write_text("def f(:\n")
    (tmp_path / "own_failing.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(ValueError, match=r"a module is named without a path; write own_broken:ROW\."):
        find_algorithm("./own_broken.py:ROW")
    with pytest.raises(ValueError, match=r"'own_broken:ROW': SyntaxError: .*own_broken.py, line 1"):
        find_algorithm("own_broken:ROW")
    with pytest.raises(ValueError, match=r"own_failing.py line 2: ZeroDivisionError: division by zero; mend that module"):
        find_algorithm("own_failing:ROW")


def test_functions_of_ones_own_are_told_what_is_wanted_of_them() -> None:
    row = ALGORITHMS["reinforce"]
    with pytest.raises(
        ValueError, match=r"Algorithm.advantage of 'reinforce' must take \(returns_B, group_B, mask_BT\): too many"
    ):
        replace(row, needs=frozenset(), advantage=lambda returns_B, mask_BT: mask_BT)
    with pytest.raises(ValueError, match=r"Algorithm.loss of 'reinforce' must take \(logprobs_BT, old_BT"):
        replace(row, loss=lambda logprobs_BT: logprobs_BT.sum())
    flat = replace(row, needs=frozenset(), advantage=lambda returns_B, group_B, mask_BT: returns_B)
    batch = golden_batch()
    with pytest.raises(
        ValueError, match=r"its advantage has the shape \(7,\) where \(messages, tokens\) = \(7, 5\) is wanted; .*on_tokens"
    ):
        flat.advantages(batch)
    spread = replace(row, loss=lambda logprobs_BT, old_BT, advantage_BT, mask_BT, denominator: logprobs_BT)
    with pytest.raises(ValueError, match=r"its loss has the shape \(2, 3\); return one number"):
        spread.losses(*(torch.zeros(2, 3) for _ in range(4)), 1.0)
