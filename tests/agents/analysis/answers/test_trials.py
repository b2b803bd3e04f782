"""Counts of right answers: from rows, over seeds, on the problems that two arms share."""

from __future__ import annotations

import numpy as np
import pytest

from agents.analysis.answers.trials import (
    Count,
    Trials,
    left_out,
    on_common_problems,
    trials_of,
    trials_of_rows,
    unpaired_seeds,
)
from agents.evaluation.result import EvalResult
from selfplay_envs import UsageError


def arm(name: str, problems: dict[str, str], seeds: int = 1) -> Trials:
    """An arm with a right answer of 4 to each problem, whose program is named."""
    counts = {problem: Count(1, 4, 0, program) for problem, program in problems.items()}
    return trials_of(name, {f"seed {seed}": counts for seed in range(seeds)})


def test_rows_of_evaluations_say_right_void_and_programs() -> None:
    correct = {"A": np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 0.0]]), "B": np.array([[0.0, 0.0, 0.0]])}
    row = {"problems": EvalResult(correct, {"A": ["p", "q"], "B": ["p"]}).to_json()}
    trials = trials_of_rows("base", {"seed 1": row, "seed 2": row})
    assert trials.problems == ("A/0", "A/1", "B/0")
    assert trials.programs == ("p", "q", "p")
    assert trials.right_SP.tolist() == [[1, 2, 0]] * 2
    assert trials.counted_SP.tolist() == [[2, 3, 3]] * 2
    assert trials.void_SP.tolist() == [[1, 0, 0]] * 2
    assert (trials.samples, trials.names_programs) == (3, True)
    np.testing.assert_allclose(trials.rates([1, 2])[0], [[1 / 2, 1], [2 / 3, 1], [0, 0]])


def test_rows_of_older_runs_have_no_programs_and_fit_only_sets_of_their_size() -> None:
    old = trials_of_rows("old", {"1": {"problems": {"A": {"right": [1, 0], "samples": 4}}}})
    longer = trials_of_rows("longer", {"1": {"problems": {"A": {"right": [1, 0, 2], "samples": 4}}}})
    assert not old.names_programs
    assert old.programs == old.problems == ("A/0 of 2", "A/1 of 2")
    with pytest.raises(UsageError, match=r"'old' and 'longer' have no problem in common \(such as 'A/0 of 2' and 'A/0 of 3'\)"):
        on_common_problems(old, longer)


def test_an_arm_has_the_problems_that_all_its_seeds_answered() -> None:
    trials = trials_of("arm", {"1": {"x": Count(1, 2), "y": Count(0, 2)}, "2": {"z": Count(0, 3), "y": Count(2, 3)}})
    assert (trials.problems, trials.right_SP.tolist(), trials.samples) == (("y",), [[0], [2]], 2)
    with pytest.raises(UsageError, match="its 2 seeds have no problem in common"):
        trials_of("arm", {"1": {"x": Count(1, 2)}, "2": {"z": Count(0, 3)}})
    with pytest.raises(UsageError, match="problem x is about different programs in its files"):
        trials_of("arm", {"1": {"x": Count(1, 2, 0, "p")}, "2": {"x": Count(0, 3, 0, "q")}})
    with pytest.raises(UsageError, match="arm 'arm' has no answers"):
        trials_of("arm", {})


def test_two_arms_are_compared_on_what_both_have() -> None:
    base, trained = arm("base", {"x": "p", "y": "p", "z": "q"}), arm("rl", {"w": "r", "z": "q", "x": "p"})
    first, second = on_common_problems(base, trained)
    assert first.problems == second.problems == ("x", "z")
    assert first.programs == ("p", "q")
    assert left_out(base, trained) == "base has 3 problems and rl 3: compared on the 2 that both have."
    assert left_out(base, base) == ""


def test_problems_of_one_name_about_other_programs_are_no_pair() -> None:
    with pytest.raises(UsageError, match=r"'base' and 'rl': 1 of 2 problems are about other programs \(y is one\)"):
        on_common_problems(arm("base", {"x": "p", "y": "p"}), arm("rl", {"x": "p", "y": "q"}))


def test_the_arm_that_knows_programs_tells_the_other() -> None:
    silent = arm("rl", {"x": "", "y": ""})
    assert silent.programs == ("x", "y")
    for first, second in (
        on_common_problems(arm("base", {"x": "p", "y": "p"}), silent),
        on_common_problems(silent, arm("base", {"x": "p", "y": "p"})),
    ):
        assert first.programs == second.programs == ("p", "p")
        assert first.names_programs
        assert second.names_programs


def test_some_seeds_and_problems_in_another_order() -> None:
    trials = trials_of("arm", {s: {p: Count(10 * i + j, 99) for j, p in enumerate("xyz")} for i, s in enumerate("abc")})
    chosen = trials.of_seeds(["c", "a"]).of_problems(["z", "x"])
    assert (chosen.seeds, chosen.problems, chosen.right_SP.tolist()) == (("c", "a"), ("z", "x"), [[22, 20], [2, 0]])


def test_problems_that_a_seed_lacks_are_said() -> None:
    count = Count(1, 4)
    whole, short = {"x": count, "y": count, "z": count}, {"x": count, "y": count}
    trained = trials_of("rl", {"seed 1": whole, "seed 2": short})
    assert left_out(trained, trained).startswith(
        "rl: 2 of 3 problems count, those that all its seeds answered; seed 2 lacks 1."
    )
    base = trials_of("base", {"seed 1": whole})
    assert left_out(base, trained) == f"{trained.lacking} base has 3 problems and rl 2: compared on the 2 that both have."
    assert trials_of("rl", {"seed 1": whole, "seed 2": whole}).lacking == ""


def test_seeds_without_a_pair_are_said() -> None:
    assert unpaired_seeds(arm("base", {"x": "p"}, 5), arm("rl", {"x": "p"}, 3)) == (
        "Seeds that only one of both has are left out: seed 3, seed 4 of base."
    )
    assert unpaired_seeds(arm("base", {"x": "p"}, 3), arm("rl", {"x": "p"}, 3)) == ""
