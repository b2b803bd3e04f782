"""Presets for large models: what sets them apart from one another."""

from dataclasses import fields, replace

from agents.presets import find_preset


def test_the_run_of_one_and_a_half_billion_weights_is_the_large_one_but_for_what_it_says():
    small, large = find_preset("azr-1.5b"), find_preset("azr-8b")
    changed = {one.name for one in fields(large) if getattr(small, one.name) != getattr(large, one.name)}
    assert changed == {"model", "games", "steps", "sampling", "sampler", "max_rows"}
    assert [mix.env_id for mix in small.games] == [mix.env_id for mix in large.games]
    for mine, theirs in zip(small.games, large.games, strict=True):
        assert replace(mine, fresh=theirs.fresh, replay=theirs.replay, references=theirs.references) == theirs
        assert (4 * mine.fresh, 4 * mine.replay) == (theirs.fresh, theirs.replay)


def test_a_reply_and_its_prompt_fit_the_engine_of_every_large_run():
    for name, limit in (("azr-1.5b", 6_144), ("azr-8b", 14_240), ("lsp-3b", 4_096)):
        config = find_preset(name)
        assert f"max_model_len={limit}" in config.sampler
        assert limit - config.sampling.max_new_tokens >= 3_584  # what is left for a prompt
        assert limit <= config.learner.micro_batch_tokens  # no message is larger than what is planned for
