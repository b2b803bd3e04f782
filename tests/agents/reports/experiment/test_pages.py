"""The page of an experiment: of all arms, of any of them, and of none."""

import json
from pathlib import Path

import pytest

from agents.experiments.findings.decisions import decide_claims
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
    assert "Of 8 claims: 8 reproduced, 0 refuted, 0 undecided." in text
    shares = [one.bfloat16[0] for runs in [found.changes["rlvr"]] for of_run in runs.values() for one in of_run[-1:]]
    assert "| rlvr |" + f" {100 * sum(shares) / len(shares):.1f} |" * 10 in text.splitlines()


def test_what_seeds_do_not_share_is_said(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), ("base", "self-play"), models=True)
    path = tmp_path / "self-play" / "seed-2" / "measured" / "held-out.json"
    data = json.loads(path.read_text())
    for entry in data["rows"][0]["problems"].values():
        entry["right"], entry["programs"] = entry["right"][:-1], entry["programs"][:-1]
    path.write_text(json.dumps(data))
    found = find(load_results(tmp_path))
    text = markdown_of(page_of(found, decide_claims(found)))
    assert "self-play: 117 of 120 problems count, those that all its seeds answered; seed 2 lacks 3." in text
    assert "| self-play, seed 0 | self-play, seed 1 | 0.0 | 0.0 | 0.0 | - | - | - |" in text  # both are the base itself


@pytest.mark.parametrize("arms", [("base",), ("sft",), ("base", "self-play"), ("frozen", "rlvr", "random-reward")])
def test_any_arms_give_a_page(tmp_path: Path, arms: tuple[str, ...]) -> None:
    made = page(tmp_path, *arms)
    names = [section.name for section in made.sections]
    assert names[:2] == ["claims", "budget"]
    assert ("pass-at-k-held-out" in names) == ("base" in arms and len(arms) > 1)
    assert ("curriculum" in names) == bool({"self-play", "frozen"} & set(arms))
    assert ("weights" in names) == (arms != ("base",))
    assert "nan" not in markdown_of(made).replace("`nan`", "")
