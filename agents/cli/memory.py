"""What memory a run needs, as tables: of the learner, on cards of several sizes, and elsewhere. `selfplay doctor --preset`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ..config import TrainConfig
from ..memory_cards import (
    ASLEEP_BYTES,
    CARDS,
    GIB,
    SPARE,
    Card,
    Demand,
    Fit,
    card_here,
    decoding_bytes,
    demand_of,
    fit_on,
    highest_share,
    spoken,
)
from ..memory_elsewhere import plan_host
from ..memory_plan import CONTEXT_BYTES
from ..memory_remedies import find_remedy
from ..run_checks import Parts, check_run
from ..tables import print_table, say, say_command


def print_memory(console: Console, title: str, config: TrainConfig) -> None:
    """The whole plan of a run, with a remedy for every card that it does not fit.

    Raises:
        ModelUnavailable: The sizes of its model are not known here.
        ValueError: As of `check_run`.
    """
    parts = check_run(config)
    demand = demand_of(config, parts)
    here = card_here(config.device)
    cards = (*((here,) if here else ()), *CARDS)
    fits = [fit_on(demand, card) for card in cards]
    print_table(console, _headline(title, demand), ("the learner", "GiB", "what it is"), _learner_rows(demand), prose=1)
    say(console, "")
    print_table(console, "Playing, the learner rests; updating, it is at its peak.", _columns(demand), _rows(demand, fits))
    _print_engine(console, demand)
    for card, fit in zip(cards, fits, strict=True):
        if not fit.fits:
            say(console, "")
            _print_remedy(console, config, parts, card, fit)
    say(console, "")
    _print_elsewhere(console, demand)
    say(console, f"`About` is estimated, all else exact; {100 * SPARE:.0f} % of a card are left free for that.")


def _headline(title: str, demand: Demand) -> str:
    config = demand.config.learner
    trains = f"rank-{config.lora_rank} adapters train" if config.lora_rank else "every weight trains"
    weights = demand.shape.weights
    size = f"{weights / 1e9:.2f} billion" if weights >= 1e8 else f"{weights / 1e6:.1f} million"
    return f"{title}: {demand.config.model}, {size} weights, {config.dtype}; {trains}"


def _learner_rows(demand: Demand) -> list[list[str]]:
    memory, load, config = demand.learner, demand.load, demand.config.learner
    layers, tokens = demand.shape.layers, f"{load.tokens:,}"
    if config.gradient_checkpointing:
        kept = f"about: inputs of {layers} layers, {tokens} positions of a micro-batch"
        working = "about: a layer computed again and its gradients, or the logits"
    else:
        kept = f"about: what {layers} layers keep of {tokens} positions (gradient_checkpointing keeps less)"
        working = "about: gradients within a layer, or the logits"
    working += f" ({_gib(memory.head)}), whichever is more"
    rows: list[tuple[str, int, str] | None] = [
        ("weights", memory.weights, config.dtype),
        ("adapters", memory.adapters, f"{load.adapters} of rank {config.lora_rank}, {config.dtype}"),
        ("masters", memory.masters, "float32, of what trains"),
        ("Adam", memory.adam, "two float32 numbers for each that trains"),
        ("copies", memory.copies, "the starting weights, or those that speak while others are learned"),
        ("CUDA", CONTEXT_BYTES, "about: its context and libraries"),
        ("[bold]resting[/bold]", memory.resident, "what stays, once torch's cache is emptied"),
        None,
        ("gradients", memory.gradients, "float32"),
        ("kept", memory.kept, kept),
        ("working", max(memory.layer, memory.head), working),
        ("masks", memory.mask, f"about: who sees whom, as up to {load.panel} replies share a prompt"),
        ("[bold]updating[/bold]", memory.peak, "about: the peak; no other micro-batch takes more"),
    ]
    return [[] if row is None else [row[0], _gib(row[1]), row[2]] for row in rows if row is None or row[1]]


def _columns(demand: Demand) -> tuple[str, ...]:
    engine = ("engine", "tokens", "highest share") if demand.engine else ()
    return ("card", "GiB", *engine, "playing", "updating", "fits")


def _rows(demand: Demand, fits: Sequence[Fit]) -> list[list[str]]:
    rows: list[list[str]] = []
    for fit in fits:
        share = highest_share(demand, fit.card)
        engine = [_gib(fit.engine), f"{fit.cache_tokens:,}", f"{share:.2f}" if share else "-"] if demand.engine else []
        verdict = "[green]yes[/green]" if fit.fits else "[red]no[/red]"
        rows.append(
            [fit.card.name, f"{fit.card.gib:.1f}", *engine, *(_mark(one, fit) for one in (fit.playing, fit.updating)), verdict]
        )
    return rows


def _mark(needed: int, fit: Fit) -> str:
    """GiB, red where they are too many."""
    return _gib(needed) if needed <= fit.room else f"[red]{_gib(needed)}[/red]"


def _print_engine(console: Console, demand: Demand) -> None:
    engine = demand.engine
    own = (
        f"{demand.rows} replies at a time, with keys and values of {spoken(demand):,} tokens each, are decoded by the learner's"
    )
    if engine is None:
        say(console, f"{own} process: {_gib(decoding_bytes(demand))} GiB.")
        return
    given = f"gpu_memory_utilization={engine.share:g} of a card"
    share = "as much as its keys and values need" if engine.cache_bytes else given
    sleeps = f"asleep, about {_gib(ASLEEP_BYTES)} GiB" if engine.sleeps else "never asleep"
    say(
        console,
        f"The engine takes {share} ({sleeps}) and holds keys and values of about so many tokens; a message may have "
        f"{engine.longest:,}.",
    )
    if demand.apart:
        say(console, f"The learner has a card of its own, {demand.config.device}: the fuller of both is shown.")
    if demand.rows:
        say(console, f"The frozen judge's {own} process beside it: {_gib(decoding_bytes(demand))} GiB.")


def _print_remedy(console: Console, config: TrainConfig, parts: Parts, card: Card, fit: Fit) -> None:
    remedy = find_remedy(config, card, parts)
    where = f"a card of {card.name}" if card in CARDS else "the card here"
    few = "" if fit.cache_tokens >= fit.cache_wanted else " (not a single long message fits the engine)"
    if remedy is None:
        say(console, f"On {where} it does not fit{few}, and no setting here makes it: choose a smaller --model.")
        return
    only = ", and needs a smaller model" if remedy.smaller_model else ""
    after = f"{_gib(remedy.fit.playing)} GiB playing, {_gib(remedy.fit.updating)} updating"
    say(console, f"On {where} it does not fit{few}{only}. Added to `selfplay train`, these make it fit ({after}):")
    say_command(console, remedy.flags)


def _print_elsewhere(console: Console, demand: Demand) -> None:
    host = plan_host(demand)
    parts = {
        "in files for the engine": host.files,
        "pinned while it sleeps": host.asleep,
        "copied while a checkpoint is written": host.saving,
    }
    told = ", ".join(f"{_gib(size)} {what}" for what, size in parts.items() if size)
    told = f"{told}; loading takes {_gib(host.loading)}"
    say(console, f"Main memory: about {_gib(host.peak)} GiB more than torch takes by itself ({told}).")
    kept = demand.config.keep_checkpoints
    say(
        console,
        f"Disk: {_gib(host.checkpoint)} GiB a checkpoint, {_gib(host.checkpoints)} with keep_checkpoints={kept} and the one "
        "that is being written.",
    )


def _gib(size: int) -> str:
    """With as many digits as say something: never 0 for what is there."""
    gib = size / GIB
    return f"{gib:.1f}" if gib >= 0.095 else f"{gib:.2f}" if gib >= 0.005 else f"{gib:.4f}"
