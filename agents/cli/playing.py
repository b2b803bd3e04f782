"""The verb `play`: a person against a model, or a model against itself, one game in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro
from rich.console import Console

from selfplay_envs import Ask, Match, RandomTextPlayer, Referee, Reply, Start, UsageError, make_game, write_episodes
from selfplay_envs.prompts import find_style

from ..human import HumanPlayer, Player, play_match
from ..sampler_text import needs_model
from .runs import find_model
from .terminal import make_console, parse, quiet_libraries, resolve_game

if TYPE_CHECKING:  # these load torch
    from ..sampler import Sampler
    from ..sampling import Sampling

TERSE_MODELS = ("tiny",)
"""Models that were trained on the terse wording; every other model is asked in full."""

MAX_GAMES = 8
"""Games started, each with the next seed, until a person's turn comes: a model's proposal is often not valid."""


@dataclass(frozen=True)
class Play:
    """One game in the terminal: you play a role, a model plays the others. `--role none` watches the model play itself."""

    game: tyro.conf.Positional[str]
    """An id from `selfplay envs` (`KuhnPoker` is short for SelfPlay/KuhnPoker-v0), or `module:ID`."""
    role: str = ""
    """The role you play; by default the last one, which is the solver where there is one. `none` to watch."""
    model: str = "tiny"
    """Who plays the other roles: tiny, smollm2, a folder (also of a run), a Hugging Face id, or random (random text)."""
    sampler: str = "transformers"
    """What computes the replies: transformers, vllm, or a remote model in place of `--model`:
    endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE."""
    seed: int = 0
    """Of the episode and of the model's replies."""
    attempts: int = 1
    """Size of the panel: how often the solver's role is played."""
    style: str | None = None
    """Wording of the game, full or terse; by default what the model was trained on. You read the full one unless you choose."""
    sandbox: str = "auto"
    """What runs programs: auto, docker or process."""
    temperature: float = 1.0
    """Of the model's replies; 0 takes the likeliest token."""
    max_new_tokens: int = 512
    """Length of a model's reply at most, in tokens."""
    save: Path | None = None
    """Append the episode to this .jsonl file, for `selfplay replay`."""


def play(args: Sequence[str]) -> int:
    """`selfplay play ID`: 0 at the end of the game, and where the person left it."""
    command = parse(Play, "play", args)
    env_id = resolve_game(command.game)
    style = command.style or (trained_style(command.model) if needs_model(command.sampler) else "full")
    find_style(style)
    roles = make_game(env_id).roles
    human = command.role or roles[-1]
    if human not in (*roles, "none"):
        raise UsageError(f"role={human!r} is not a role of {env_id}; choose one of {', '.join(roles)}, or none to watch.")
    console = make_console()
    keywords = _keywords(env_id, command.attempts, style)
    others = [role for role in roles if role != human]
    player, reserved = open_player(command, console) if others else (None, ())
    referee = Referee(command.sandbox, reserved=reserved)
    players: dict[str, Player] = {role: player for role in others if player is not None}
    if human != "none":
        players[human] = HumanPlayer(console, command.style or "full")
    console.print(f"[bold]{env_id}[/bold]: {_cast(human, others, _name(command))}; sandbox {referee.sandbox.name}.")
    for seed in range(command.seed, command.seed + MAX_GAMES):
        console.rule(f"seed {seed}", align="left")
        match = Match(Start(env_id, seed, keywords))
        episode = play_match(match, players, referee, console, human_role=None if human == "none" else human)
        if episode is None:
            return 0
        if command.save is not None:
            write_episodes(command.save, [episode], append=True)
        if human in ("none", *(played.slot.role for played in episode.messages)):
            break
        console.print("It ended before your turn.")
    if command.save is not None:
        console.print(f"Saved. Type: selfplay replay {command.save}")
    return 0


def trained_style(model: str) -> str:
    """The wording that a model knows: a run's own, `terse` for the tiny model, `full` for any other."""
    config = find_model(model)[1]
    if config is not None:
        return str(config.games[0].kwargs.get("style", "full"))
    return "terse" if model in TERSE_MODELS else "full"


def _keywords(env_id: str, attempts: int, style: str) -> dict[str, object]:
    """The panel size, and the style where the game has one."""
    styled = hasattr(make_game(env_id), "style")
    return {"attempts": attempts, "style": style} if styled else {"attempts": attempts}


def _name(command: Play) -> str:
    """Who is said to play: never the whole text of an endpoint, which is long."""
    return command.model if needs_model(command.sampler) or command.model == "random" else "the endpoint"


def _cast(human: str, others: Sequence[str], model: str) -> str:
    if human == "none":
        return f"{model} plays {' and '.join(others)}"
    return f"you are {human}" + (f", {model} is {' and '.join(others)}" if others else "")


def open_player(command: Play, console: Console) -> tuple[Player, Sequence[str]]:
    """The player behind `--model`, and the texts that it cannot be shown; loads torch only for a real model.

    Raises:
        ModelUnavailable: The model is not on this machine.
    """
    if command.model == "random":
        return RandomTextPlayer(np.random.default_rng(command.seed)), ()
    with console.status(f"loading {_name(command)} ..."):
        from ..chat import special_tokens
        from ..models import load_model
        from ..samplers import open_sampler
        from ..sampling import Sampling

        quiet_libraries()
        local = needs_model(command.sampler)
        model, tokenizer = load_model(find_model(command.model)[0]) if local else (None, None)
        sampler = open_sampler(command.sampler, model, tokenizer)
        sampling = Sampling(temperature=command.temperature, max_new_tokens=command.max_new_tokens)
    reserved = special_tokens(tokenizer) if tokenizer is not None else ()
    return sampler_player(sampler, sampling, command.seed), reserved


def sampler_player(sampler: Sampler, sampling: Sampling, seed: int) -> Player:
    """A player whose every reply has a seed of its own, named by the slot it fills."""
    from ..seeding import seed_of

    def act(asks: Sequence[Ask]) -> list[Reply]:
        seeds = [[seed_of(seed, "play", ask.match.start.seed, *ask.slot)] for ask in asks]
        return [replies[0] for replies in sampler.act([ask.messages for ask in asks], sampling, seeds)]

    return act
