"""The games of a preset with their keywords and episodes: of Absolute Zero, of fixed tasks, of Language Self-Play."""

from __future__ import annotations

from functools import partial

from selfplay_envs.core.judging import SELF

from .game_mix import GameMix

DEDUCTION, ABDUCTION, INDUCTION = "SelfPlay/Deduction-v0", "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"
CHALLENGE = "SelfPlay/InstructionChallenge-v0"


def code_games(
    style: str,
    *,
    attempts: int,
    fresh: int,
    replay: int,
    references: int,
    num_inputs: int,
    exclude: str = "none",
    extreme_credit: float = -0.5,
    duplicate_credit: float | None = -1.0,
) -> tuple[GameMix, ...]:
    """The three task types of Absolute Zero; induction takes its programs from the other two."""
    kwargs: dict[str, str | int | float | bool] = {"attempts": attempts, "style": style, "extreme_credit": extreme_credit}
    mix = partial(GameMix, fresh=fresh, replay=replay, duplicate_credit=duplicate_credit, exclude=exclude)
    return (
        mix(env_id=DEDUCTION, kwargs=kwargs, references=references),
        mix(env_id=ABDUCTION, kwargs=dict(kwargs), references=references),
        mix(
            env_id=INDUCTION,
            kwargs={**kwargs, "num_inputs": num_inputs},
            references=1,
            references_from=(DEDUCTION, ABDUCTION),
        ),
    )


def fixed_code_games(
    style: str, *, attempts: int, fixed: int, tasks: str, exclude: str = "none", gold: int = 0
) -> tuple[GameMix, ...]:
    """The three task types on fixed tasks: nothing is proposed, nothing is remembered."""
    kwargs: dict[str, str | int | float | bool] = {"attempts": attempts, "style": style}
    mix = partial(GameMix, fresh=0, replay=0, references=0, tasks=tasks, fixed=fixed, gold=gold, exclude=exclude)
    return tuple(mix(env_id=env_id, kwargs=dict(kwargs)) for env_id in (DEDUCTION, ABDUCTION, INDUCTION))


def challenge(
    style: str, *, attempts: int, quality_weight: float, quality_judge: str = SELF, exclude: str = "none"
) -> tuple[GameMix, ...]:
    """The instruction challenge of Language Self-Play: 8 queries per step, as in the paper, and nothing is replayed."""
    kwargs: dict[str, str | int | float | bool] = {"attempts": attempts, "style": style, "quality_weight": quality_weight}
    if quality_judge != SELF:
        kwargs["quality_judge"] = quality_judge
    return (GameMix(env_id=CHALLENGE, kwargs=kwargs, fresh=8, replay=0, references=0, exclude=exclude),)


def fixed_instructions(style: str, *, attempts: int, tasks: str, exclude: str = "none") -> tuple[GameMix, ...]:
    """The instruction challenge without a challenger, on 8 instructions of a source per step: its paper's baseline on data."""
    kwargs: dict[str, str | int | float | bool] = {"attempts": attempts, "style": style}
    mix = GameMix(env_id=CHALLENGE, kwargs=kwargs, fresh=0, replay=0, references=0, tasks=tasks, fixed=8, exclude=exclude)
    return (mix,)
