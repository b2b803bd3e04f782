from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from agents.config.run import GameMix
from agents.rollouts.curriculum import Curriculum
from selfplay_envs import Episode, Referee, ScriptedPlayer, play_episodes
from tests.helpers.toys import GAME

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
    assert [e.messages[0].training_return for e in episodes] == [0.0, 0.0, -1.0]
    assert [e.messages[0].terms for e in episodes] == [{}, {}, {"duplicate": -1.0}]
    # what a shaper said of it counts no more: the reward is -1 in all
    again = play(curriculum, 1, "xyx")
    shaped = [replace(e, messages=(replace(e.messages[0], terms={"bonus": 0.5}), *e.messages[1:])) for e in again]
    episode = curriculum.admit(shaped)[0][0]
    assert (episode.messages[0].training_return, episode.messages[0].terms) == (-1.0, {"duplicate": -1.0})
    lenient = Curriculum([replace(MIX, duplicate_credit=None)], seed=0)
    episodes, _ = lenient.admit(play(lenient, 1, "xyx"))
    assert [e.messages[0].shaped for e in episodes] == [0.0, 0.0, 0.0]


def test_excluded_tasks_never_train(tmp_path: Path) -> None:
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text(json.dumps({"env_id": GAME, "task": {"letter": "x"}}), encoding="utf-8")
    curriculum = Curriculum([replace(MIX, exclude=str(held_out))], seed=0)
    episodes, counts = curriculum.admit(play(curriculum, 1, "xyz"))
    assert counts[f"{GAME}/excluded"] == 1.0
    assert [[m.masked for m in e.messages] for e in episodes] == [[True] * 3, [False] * 3, [False] * 3]


def fixed_run(tmp_path: Path, **changes: object) -> Curriculum:
    """A game with ten fixed tasks, `a` to `j`, of which 4 are played per step."""
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps({"env_id": GAME, "task": {"letter": letter}}) + "\n" for letter in "abcdefghij"))
    mix = {"tasks": str(path), "fixed": 4, **changes}
    return Curriculum([replace(MIX, **mix)], seed=0)  # type: ignore[arg-type]


def letters(curriculum: Curriculum, *steps: int, again: int = 0) -> list[str]:
    starts = [start for step in steps for start in curriculum.starts(step, again)]
    return [start.options["task"]["letter"] for start in starts if "task" in start.options]


def test_fixed_tasks_are_played_in_epochs_behind_fresh_ones(tmp_path: Path) -> None:
    curriculum = fixed_run(tmp_path)
    assert ["task" in start.options for start in curriculum.starts(1)] == [False] * 3 + [True] * 4
    drawn = letters(curriculum, 1, 2, 3, 4, 5)
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list("abcdefghij")
    assert drawn[:10] != drawn[10:]
    assert letters(fixed_run(tmp_path), 4, 5) == drawn[12:]  # of a run that resumes, nothing saved
    assert curriculum.progress(5)[f"{GAME}/epoch"] == 2.0
    assert curriculum.progress(5) == {
        f"{GAME}/epoch": 2.0,
        f"{GAME}/tasks": 10.0,
        f"{GAME}/left_out": 0.0,
        f"{GAME}/shared": 0.0,
    }
    assert Curriculum([MIX], seed=0).progress(5) == {}


def test_without_proposals_only_fixed_tasks_are_played(tmp_path: Path) -> None:
    curriculum = fixed_run(tmp_path, fresh=0, replay=0)
    assert len(curriculum.starts(1)) == len(letters(curriculum, 1)) == 4


def test_a_further_collection_draws_other_tasks(tmp_path: Path) -> None:
    curriculum = fixed_run(tmp_path, fresh=0, replay=0)
    more = [tuple(letters(curriculum, 1, again=again)) for again in (1, 2, 3)]
    assert len({tuple(letters(curriculum, 1)), *more}) == 4
    assert all(len(set(drawn)) == 4 for drawn in more)


