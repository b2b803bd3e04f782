"""The verb `play`: one game in the terminal, of a person with a model, or of a model with itself."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.text import Text

from selfplay_envs import Match, PendingPrompt, RandomTextPlayer, Referee, Reply, Start, UsageError, make_game, write_episodes

from ..arguments.game_ids import full_game_id
from ..arguments.open_model import open_model
from ..arguments.own_judge import Judges, judges_of
from ..arguments.parser import check_writable, parse
from ..arguments.prompt_style import FULL, wording_of
from ..config.game_keywords import check_wording, keywords_of, with_style
from ..config.sampler import needs_model
from ..config.sampling import Sampling
from ..core.seeding import seed_of
from ..display.human import HumanPlayer
from ..display.match import Player, play_match
from ..display.tables import make_console, say, say_command
from ..runs.folder import find_model

if TYPE_CHECKING:  # it loads torch
    from ..samplers.base import Sampler

MAX_GAMES = 8
"""Games started, each with the next seed, until a person's turn comes: a model's proposal is often not valid."""


@dataclass(frozen=True)
class Play:
    """One game in the terminal: you play a role, a model plays the others. `--role none` watches the model play itself."""

    game: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GAME")]
    """An id from `selfplay envs` (`KuhnPoker` is short for SelfPlay/KuhnPoker-v0), or `module:ID`."""
    role: str = ""
    """The role you play; by default one that answers, such as the solver, else the last. `none` to watch."""
    model: str = "tiny"
    """Who plays the other roles: tiny, smollm2, a folder (also of a run), a Hugging Face id, or random (random text)."""
    sampler: str = "transformers"
    """What computes the replies: transformers, vllm, or a remote model in place of `--model`:
    endpoint:url=http://localhost:8000/v1,model=NAME,key_env=VARIABLE."""
    seed: int = 0
    """Of the episode and of the model's replies."""
    attempts: int = 1
    """Size of the panel: how often a role that answers is played, or each role where none does."""
    style: str | None = None
    """Wording of the game, full or terse; by default what the model was trained on. You read the full one unless you choose."""
    sandbox: str = "auto"
    """What runs programs: auto, docker or process."""
    judge: str = ""
    """What scores answers in games that ask a judge, as in `selfplay train`; by default the run's, else rules. `self` is the
    model with the weights that the run started from."""
    temperature: float = 1.0
    """Of the model's replies; 0 takes the likeliest token."""
    max_new_tokens: int = 512
    """Length of a model's reply at most, in tokens."""
    save: Path | None = None
    """Append the episode to this .jsonl file, for `selfplay replay`."""


def play(args: Sequence[str]) -> int:
    """`selfplay play ID`: 0 at the end of the game, and where the person left it."""
    command = parse(Play, "play", args)
    env_id = full_game_id(command.game)
    if command.save is not None:
        check_writable(command.save, "save")
    style = command.style or (wording_of(command.model, env_id) if needs_model(command.sampler) else FULL)
    check_wording(style, [env_id])
    game = make_game(env_id)
    roles = game.roles
    human = command.role or (game.answers or roles)[-1]
    if human not in (*roles, "none"):
        raise UsageError(f"role={human!r} is not a role of {env_id}; choose one of {', '.join(roles)}, or none to watch.")
    console = make_console()
    panel = {"attempts": command.attempts} if command.attempts != 1 or "attempts" in keywords_of(env_id) else {}
    keywords = with_style(style, env_id, panel)
    others = [role for role in roles if role != human]
    players, reserved = open_players(command, others, console) if others else ({}, ())
    referee = Referee(command.sandbox, *_judges(command), reserved=reserved)
    if human != "none":
        players[human] = HumanPlayer(console, command.style or "full")
    about = f": {_cast(human, others, _model_name(command))}; sandbox {referee.sandbox.name}."
    say(console, Text.assemble((env_id, "bold"), about))
    for seed in range(command.seed, command.seed + MAX_GAMES):
        console.rule(f"seed {seed}", align="left")
        match = Match(Start(env_id, seed, keywords))
        episode = play_match(match, players, referee, console, human_role=None if human == "none" else human)
        if episode is None:
            return 0
        if command.save is not None:
            write_episodes(command.save, [episode], append=True)
        if human in ("none", *(turn.slot.role for turn in episode.messages)):
            break
        console.print("It ended before your turn.")
    if command.save is not None:
        console.print("Saved. Type:")
        say_command(console, f"selfplay replay {shlex.quote(str(command.save))}")
    return 0


def _judges(command: Play) -> Judges:
    """The judges of the run that plays, or of a model."""
    if not needs_model(command.sampler) or command.model == "random":
        return judges_of(command.judge or "rules", None)
    config = find_model(command.model)[1]
    return judges_of(command.judge or (config.judge if config else "rules"), config, command.model)


def _model_name(command: Play) -> str:
    """The model's name for people: never the whole text of an endpoint, which is long."""
    return command.model if needs_model(command.sampler) or command.model == "random" else "the endpoint"


def _cast(human: str, others: Sequence[str], model: str) -> str:
    if human == "none":
        return f"{model} plays {' and '.join(others)}"
    return f"you are {human}" + (f", {model} is {' and '.join(others)}" if others else "")


def open_players(command: Play, roles: Sequence[str], console: Console) -> tuple[dict[str, Player], Sequence[str]]:
    """The players behind `--model`, by role, and the texts that no prompt may hold; loads torch only for a real model.

    Roles that were trained with adapters of their own play with them.

    Raises:
        ModelUnavailable: The model is not on this machine.
        CheckpointError: Its adapters are not for it.
    """
    if command.model == "random":
        player = RandomTextPlayer(np.random.default_rng(command.seed))
        return dict.fromkeys(roles, player), ()
    with console.status(f"loading {_model_name(command)} ..."):
        model = open_model(command.model, command.sampler)
        sampling = Sampling(temperature=command.temperature, max_new_tokens=command.max_new_tokens)
    for note in model.notes:
        say(console, note)
    samplers = {role: model.by_role.get(role, model.sampler) for role in roles}
    return {role: sampler_player(sampler, sampling, command.seed) for role, sampler in samplers.items()}, model.reserved


def sampler_player(sampler: Sampler, sampling: Sampling, seed: int) -> Player:
    """A player whose every reply has a seed of its own, named by the slot it fills."""

    def reply_to(prompts: Sequence[PendingPrompt]) -> list[Reply]:
        seeds = [[seed_of(seed, "play", prompt.match.start.seed, *prompt.slot)] for prompt in prompts]
        return [replies[0] for replies in sampler.generate([prompt.messages for prompt in prompts], sampling, seeds)]

    return reply_to
