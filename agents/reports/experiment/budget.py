"""What arms are, what is equal among them, and what each really had."""

from __future__ import annotations

from ...experiments.findings.findings import Findings
from ...experiments.records import Realised, cells_of_table, headings
from ...tiny.problem_sets import warm_start_overlap
from ..page import Section, Table
from .words import NONE, plain

SETS = {
    "training": "training tasks",
    "tiny": "held-out programs",
    "tiny-validation": "validation programs",
    "tiny-out-of-domain": "programs out of domain",
}


def budget_section(findings: Findings) -> Section:
    """Arms in words, and the table of realised numbers."""
    experiment = findings.results.experiment
    chosen = findings.results.chosen
    notes = [
        (
            arm.name,
            arm.note
            + (f" Chosen: {arm.tuning.setting} {plain(chosen[arm.name])}." if arm.tuning and arm.name in chosen else ""),
        )
        for arm in findings.arms
    ]
    tables = [Table(columns=("arm", "what it is"), rows=notes, prose=(1,))]
    if findings.realised:
        rows = [(*cells_of_table(one), _drawn(one)) for one in findings.realised.values()]
        columns = (*headings(), "tasks drawn")
        tables.append(Table(columns=columns, rows=rows, caption="What every arm really had, in the mean run."))
    return Section(
        name="budget",
        title="Arms, and what is equal among them",
        text=[*experiment.meaning, *_seen_before(findings)],
        tables=tables,
        definition="Tokens a step: trained tokens, mean and standard deviation over steps and runs; of budget: counted tokens "
        "by those of the budget; answers': trained tokens of roles that answer; epochs: trained fixed tasks by their number; "
        "tasks drawn: different fixed tasks of the longest run; processor: of training, of two stages the second.",
    )


def _drawn(one: Realised) -> str:
    return NONE if one.distinct_tasks is None else f"{one.distinct_tasks:,}"


def _seen_before(findings: Findings) -> list[str]:
    """How many programs of each set the tiny model had seen in its warm start; nothing of other models."""
    if findings.results.experiment.model != "tiny" or findings.results.experiment.name != "azr":
        return []
    counts = {name: f"{count['in_warm_start']:,} of {count['programs']:,}" for name, count in warm_start_overlap().items()}
    training, *others = (f"{counts[name]} {words}" for name, words in SETS.items())
    return [f"Of the programs of its warm start the tiny model meets again {training}, {', '.join(others)}."]
