"""The page of an experiment: of all arms, of any of them, and of none."""

from pathlib import Path

import pytest

from agents.experiments.findings.azr_estimates import decide_claims
from agents.experiments.findings.findings import Findings, find
from agents.experiments.results import load_results
from agents.reports.experiment.pages import page_of
from agents.reports.page import Page
from agents.reports.text import markdown_of
from tests.helpers.planted_experiment import Planted, write_experiment


def findings(folder: Path, *arms: str) -> Findings:
    write_experiment(folder, Planted(), arms, models=True)
    return find(load_results(folder))


def page(folder: Path, *arms: str) -> Page:
    found = findings(folder, *arms)
    return page_of(found, decide_claims(found))


def test_the_page_says_what_the_numbers_say(tmp_path: Path) -> None:
    found = findings(tmp_path)
    text = markdown_of(page_of(found, decide_claims(found)))
    point = found.beside_base["held-out"]["self-play"].points[0]
    assert f"| {100 * point.trained.mean:.1f} | {100 * point.difference.mean:+.1f} |" in text
    assert "Of 8 claims 8 are reproduced, 0 are refuted, 0 are undecided." in text
    shares = [one.bfloat16[0] for runs in [found.changes["rlvr"]] for of_run in runs.values() for one in of_run[-1:]]
    assert "| rlvr |" + f" {100 * sum(shares) / len(shares):.1f} |" * 10 in text.splitlines()


@pytest.mark.parametrize("arms", [("base",), ("sft",), ("base", "self-play"), ("frozen", "rlvr", "random-reward")])
def test_any_arms_give_a_page(tmp_path: Path, arms: tuple[str, ...]) -> None:
    made = page(tmp_path, *arms)
    names = [section.name for section in made.sections]
    assert names[:2] == ["claims", "budget"]
    assert ("pass-at-k-held-out" in names) == ("base" in arms and len(arms) > 1)
    assert ("proposals" in names) == bool({"self-play", "frozen"} & set(arms))
    assert ("weights" in names) == (arms != ("base",))
    assert "nan" not in markdown_of(made).replace("`nan`", "")
