from __future__ import annotations

from agents.core.seeding import generator_of, seed_of


def test_seeds_are_fixed_forever_and_differ_by_any_name() -> None:
    assert seed_of(0, "train", 1) == seed_of(0, "train", 1)
    paths = [
        (0, "train", 1),
        (0, "train", 2),
        (1, "train", 1),
        (0, "eval", 1),
        (0, "train", "1"),
        (0, "train"),
        (0, "train", 1, 0),
    ]
    seeds = {seed_of(*path) for path in paths}
    assert len(seeds) == len(paths)
    assert all(0 <= seed < 1 << 63 for seed in seeds)


def test_generators_of_one_name_draw_alike() -> None:
    assert generator_of("a", 1).random(3).tolist() == generator_of("a", 1).random(3).tolist()
