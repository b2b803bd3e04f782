from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from agents.config.sampling import Sampling
from agents.rollouts.collector import Collector, shape
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Episode, Referee, Start
from tests.helpers.toys import GAME

STARTS = [Start(GAME, seed, {"attempts": 3}) for seed in range(4)]


def collector(sampler: ScriptedSampler, **kwargs: object) -> Collector:
    return Collector(sampler, Referee("process"), Sampling(), **kwargs)  # type: ignore[arg-type]


def test_one_call_of_the_sampler_per_round() -> None:
    calls: list[int] = []

    class Counting(ScriptedSampler):
        def generate(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
            calls.append(len(prompts))
            return super().generate(prompts, sampling, seeds)

    episodes = collector(Counting(lambda prompt, seed: "b")).collect(STARTS, (0, "train", 1))
    assert calls == [4, 12]
    assert len(episodes) == 4


def test_seeds_are_named_by_episode_and_slot_and_differ() -> None:
    seeds: list[int] = []

    def say(prompt: object, seed: int) -> str:
        seeds.append(seed)
        return "ab"

    collector(ScriptedSampler(say)).collect(STARTS, (0, "train", 1))
    assert len(set(seeds)) == 16
    first, seeds = seeds, []
    collector(ScriptedSampler(say)).collect(STARTS[:2], (0, "train", 1))
    assert set(seeds) < set(first)  # the first two episodes are asked the same, whoever plays beside them
    again, seeds = seeds, []
    collector(ScriptedSampler(say)).collect(STARTS[:2], (0, "train", 2))
    assert not set(seeds) & set(again)


def test_roles_may_speak_through_samplers_of_their_own() -> None:
    frozen = ScriptedSampler(lambda prompt, seed: "z")
    episodes = collector(ScriptedSampler(lambda prompt, seed: "a"), by_role={"proposer": frozen}).collect(STARTS[:1], (0,))
    assert [m.reply.text for m in episodes[0].messages] == ["z", "a", "a", "a"]


def test_shapers_add_up_as_terms_of_their_own() -> None:
    def bonus(episodes: Sequence[Episode]) -> dict[tuple[int, int], float]:
        return {(index, 0): 0.5 for index in range(len(episodes))}

    episodes = collector(ScriptedSampler(lambda prompt, seed: "a"), shapers=(bonus, bonus)).collect(STARTS[:2], (0,))
    assert [m.shaped for m in episodes[1].messages] == [1.0, 0, 0, 0]
    assert [m.terms for m in episodes[1].messages] == [{"bonus": 0.5, "bonus-2": 0.5}, {}, {}, {}]
    assert [m.credit for m in episodes[1].messages] == [0.0, 1.0, 1.0, 1.0]
    assert shape(episodes, ()) == episodes


def test_terms_have_the_names_of_shapers_and_none_is_taken_for_another() -> None:
    def game(episodes: Sequence[Episode], *, weight: float = 1.0) -> dict[tuple[int, int], float]:
        return {(0, 0): weight}

    class Novelty:
        def __call__(self, episodes: Sequence[Episode]) -> dict[tuple[int, int], float]:
            return {(0, 0): 1}

    played = collector(ScriptedSampler(lambda prompt, seed: "a")).collect(STARTS[:1], (0,))
    [shaped] = shape(played, (partial(game, weight=0.25), Novelty()))
    assert shaped.messages[0].terms == {"game-2": 0.25, "Novelty": 1.0}  # `game` is the game's own credit
    [again] = shape([shaped], (Novelty(),))
    assert again.messages[0].terms == {"game-2": 0.25, "Novelty": 2.0}


def test_a_sampler_of_several_roles_is_called_once_a_round_and_equal_ones_are_not_one() -> None:
    class Equal(ScriptedSampler):
        """Equal to all others, and without a hash."""

        calls = 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        def generate(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
            self.calls += 1
            return super().generate(prompts, sampling, seeds)

    frozen, other, unused = (Equal(lambda prompt, seed, letter=letter: letter) for letter in "abc")
    episodes = collector(unused, by_role={"proposer": frozen, "solver": other}).collect(STARTS[:2], (0,))
    assert [m.reply.text for m in episodes[0].messages] == ["a", "b", "b", "b"]
    assert (frozen.calls, other.calls, unused.calls) == (1, 1, 0)
    both = Equal(lambda prompt, seed: "a")
    turns = [Start("SelfPlay/KuhnPoker-v0", 0), *STARTS[:2]]
    collector(unused, by_role=dict.fromkeys(("proposer", "solver", "first"), both)).collect(turns, (0,))
    assert both.calls == 2


def test_samplers_may_be_replaced_between_collections() -> None:
    first, second, third = (ScriptedSampler(lambda prompt, seed, letter=letter: letter) for letter in "abc")
    player = collector(first)
    assert [m.reply.text for m in player.collect(STARTS[:1], (0,))[0].messages] == ["a", "a", "a", "a"]
    player.sampler = second
    assert [m.reply.text for m in player.collect(STARTS[:1], (0,))[0].messages] == ["b", "b", "b", "b"]
    player.by_role["proposer"] = third
    assert [m.reply.text for m in player.collect(STARTS[:1], (0,))[0].messages] == ["c", "b", "b", "b"]


def test_starts_that_are_one_object_are_episodes_of_their_own() -> None:
    texts = [
        e.messages[0].reply.text
        for e in collector(ScriptedSampler(lambda prompt, seed: str(seed))).collect(STARTS[:1] * 3, (0,))
    ]
    assert len(set(texts)) == 3
