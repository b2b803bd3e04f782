"""Parts by name: the one registry and its loader, and what each kind in this package makes of a text."""

import json
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from selfplay_envs import CodeTask, JudgeItem, Message, Referee, UsageError, check_unit_tests, make_game, register_game
from selfplay_envs.checking import panels
from selfplay_envs.games.kuhn import KuhnPoker
from selfplay_envs.judges import JUDGES, check_judge, open_judge
from selfplay_envs.learnability import LEARNABILITY, SolveStats, find_learnability
from selfplay_envs.named import Registry
from selfplay_envs.parsing import fence
from selfplay_envs.registration import resolve_game_id
from selfplay_envs.shapers import SHAPERS, find_shaper
from selfplay_envs.stdio import check_stdio
from selfplay_envs.verifiers import VERIFIERS, find_verifier
from selfplay_envs.verify import check_output

ROOT = Path(__file__).parents[2]

PARTS = '''
from __future__ import annotations

from selfplay_envs import Score


class Vowels:
    """Scores by the share of a letter, times a weight."""

    def __init__(self, weight: float = 1.0, *, letter: str = "a", cap: int | None = None, model: object = None):
        self.weight, self.letter, self.cap = weight, letter, cap

    def score(self, items):
        counts = [[answer.count(self.letter) for answer in item.answers] for item in items]
        return [Score(values=tuple(self.weight * min(n, self.cap or n) for n in row)) for row in counts]


class Broken:
    def __init__(self, path):
        open(path)


def nothing():
    pass


JUDGE = Vowels(3)
NUMBER = 7


def curve(stats, *, peak=0.5):
    return 1 - abs(stats.rate - peak)


def worded(stats):
    return "a lot"


def halved(stats):
    return stats.rate / 0


def flat(episodes, weight: float = 1.0, both: bool = False):
    return {(index, 0): weight for index, _ in enumerate(episodes)}


def listed(episodes):
    return []


def left(stats=None):
    raise SystemExit(4)
'''


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A module `my_parts` that can be imported."""
    (tmp_path / "my_parts.py").write_text(PARTS)
    (tmp_path / "my_broken.py").write_text("x = 1\n\ny = nowhere\n")
    (tmp_path / "my_needy.py").write_text("\nimport a_package_that_is_not_there\n")
    (tmp_path / "my_leaving.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "my_lines.py").write_text("raise ValueError('one line\\n  and another')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_parts", "my_broken", "my_needy", "my_leaving", "my_lines"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    sys.modules.pop("my_parts", None)


KINDS: dict[str, Registry] = {"judge": JUDGES, "learnability": LEARNABILITY, "shaper": SHAPERS, "verifier": VERIFIERS}


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("judge", "ruls", "judge='ruls' is not known; did you mean 'rules'? choose one of rules, self, or module:NAME for"),
        ("judge", "zzz", "judge='zzz' is not known; choose one of rules, self, or module:NAME for one of your own."),
        ("learnability", "varianze", "did you mean 'variance'? choose one of one_minus, half_peak, min_p, variance, band, or"),
        ("learnability", "curv:peak=1", "learnability='curv:peak=1' is not known; choose one of one_minus"),
        ("shaper", "repetitions", "shaper='repetitions' is not known; did you mean 'repetition'? choose one of repetition, or"),
        ("verifier", "unit_tests", "verifier='unit_tests' is not known; did you mean 'unit-tests'? choose one of deduction, "),
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
        ("judge", "rules:strict=1", "judge='rules:strict=1': option 'strict' is not known; it takes none."),
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


ITEM = JudgeItem(messages=(Message("user", "use a"),), answers=("banana", "e"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("my_parts:Vowels", (3.0, 0.0)),
        ("my_parts:Vowels:weight=2", (6.0, 0.0)),
        ("my_parts:Vowels:weight=.5,letter=e", (0.0, 0.5)),
        ("my_parts:Vowels:cap=2", (2.0, 0.0)),
        ("my_parts:JUDGE", (9.0, 0.0)),
    ],
)
def test_a_judge_of_ones_own_takes_options(parts, text, values):
    [score] = open_judge(text).score([ITEM])
    assert score.values == values


def test_a_judge_that_does_not_open_is_one_sentence(parts):
    with pytest.raises(UsageError, match=r"my_parts.py:20: FileNotFoundError: .*no_such_file.*; mend it or its options"):
        open_judge("my_parts:Broken:path=no_such_file")
    with pytest.raises(UsageError, match=r"judge='my_parts:nothing' opened None, which has no method score"):
        open_judge("my_parts:nothing")
    with pytest.raises(UsageError, match=r"judge='my_parts:left': my_parts.py:\d+: SystemExit: 4; mend it or its options"):
        open_judge("my_parts:left")
    check_judge("my_parts:Broken:path=no_such_file")  # looked at, not opened
    check_judge("self")
    with pytest.raises(UsageError, match="bind it"):
        open_judge("self")


def test_rewards_and_shapers_of_ones_own_take_options(parts):
    assert [find_learnability("my_parts:curve")(SolveStats(solved, 4)) for solved in (0, 2, 4)] == [0.5, 1.0, 0.5]
    assert [find_learnability("my_parts:curve:peak=0.25")(SolveStats(solved, 4)) for solved in (1, 4)] == [1.0, 0.25]
    assert find_shaper("my_parts:flat:weight=-2")([None, None]) == {(0, 0): -2.0, (1, 0): -2.0}  # type: ignore[list-item]
    game = make_game("SelfPlay/Deduction-v0", attempts=4, learnability="my_parts:curve:peak=0.75")
    assert game.learnability(SolveStats(3, 4)) == 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [gym.make, lambda env_id, **kw: gym.make_vec(env_id, num_envs=2, **kw)])
def test_environments_check_their_judge_at_once_and_keep_its_text(parts, make):
    for env_id in ("SelfPlay/InstructionChallenge-v0", "SelfPlay/KuhnPoker-v0"):  # poker asks no judge
        with pytest.raises(UsageError, match=r"judge='ruls' is not known; did you mean 'rules'\?"):
            make(env_id, judge="ruls", attempts=1)
    text = "my_parts:Vowels:weight=0.25,letter=e"
    env = make("SelfPlay/InstructionChallenge-v0", judge=text, attempts=1)
    spec = EnvSpec.from_json(env.unwrapped.spec.to_json())
    assert spec.kwargs["judge"] == text
    assert env.unwrapped.spec.nondeterministic
    assert not make("SelfPlay/InstructionChallenge-v0", judge="rules", attempts=1).unwrapped.spec.nondeterministic
    assert env.unwrapped.referee.judge.score([ITEM])[0].values == (0.0, 0.25)
    assert env.unwrapped.referee.backend["judge"] == text
    again = make(spec.id, **{key: spec.kwargs[key] for key in ("judge", "attempts")})
    assert again.unwrapped.referee.judge.score([ITEM])[0].values == (0.0, 0.25)


def test_an_episode_is_scored_and_recorded_by_a_judge_of_ones_own(parts):
    env = gym.make("SelfPlay/InstructionChallenge-v0", attempts=1, judge="my_parts:Vowels:weight=2", sandbox="process")
    env.reset(seed=0)
    env.step(fence("instruction", "say a word"))
    _, reward, over, _, info = env.step(fence("answer", "banana"))
    assert (reward, over, info["score"]) == (6.0, True, 6.0)
    record = json.loads(json.dumps(env.unwrapped.episode().to_json()))
    assert record["backend"]["judge"] == "my_parts:Vowels:weight=2"


def test_verifiers_have_names():
    assert find_verifier("deduction") is check_output
    assert (find_verifier("unit-tests"), find_verifier("stdio")) == (check_unit_tests, check_stdio)
    assert VERIFIERS.names() == ("deduction", "abduction", "induction", "unit-tests", "stdio")
    task = CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=("1",))
    answers = [find_verifier(text)(task, "True") for text in ("deduction", "deduction:strict=1")]
    assert [one.value for one in Referee("process").answer(answers)] == ["right", "wrong"]
    with pytest.raises(UsageError, match="option 'task' is not known; choose among strict"):
        find_verifier("deduction:task=1")
    near = find_verifier("stdio:float_tolerance=0.1")("print(1.05)", [("", "1.0")])
    assert [one.value for one in Referee("process").answer([near])] == ["right"]


def test_games_are_named_in_full_in_short_or_with_their_module(tmp_path, monkeypatch):
    assert resolve_game_id("SelfPlay/Deduction-v0") == resolve_game_id("deduction") == "SelfPlay/Deduction-v0"
    (tmp_path / "my_game.py").write_text(
        "from selfplay_envs import register_game\n"
        "register_game('NamedTest/Copy-v0', 'selfplay_envs.games.kuhn:KuhnPoker')\n"
        "register_game('NamedTest/Deduction-v0', 'selfplay_envs.games.code:Deduction', attempts=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert type(make_game("my_game:NamedTest/Copy-v0")).__name__ == "KuhnPoker"
        assert resolve_game_id("my_game:copy") == "NamedTest/Copy-v0"
        with pytest.raises(UsageError, match="several games; write one of NamedTest/Deduction-v0, SelfPlay/Deduction-v0"):
            resolve_game_id("deduction")
        with pytest.raises(
            UsageError, match=r"game='my_game:NamedTest/Cpy-v0' is not known; did you mean 'my_game:NamedTest/Copy-v0'\?"
        ):
            resolve_game_id("my_game:NamedTest/Cpy-v0", "game")
    finally:
        for env_id in ("NamedTest/Copy-v0", "NamedTest/Deduction-v0"):
            gym.registry.pop(env_id, None)
        sys.modules.pop("my_game", None)
    with pytest.raises(UsageError, match=r"env_id='SelfPlay/Deducton-v0' is not known; did you mean 'SelfPlay/Deduction-v0'\?"):
        make_game("SelfPlay/Deducton-v0")
    with pytest.raises(UsageError, match="env_id='CartPole-v1' is not known"):
        make_game("CartPole-v1")


def test_a_game_says_what_it_takes_itself_and_what_its_environments_take():
    with pytest.raises(UsageError) as caught:
        make_game("SelfPlay/KuhnPoker-v0", judge="vowels")
    assert str(caught.value).startswith("'judge' is a keyword of environments, as in gym.make(..., judge=...)")
    assert "judge" not in str(caught.value).partition("that takes")[2]
    with pytest.raises(UsageError, match=r"KuhnPoker has no keyword 'stile'; did you mean 'style'\? it takes attempts"):
        make_game("SelfPlay/KuhnPoker-v0", stile="full")
    with pytest.raises(UsageError, match=r"it takes .*sandbox, judge, reward_role, render_mode\.$"):
        gym.make("SelfPlay/KuhnPoker-v0", judgement="rules")


class Needy(KuhnPoker):
    """Needs a keyword, and hands the others on."""

    def __init__(self, cards: int, **kwargs):
        super().__init__(**kwargs)
        self.cards = cards


def test_keywords_that_a_game_hands_on_are_its_own_and_those_it_needs_are_asked_for():
    register_game("NamedTest/Needy-v0", f"{__name__}:Needy")
    try:
        game = make_game("NamedTest/Needy-v0", cards=3, attempts=2)
        assert (game.cards, game.attempts) == (3, 2)
        assert panels("NamedTest/Needy-v0", (1, 2)) == [{"attempts": 1}, {"attempts": 2}]
        with pytest.raises(UsageError, match="Needy needs the keyword 'cards'; pass it, or give it a default"):
            make_game("NamedTest/Needy-v0", attempts=2)
        with pytest.raises(UsageError, match="Needy has no keyword 'kwargs'"):
            make_game("NamedTest/Needy-v0", cards=3, kwargs={})
    finally:
        gym.registry.pop("NamedTest/Needy-v0")


def test_a_class_that_does_not_load_is_told_where_it_breaks(parts):
    register_game("NamedTest/Broken-v0", "my_broken:Game")
    try:
        with pytest.raises(UsageError, match=r"game='my_broken:Game': my_broken.py:3: NameError"):
            make_game("NamedTest/Broken-v0")
    finally:
        gym.registry.pop("NamedTest/Broken-v0")


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
from selfplay_envs.judges import judge_names, open_judge
from selfplay_envs.learnability import find_learnability
from selfplay_envs.shapers import SHAPERS, find_shaper
from selfplay_envs.verifiers import find_verifier
from selfplay_envs.learnability import SolveStats
from agents.sampler_text import parse_sampler
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
    assert names == "('rules', 'self', 'vowels') False"
    assert opened == "RulesJudge 4.0"
    stays = "judge='rules' stays built in: the entry point my_parts:nothing of selfplay_envs.judges has the same name and"
    assert warned == repr([f"{stays} is left out; rename it."])
    assert shaped == "1.0 {(0, 0): 1.0} ('repetition', 'flat')"
    assert verified == "nothing ('beam', {'width': '2'})"
