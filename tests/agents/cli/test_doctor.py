"""`selfplay doctor`: the table, and whether the base works."""

import io

from rich.console import Console

from agents.cli.doctor import print_findings
from agents.cli.installation import BROKEN, MISSING, NOTE, OK, Finding


def printed(findings: list[Finding]) -> tuple[int, str]:
    out = io.StringIO()
    code = print_findings(Console(file=out, width=140), findings)
    return code, out.getvalue()


def test_missing_extras_are_fine_and_a_broken_base_is_not():
    fine = [Finding("torch", OK, "2"), Finding("vllm", MISSING, "faster", "pip install vllm"), Finding("gpu", NOTE, "none")]
    code, shown = printed(fine)
    assert code == 0
    assert "pip install vllm" in shown
    assert "The base works" in shown
    code, shown = printed([*fine, Finding("gymnasium", BROKEN, "not installed", "pip install gymnasium")])
    assert code == 1
    assert "mend gymnasium" in shown
