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
from .curriculum import curriculum_section
from .prediction import prediction_section
from .published import TITLES
from .stability import stability_section
from .tokens import tokens_section
from .training import dynamics_section, entropy_section, validation_section
from .updates import updates_section
from .weights import weights_section
from .win_rates import style_section, win_rate_sections


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
        *experiment.meaning[:1],
        *([f"Not finished, and left out: {', '.join(findings.unfinished)}."] if findings.unfinished else []),
    ]
    sections = [
        claims_section(decisions),
        budget_section(findings),
        *win_rate_sections(findings, looks),
        style_section(findings, looks),
        *answers_sections(findings, looks),
        entropy_section(findings, looks),
        tokens_section(study, looks),
        prediction_section(findings),
        validation_section(findings, looks),
        curriculum_section(findings, looks),
        stability_section(findings, looks),
        weights_section(findings, looks),
        updates_section(findings),
        dynamics_section(findings, looks),
    ]
    title = f"The experiment {experiment.name}: {TITLES[experiment.name]}"
    return Page(title=title, lead=lead, sections=[one for one in sections if one is not None])
