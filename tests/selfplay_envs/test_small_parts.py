"""Program identity, learnability, shapers, spaces, styles, tasks and registration."""

import copy
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector.utils import batch_space

from selfplay_envs import (
    CodeTask,
    Referee,
    Reply,
    Start,
    UnicodeText,
    UsageError,
    check_tasks,
    play_episodes,
    read_azr_tasks,
    register_game,
)
from selfplay_envs.learnability import SolveStats, find_learnability
from selfplay_envs.parsing import bodies, fence
from selfplay_envs.programs import program_fault, program_key
from selfplay_envs.prompts import STYLES, find_style
from selfplay_envs.render import printable
from selfplay_envs.shapers import find_shaper, repetition


def test_program_keys_ignore_layout_and_nothing_else():
    assert program_key("def f(x): return x+1") == program_key("def f(x):\n    # c\n    return (x + 1)\n")
    assert program_key("def f(x): return x+1") != program_key("def f(x): return x+2")
    assert program_key("not python (") == program_key("not python (")
    assert len(program_key("\ud800")) == 16


@pytest.mark.parametrize("source", ["(" * 5000, "-" * 8000 + "1", "\x00", "\ud800", "f(" * 3000, "a" * 10_000, "x = '\\d'"])
def test_hostile_sources_never_raise(source):
    assert program_fault(source) in ("syntax_error", "program_too_long", "no_entry_point")
    program_key(source)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("one_minus", [0, 0.75, 0.5, 0.25, 0]),
        ("half_peak", [0, 0.5, 1, 0.5, 0]),
        ("min_p", [0, 0.25, 0.5, 0.25, 0]),
        ("variance", [0, 0.75, 1, 0.75, 0]),
        ("band", [0, 1, 1, 1, 0]),
    ],
)
def test_learnability_by_hand(name, values):
    assert [find_learnability(name)(SolveStats(solved, 4)) for solved in range(5)] == values


def test_repetition_takes_the_second_of_two_equal_proposals_down_to_minus_one(sandbox):
    programs = ["x + 1", "x + 2", "x + 1", "x + 1"]
    texts = iter([fence("python", f"def f(x):\n    return {p}") + "\n" + fence("input", "1") for p in programs])

    def act(asks):
        return [
            Reply(text=next(texts) if a.slot.role == "proposer" else fence("output", str(2 + a.slot.attempt))) for a in asks
        ]

    starts = [Start("SelfPlay/Deduction-v0", seed, {"attempts": 2}) for seed in range(4)]
    episodes = play_episodes(starts, act, Referee(sandbox))
    assert [e.messages[0].credit for e in episodes] == [0.5] * 4
    assert repetition(episodes) == {(2, 0): -1.5, (3, 0): -1.5}
    with pytest.raises(UsageError, match="shaper='novel'"):
        find_shaper("novel")


def test_unicode_text_is_cheap_and_holds_any_encodable_string():
    space = UnicodeText()
    assert "" in space
    assert "héllo 中🙂\x00" in space
    assert "\ud800" not in space
    assert 5 not in space
    assert "x" * 2_000_000 not in space
    assert all(space.sample() in space for _ in range(50))
    assert len(pickle.dumps(space)) < 20_000
    assert copy.deepcopy(space) == space == pickle.loads(pickle.dumps(space))
    assert len(batch_space(space, 8).sample()) == 8
    assert [UnicodeText(seed=3).sample() for _ in range(2)] == [UnicodeText(seed=3).sample() for _ in range(2)]


def test_every_style_asks_for_what_the_parser_reads():
    task = CodeTask(program="def f(x):\n    return x", inputs=("1", "2"), outputs=("1", "2"), message="hint")
    for style in STYLES.values():
        texts = {
            "propose": style.propose_pair("deduction", [task])[-1].content,
            "inputs": style.propose_induction(task.program, 4)[-1].content,
            "output": style.solve_deduction(task)[-1].content,
            "input": style.solve_abduction(task)[-1].content,
            "program": style.solve_induction(task)[-1].content,
            "kuhn": style.kuhn("J", [], ["check", "bet"])[-1].content,
        }
        assert bodies(texts["propose"], "python")[-1] == task.program
        assert bodies(texts["inputs"], "python") == [task.program]
        assert bodies(texts["output"], "input")[0] == "1"
        assert bodies(texts["input"], "output")[0] == "1"
        assert bodies(texts["program"], "output")[:2] == ["1", "2"]
        assert "J" in texts["kuhn"]
    with pytest.raises(UsageError, match="style='polite'"):
        find_style("polite")


