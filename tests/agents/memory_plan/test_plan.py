"""The plan of a run, whole: each card it does not fit has a remedy or None, in the order of the cards."""

import pytest

from agents.config.presets import find_preset
from agents.memory_plan import plan
from agents.memory_plan.cards import CARDS, GIB, Card
from agents.memory_plan.plan import plan_memory


def test_cards_that_a_run_fits_need_no_remedy() -> None:
    small, large = plan_memory(find_preset("kuhn-tiny")), plan_memory(find_preset("azr-8b"))
    assert [fit.card for fit in large.fits] == list(CARDS)
    assert not small.remedies
    assert list(large.remedies) == [fit.card for fit in large.fits if not fit.fits]
    assert large.host.peak > small.host.peak > 0


def test_the_card_of_this_machine_stands_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "card_here", lambda device: Card("here", 31.5))
    assert [fit.card.name for fit in plan_memory(find_preset("azr-8b")).fits] == ["here", *(card.name for card in CARDS)]


@pytest.mark.parametrize(("name", "takes"), [("azr-3b", ["80 GB", "141 GB"]), ("azr-7b", ["80 GB", "141 GB"])])
def test_the_papers_own_models_fit_the_card_that_their_presets_name(name: str, takes: list[str]) -> None:
    plan_of_run = plan_memory(find_preset(name))
    assert [fit.card.name for fit in plan_of_run.fits if fit.fits] == takes
    learner, [card] = plan_of_run.demand.learner, [fit for fit in plan_of_run.fits if fit.card.name == "80 GB"]
    said = {"azr-3b": (41, 58, 32), "azr-7b": (16, 25, 55)}  # GiB in their docstrings: resting, at the peak, the engine
    assert [round(size / GIB) for size in (learner.resident, learner.peak, card.engine)] == list(said[name])
