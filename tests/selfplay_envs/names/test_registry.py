"""Parts by name: the one registry and its loader, and what each kind in this package makes of a text."""

import subprocess
import sys
from pathlib import Path

import pytest

from selfplay_envs import UsageError, make_game
from selfplay_envs.judges.registry import JUDGES
from selfplay_envs.names.registry import Registry
from selfplay_envs.rewards.learnability import LEARNABILITY, SolveStats, find_learnability
from selfplay_envs.rewards.shapers import SHAPERS, find_shaper
from selfplay_envs.verifiers.registry import VERIFIERS
from tests.helpers.parts import PARTS, write_parts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Modules of one's own that can be imported."""
    yield from write_parts(tmp_path, monkeypatch)


KINDS: dict[str, Registry] = {"judge": JUDGES, "learnability": LEARNABILITY, "shaper": SHAPERS, "verifier": VERIFIERS}
CHOICES = {kind: f"choose one of {', '.join(registry.names())}, or module:NAME for one of" for kind, registry in KINDS.items()}
"""Every name of the table is offered, in its order, and then those of packages, `agents` among them."""


def test_the_tables_hold_what_their_kind_is_known_for():
    known = {"judge": {"rules", "self"}, "learnability": {"one_minus", "band"}, "shaper": {"repetition"}, "verifier": {"stdio"}}
    for kind, names in known.items():
        assert names <= set(KINDS[kind].table)


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("judge", "ruls", f"judge='ruls' is not known; did you mean 'rules'? {CHOICES['judge']}"),
        ("judge", "zzz", f"judge='zzz' is not known; {CHOICES['judge']} your own."),
        ("learnability", "varianze", f"did you mean 'variance'? {CHOICES['learnability']}"),
        ("learnability", "curv:peak=1", f"learnability='curv:peak=1' is not known; {CHOICES['learnability']}"),
        ("shaper", "repetitions", f"shaper='repetitions' is not known; did you mean 'repetition'? {CHOICES['shaper']}"),
        ("verifier", "unit_tests", f"verifier='unit_tests' is not known; did you mean 'unit-tests'? {CHOICES['verifier']}"),
        ("judge", "nowhere:X", "judge='nowhere:X': No module named 'nowhere'; the part before the colon is a module that"),
        ("judge", "./my_parts.py:X", "judge='./my_parts.py:X': a module is named without a path; write my_parts:X."),
        ("judge", "a/my_parts:X", "judge='a/my_parts:X': a module is named without a path; write a.my_parts:X."),
        ("judge", "my_parts:Vowls", "the module 'my_parts' holds no 'Vowls'; did you mean 'Vowels'?"),
        ("judge", "my_broken:X", "judge='my_broken:X': my_broken.py:3: NameError: name 'nowhere' is not defined; mend that"),
        ("judge", "my_needy:X", "my_needy.py:2: ModuleNotFoundError: No module named 'a_package_that_is_not_there'; install"),
        ("judge", "my_leaving:X", "judge='my_leaving:X': my_leaving.py:2: SystemExit: 3; mend that module."),
        ("judge", "my_lines:X", "judge='my_lines:X': my_lines.py:1: ValueError: one line and another; mend that module."),
        ("judge", "my_parts:JUDGE:weight=2", "is a ready object and takes no options; name what makes it."),
        ("learnability", "my_parts:left", "my_parts.py:52: SystemExit: 4; mend left."),
        ("judge", "my_parts:NUMBER", "judge='my_parts:NUMBER' names no judge: a class or function that makes one"),
        ("judge", "rules:strict=1", "judge='rules:strict=1': option 'strict' is not known; choose among vocabulary, loose."),
        ("judge", "my_parts:Vowels:wait=2", "option 'wait' is not known; choose among weight, letter, cap."),
        ("judge", "my_parts:Vowels:model=2", "option 'model' is not known; choose among weight, letter, cap."),
        ("judge", "my_parts:Vowels:weight=much", "weight='much' is not understood; write a number."),
        ("judge", "my_parts:Vowels:weight=nan", "weight='nan' is not understood; write a number."),
        ("judge", "my_parts:Vowels:cap=2.5", "cap='2.5' is not understood; write a whole number."),
        ("judge", "my_parts:Vowels:weight=1,weight=2", "names weight twice; keep one."),
        ("judge", "my_parts:Broken", "option 'path' is missing; write it as my_parts:Broken:path=..."),
        ("learnability", "my_parts:NUMBER", "learnability='my_parts:NUMBER' names no function of SolveStats; assign one to"),
        ("learnability", "my_parts:curve:peek=1", "option 'peek' is not known; choose among peak."),
        ("learnability", "my_parts:halved", "my_parts.py:40: ZeroDivisionError: float division by zero; mend halved."),
        ("learnability", "my_parts:worded", "it returns 'a lot' where one of two attempts was right; return a finite number"),
        (
            "learnability",
            "my_parts:nothing",
            "TypeError: nothing() takes 0 positional arguments but 1 was given; mend nothing.",
        ),
        ("shaper", "my_parts:flat:both=2", "both='2' is not understood; write 1 or 0."),
        ("shaper", "my_parts:listed", "it returns [] for no episodes; return {(episode, message): credit}"),
        ("verifier", "my_parts:NUMBER", "verifier='my_parts:NUMBER' names no verifier function"),
    ],
)
def test_what_is_wrong_is_one_sentence(parts, kind, text, sentence):
    with pytest.raises(UsageError) as caught:
        KINDS[kind].find(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{kind}='")


def test_rewards_and_shapers_of_ones_own_take_options(parts):
    assert [find_learnability("my_parts:curve")(SolveStats(solved, 4)) for solved in (0, 2, 4)] == [0.5, 1.0, 0.5]
    assert [find_learnability("my_parts:curve:peak=0.25")(SolveStats(solved, 4)) for solved in (1, 4)] == [1.0, 0.25]
    assert find_shaper("my_parts:flat:weight=-2")([None, None]) == {(0, 0): -2.0, (1, 0): -2.0}  # type: ignore[list-item]
    game = make_game("SelfPlay/Deduction-v0", attempts=4, learnability="my_parts:curve:peak=0.75")
    assert game.learnability(SolveStats(3, 4)) == 1.0  # type: ignore[attr-defined]


POINTS = """
[selfplay_envs.judges]
vowels = my_parts:Vowels
rules = my_parts:nothing
[selfplay_envs.learnability]
curve = my_parts:curve
[selfplay_envs.shapers]
flat = my_parts:flat
[selfplay_envs.verifiers]
always = my_parts:nothing
[agents.presets]
small = my_parts:nothing
[agents.samplers]
beam = my_parts:Vowels
"""

ASKED = """
import sys, warnings
from selfplay_envs.judges.registry import judge_names, open_judge
from selfplay_envs.rewards.learnability import find_learnability
from selfplay_envs.rewards.shapers import SHAPERS, find_shaper
from selfplay_envs.verifiers.registry import find_verifier
from selfplay_envs.rewards.learnability import SolveStats
from agents.config.sampler import parse_sampler
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(judge_names(), "my_parts" in sys.modules)
    print(type(open_judge("rules")).__name__, open_judge("vowels:weight=4").weight)
print([str(one.message) for one in caught])
print(find_learnability("curve:peak=1")(SolveStats(1, 1)), find_shaper("flat")([0]), SHAPERS.names())
print(find_verifier("always").__name__, parse_sampler("beam:width=2"))
"""


def test_a_package_adds_to_each_kind_by_an_entry_point(tmp_path):
    (tmp_path / "my_parts.py").write_text(PARTS)
    metadata = tmp_path / "my_parts-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-parts\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n{ASKED}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert ran.stderr == ""
    names, opened, warned, shaped, verified = ran.stdout.splitlines()
    assert names == f"{(*JUDGES.names(), 'vowels')} False"
    assert opened == "RulesJudge 4.0"
    stays = "judge='rules' stays built in: the entry point my_parts:nothing of selfplay_envs.judges has the same name and"
    assert warned == repr([f"{stays} is left out; rename it."])
    assert shaped == f"1.0 {{(0, 0): 1.0}} {(*SHAPERS.table, 'flat')}"
    assert verified == "nothing ('beam', {'width': '2'})"