def test_the_terse_style_is_exactly_what_the_tiny_model_was_trained_on():
    task = CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=("1",), message="int to int")
    style = STYLES["terse"]
    assert (
        style.solve_deduction(task)[0].content == "solve deduction\n```python\ndef f(x):\n    return x\n```\n```input\n1\n```"
    )
    assert (
        style.solve_abduction(task)[0].content == "solve abduction\n```python\ndef f(x):\n    return x\n```\n```output\n1\n```"
    )
    assert (
        style.solve_induction(task)[0].content
        == "solve induction\n```input\n1\n```\n```output\n1\n```\n```message\nint to int\n```"
    )
    assert style.propose_pair("deduction", [task])[0].content == (
        "propose deduction\n```python\ndef f(x):\n    return x\n```\n```input\n1\n```\n```output\n1\n```"
    )
    assert style.propose_induction(task.program, 4)[0].content == "propose induction\n```python\ndef f(x):\n    return x\n```"
    assert style.challenge()[0].content == "challenge instruction"
    assert style.answer("use only lowercase")[0].content == "answer instruction\n```instruction\nuse only lowercase\n```"
    assert (
        style.kuhn("K", ["check", "bet"], ["call", "fold"])[0].content
        == "kuhn poker\ncard K\nhistory check bet\nlegal call fold"
    )


def test_azr_files_load_and_each_task_is_accepted_or_refused_with_a_reason(tmp_path, referee):
    rows = [
        {"snippet": "def f(a):\n    return a", "input": "1", "output": "1", "imports": []},
        {"snippet": "def f(a):\n    return a * 9", "input": "'x'", "output": "'xx...'"},
        {"snippet": "def f(a):\n    return a", "input": "range(3)", "output": "range(0, 3)"},
        {"snippet": "def f(a):\n    return {a, 'b'}.pop()", "input": "'c'", "output": "'b'"},
        {"snippet": "def f(a, b):\n    return a + b", "inputs": ["1, 2", "b=3, a=4"], "outputs": ["3", "7"], "message": "sum"},
        {
            "snippet": "def f(a):\n    return [a[-1], float(len(a))]",
            "input": "list(range(3)) + [float('inf')]",
            "output": "[inf, 4.0]",
        },
        {"snippet": "def f(a):\n    return a ** 9", "input": "10 ** 600", "output": "inf"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked = check_tasks(read_azr_tasks(path), referee)
    assert checked[0] == CodeTask(program=rows[0]["snippet"], inputs=("1",), outputs=("1",))
    assert checked[1:4] == ["stated_output_differs", "input_not_literal", "program_nondeterministic"]
    assert isinstance(checked[4], CodeTask)
    assert checked[4].message == "sum"
    assert checked[5] == CodeTask(program=rows[5]["snippet"], inputs=("[0, 1, 2, 1e999]",), outputs=("[1e999, 4.0]",))
    assert checked[6] == "gold_too_long"
    path.write_text('{"snippet": "x"}\n')
    with pytest.raises(UsageError, match=":1 is not a task row"):
        list(read_azr_tasks(path))


def test_unknown_ids_and_classes_get_one_clear_sentence(monkeypatch):
    for env_id in ("Test/Nowhere-v0", "Test/NotAGame-v0"):  # gone again after the test
        monkeypatch.setitem(gym.registry, env_id, None)
        del gym.registry[env_id]
    with pytest.raises(UsageError, match=r"env_id='SelfPlay/Chess-v0' .* SelfPlay/Abduction-v0"):
        play_episodes([Start("SelfPlay/Chess-v0", 0)], lambda asks: [], Referee())
    register_game("Test/Nowhere-v0", "no.such.module:Game")
    with pytest.raises(UsageError, match=r"no\.such\.module:Game"):
        gym.make("Test/Nowhere-v0")
    register_game("Test/NotAGame-v0", "json:JSONDecoder")
    with pytest.raises(UsageError, match="not a subclass"):
        gym.make("Test/NotAGame-v0")


def test_control_characters_of_a_model_cannot_move_the_cursor():
    assert printable("a\x1b[2J\x9b\u202eb\n\tc") == "a\\x1b[2J\\x9b\\x202eb\n\tc"


def test_the_vector_seed_is_spawned_not_added():
    seeds = [gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=3).unwrapped._seeds(seed) for seed in (0, 1)]
    assert len(set(seeds[0]) | set(seeds[1])) == 6
    assert np.all(np.abs(np.diff(seeds[0])) > 10)
