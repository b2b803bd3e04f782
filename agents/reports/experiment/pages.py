"""The whole page of an experiment, from what it found."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.claims import Decision, JointDecision
from ...analysis.entropy.study import EntropyStudy
from ...experiments.findings.findings import Findings
from ..page import Page
from ..style import Looks
from .answers import answers_sections
from .budget import budget_section
from .claims import claims_section
from .prediction import prediction_section
from .proposals import proposals_section
from .tokens import tokens_section
from .training import dynamics_section, entropy_section, validation_section
from .updates import updates_section
from .weights import weights_section


def page_of(findings: Findings, decisions: Sequence[Decision | JointDecision], study: EntropyStudy | None = None) -> Page:
    """The page; a part that was not measured is left out of it.

    Args:
        findings: Of the experiment.
        decisions: On its claims.
        study: The last models on the same prompts.
    """
    experiment = findings.results.experiment
    seeds = {arm.name: len(findings.results.arm(arm.name)) for arm in findings.arms}
    looks = Looks([arm.name for arm in findings.arms])
    lead = [
        f"Model {experiment.model}; {len(seeds)} arms, {sum(seeds.values())} cells: "
        + ", ".join(f"{name} ({count})" for name, count in seeds.items())
        + ". In brackets the number of seeds.",
        *experiment.budget.meaning[:1],
        *([f"Not finished, and left out: {', '.join(findings.unfinished)}."] if findings.unfinished else []),
    ]
    sections = [
        claims_section(decisions),
        budget_section(findings),
        *answers_sections(findings, looks),
        entropy_section(findings, looks),
        tokens_section(study, looks),
        prediction_section(findings),
        validation_section(findings, looks),
        proposals_section(findings, looks),
        weights_section(findings, looks),
        updates_section(findings),
        dynamics_section(findings, looks),
    ]
    title = f"The experiment {experiment.name}: self-play beside fixed tasks and gold replies"
    return Page(title=title, lead=lead, sections=[one for one in sections if one is not None])
