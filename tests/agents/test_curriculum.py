from __future__ import annotations

import json
from dataclasses import replace

from agents.config import GameMix
from agents.curriculum import EXCLUDES, Curriculum
from agents.tiny.programs import is_held_out, sample_task
from selfplay_envs import Episode, Referee, ScriptedPlayer, play_episodes
from tests.agents.toys import GAME

MIX = GameMix(env_id=GAME, kwargs={"attempts": 2}, fresh=3, replay=2, references=2)


def play(curriculum: Curriculum, step: int, letters: str) -> list[Episode]:
    names = iter(letters)
    player = ScriptedPlayer(lambda ask: next(names) if ask.slot.role == "proposer" else "a")
    return play_episodes(curriculum.starts(step), player, Referee("process"))


def test_the_first_step_has_no_references_and_no_replays() -> None:
    starts = Curriculum([MIX], seed=0).starts(1)
    assert [start.options for start in starts] == [{}, {}, {}]
    assert len({start.seed for start in starts}) == 3


def test_new_tasks_enter_and_come_back() -> None:
    curriculum = Curriculum([MIX], seed=0)
    _, counts = curriculum.admit(play(curriculum, 1, "xyz"))
    assert counts == {f"{GAME}/added": 3.0, f"{GAME}/buffer": 3.0}
    starts = curriculum.starts(2)
    assert len(starts) == 5
    for start in starts[:3]:
        letters = [one["letter"] for one in start.options["references"]]
        assert len(set(letters)) == 2
        assert set(letters) <= set("xyz")
    assert all(start.options["task"]["letter"] in "xyz" for start in starts[3:])
    assert curriculum.starts(2) == starts


def test_a_duplicate_is_paid_minus_one_in_all() -> None:
    curriculum = Curriculum([MIX], seed=0)
    episodes, counts = curriculum.admit(play(curriculum, 1, "xyx"))
    assert counts[f"{GAME}/duplicate"] == 1.0
    assert [e.messages[0].credit + e.messages[0].shaped for e in episodes] == [0.0, 0.0, -1.0]
    lenient = Curriculum([replace(MIX, duplicate_credit=None)], seed=0)
    episodes, _ = lenient.admit(play(lenient, 1, "xyx"))
    assert [e.messages[0].shaped for e in episodes] == [0.0, 0.0, 0.0]


def test_excluded_tasks_never_train(monkeypatch: object) -> None:
    EXCLUDES["test"] = lambda task: task["letter"] == "x"
    mix = MIX
    object.__setattr__(excluded := replace(mix), "exclude", "test")
    curriculum = Curriculum([excluded], seed=0)
    del EXCLUDES["test"]
    episodes, counts = curriculum.admit(play(curriculum, 1, "xyz"))
    assert counts[f"{GAME}/excluded"] == 1.0
    assert [[m.masked for m in e.messages] for e in episodes] == [[True] * 3, [False] * 3, [False] * 3]


def test_the_tiny_split_is_excluded_by_program() -> None:
    import numpy as np

    exclude = EXCLUDES["tiny"]
    assert exclude is not None
    rng = np.random.default_rng(0)
    for held_out in (True, False):
        program = sample_task(rng, held_out=held_out).program
        assert is_held_out(program) == exclude({"program": program}) == held_out


def test_references_may_come_from_other_games() -> None:
    other = replace(MIX, env_id="Other-v0", references_from=(GAME,))
    curriculum = Curriculum([MIX, other], seed=0)
    for letter in "abc":
        curriculum.buffers[GAME].add({"letter": letter})
    starts = [start for start in curriculum.starts(1) if start.env_id == "Other-v0"]
    assert all(len(start.options["references"]) == 2 for start in starts)


def test_state_round_trips_through_json() -> None:
    curriculum = Curriculum([MIX], seed=0)
    curriculum.admit(play(curriculum, 1, "xyz"))
    again = Curriculum([MIX], seed=0)
    again.load_state_dict(json.loads(json.dumps(curriculum.state_dict())))
    assert again.starts(2) == curriculum.starts(2)