def test_the_buffer_begins_with_seeds_of_the_fixed_tasks(tmp_path: Path) -> None:
    curriculum = fixed_run(tmp_path, fixed=0, seeds=5)
    seeds = {task["letter"] for task in curriculum.buffers[GAME].newest(10)}
    assert len(seeds) == 5
    assert seeds < set("abcdefghij")
    assert len(letters(curriculum, 1)) == 2  # they are replayed at once
    assert set(letters(curriculum, 1)) < seeds
    again = fixed_run(tmp_path, fixed=0, seeds=5)
    again.load_state_dict(json.loads(json.dumps(curriculum.state_dict())))
    assert again.starts(3) == curriculum.starts(3)


def test_a_proposal_that_is_a_fixed_task_is_counted(tmp_path: Path) -> None:
    curriculum = fixed_run(tmp_path, fixed=0)
    _, counts = curriculum.admit(play(curriculum, 1, "xbz"))
    assert counts[f"{GAME}/known"] == 1.0


def test_references_may_come_from_other_games() -> None:
    other = replace(MIX, env_id="SelfPlay/Abduction-v0", references_from=(GAME,))
    curriculum = Curriculum([MIX, other], seed=0)
    for letter in "abc":
        curriculum.buffers[GAME].add({"letter": letter})
    starts = [start for start in curriculum.starts(1) if start.env_id == "SelfPlay/Abduction-v0"]
    assert all(len(start.options["references"]) == 2 for start in starts)


def test_an_unnamed_game_has_its_own_references_and_an_id_means_all_games_of_it() -> None:
    named, both = replace(MIX, name="b"), replace(MIX, name="c", references_from=("b", GAME))
    curriculum = Curriculum([MIX, named, both], seed=0)
    for letter in "abc":
        curriculum.buffers["b"].add({"letter": letter})
    fresh = [start for start in curriculum.starts(1) if "task" not in start.options]
    assert {len(start.options.get("references", ())) for start in fresh if not start.name} == {0}
    assert {len(start.options["references"]) for start in fresh if start.name} == {2}
    curriculum.buffers[GAME].add({"letter": "x"})
    fresh = [start for start in curriculum.starts(2) if "task" not in start.options and not start.name]
    assert [start.options["references"] for start in fresh] == [[{"letter": "x"}]] * 3


def test_state_round_trips_through_json() -> None:
    curriculum = Curriculum([MIX], seed=0)
    curriculum.admit(play(curriculum, 1, "xyz"))
    again = Curriculum([MIX], seed=0)
    again.load_state_dict(json.loads(json.dumps(curriculum.state_dict())))
    assert again.starts(2) == curriculum.starts(2)


def test_attempts_that_rate_a_proposal_train_or_rate_alone() -> None:
    for raters, masked in (("train", False), ("discard", True)):
        curriculum = Curriculum([replace(MIX, raters=raters)], seed=0)
        fresh = play(curriculum, 1, "xyz")
        curriculum.admit(fresh)
        episodes, _ = curriculum.admit(play(curriculum, 2, "uvw"))
        assert len(episodes) == 5
        for episode in episodes:
            proposed = episode.proposed is not None
            assert [turn.masked for turn in episode.messages if turn.slot.role == "proposer"] == [False] * proposed
            assert [turn.masked for turn in episode.messages if turn.slot.role != "proposer"] == [proposed and masked] * 2


def test_a_buffer_that_keeps_the_oldest_takes_nothing_once_it_is_full() -> None:
    curriculum = Curriculum([replace(MIX, capacity=2, keep="oldest")], seed=0)
    _, counts = curriculum.admit(play(curriculum, 1, "xyz"))
    assert (counts[f"{GAME}/added"], counts[f"{GAME}/full"], counts[f"{GAME}/buffer"]) == (2.0, 1.0, 2.0)
    assert {task["letter"] for task in curriculum.buffers[GAME].newest(9)} == {"x", "y"}
