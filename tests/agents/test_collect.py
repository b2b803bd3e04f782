from __future__ import annotations

from collections.abc import Sequence

from agents.collect import Collector, shape
from agents.sampler import ScriptedSampler
from agents.sampling import Sampling
from selfplay_envs import Episode, Referee, Start
from tests.agents.toys import GAME

STARTS = [Start(GAME, seed, {"attempts": 3}) for seed in range(4)]


def collector(sampler: ScriptedSampler, **kwargs: object) -> Collector:
    return Collector(sampler, Referee("process"), Sampling(), **kwargs)  # type: ignore[arg-type]


def test_one_call_of_the_sampler_per_round() -> None:
    calls: list[int] = []

    class Counting(ScriptedSampler):
        def act(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
            calls.append(len(prompts))
            return super().act(prompts, sampling, seeds)

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


def test_shapers_add_up_in_a_column_of_their_own() -> None:
    def bonus(episodes: Sequence[Episode]) -> dict[tuple[int, int], float]:
        return {(index, 0): 0.5 for index in range(len(episodes))}

    episodes = collector(ScriptedSampler(lambda prompt, seed: "a"), shapers=(bonus, bonus)).collect(STARTS[:2], (0,))
    assert [m.shaped for m in episodes[1].messages] == [1.0, 0, 0, 0]
    assert [m.credit for m in episodes[1].messages] == [0.0, 1.0, 1.0, 1.0]
    assert shape(episodes, ()) == episodes
