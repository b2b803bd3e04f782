"""Keys of tasks: which proposals count as the same."""

import pytest

from selfplay_envs import Episode, Reply, Slot, Turn, Verdict, make_game
from selfplay_envs.tasks.duplicates import pair_key, proposal_key, recorded_proposal_key, task_key


def task(number, program=None):
    return {"program": program or f"def f(x):\n    return x + {number}", "inputs": ["1"], "outputs": [str(1 + number)]}


def proposal(env_id, proposed, task_type, key=""):
    """An episode that proposed a task, as far as its key is concerned."""
    slot = Slot("proposer", 0, 0)
    turn = Turn(
        slot=slot,
        task_type=task_type,
        prompt_id="",
        task_id="",
        messages=(),
        reply=Reply(text=""),
        verdict=Verdict(valid=True),
        credit=0.0,
    )
    return Episode(
        env_id=env_id,
        kwargs={},
        seed=0,
        options={},
        messages=(turn,),
        outcome={},
        proposed=proposed,
        proposal_key=key,
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [("Deduction", task_key), ("Abduction", task_key), ("Induction", pair_key), ("InstructionChallenge", task_key)],
)
def test_records_of_before_have_the_keys_that_their_games_give_now(name, key):
    env_id = f"SelfPlay/{name}-v0"
    proposed = {"instruction": "use only lowercase"} if name == "InstructionChallenge" else task(1)
    game = make_game(env_id)
    old = proposal(env_id, proposed, game.task_type)
    data = old.to_json()
    del data["proposal_key"], data["name"]
    restored = Episode.from_json(data)
    assert restored == old
    assert recorded_proposal_key(restored) == proposal_key(game, proposed) == key(proposed)
    assert recorded_proposal_key(proposal(env_id, proposed, game.task_type, "its own")) == "its own"
    assert recorded_proposal_key(proposal(env_id, None, game.task_type)) == ""


def test_a_game_that_says_nothing_is_told_apart_by_program_or_content():
    game = make_game("SelfPlay/KuhnPoker-v0")
    assert proposal_key(game, task(1)) == task_key(task(1, "def f(x):  # again\n    return (x + 1)"))
    assert proposal_key(game, {"letter": "a"}) != proposal_key(game, {"letter": "b"})
