"""The memory that a run needs, as tables of `selfplay doctor --preset`: the learner's, on cards of several sizes, elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ..memory_plan.cards import (
    ASLEEP_BYTES,
    CARDS,
    GIB,
    SPARE,
    Demand,
    Fit,
    decoding_bytes,
    highest_share,
    tokens_per_reply,
)
from ..memory_plan.host import HostMemory
from ..memory_plan.learner import CONTEXT_BYTES
from ..memory_plan.plan import MemoryPlan
from ..memory_plan.remedies import Remedy
from .tables import print_table, say, say_command


def print_memory(console: Console, title: str, plan: MemoryPlan) -> None:
    """The whole plan of a run, with a remedy for every card that it does not fit."""
    demand = plan.demand
    print_table(console, _headline(title, demand), ("the learner", "GiB", "what it is"), _learner_rows(demand), prose=1)
    say(console, "")
    columns, rows = _columns(demand), _card_rows(demand, plan.fits)
    print_table(console, "Playing, the learner rests; updating, it is at its peak.", columns, rows)
    _print_engine(console, demand)
    _print_judge(console, demand)
    for fit in plan.fits:
        if not fit.fits:
            say(console, "")
            _print_remedy(console, fit, plan.remedies[fit.card])
    say(console, "")
    _print_elsewhere(console, demand, plan.host)
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
        ("copies", memory.copies, "the starting weights, or those that are sampled with while others are learned"),
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


def _card_rows(demand: Demand, fits: Sequence[Fit]) -> list[list[str]]:
    rows: list[list[str]] = []
    for fit in fits:
        share = highest_share(demand, fit.card)
        engine = [_gib(fit.engine), f"{fit.cache_tokens:,}", f"{share:.2f}" if share else "-"] if demand.engine else []
        verdict = "[green]yes[/green]" if fit.fits else "[red]no[/red]"
        rows.append([fit.card.name, f"{fit.card.gib:.1f}", *engine, _mark(fit.playing, fit), _mark(fit.updating, fit), verdict])
    return rows


def _mark(needed: int, fit: Fit) -> str:
    """GiB, red where they are too many."""
    return _gib(needed) if needed <= fit.room else f"[red]{_gib(needed)}[/red]"


def _print_engine(console: Console, demand: Demand) -> None:
    engine = demand.engine
    decoding = (
        f"{demand.rows} replies at a time, with keys and values of {tokens_per_reply(demand):,} tokens each, are decoded by "
        "the learner's"
    )
    if engine is None:
        say(console, f"{decoding} process: {_gib(decoding_bytes(demand))} GiB.")
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
        say(console, f"The frozen judge's {decoding} process beside it: {_gib(decoding_bytes(demand))} GiB.")


def _print_judge(console: Console, demand: Demand) -> None:
    judge = demand.judge
    if judge.weights:
        asked, resting = judge.beside(learner=judge.with_learner)
        rests = f"{_gib(resting)} GiB" if resting else "none"
        say(console, f"The reward model takes about {_gib(asked)} GiB while it is asked, {rests} while the learner updates.")


def _print_remedy(console: Console, fit: Fit, remedy: Remedy | None) -> None:
    where = f"a card of {fit.card.name}" if fit.card in CARDS else "the card here"
    few = "" if fit.cache_tokens >= fit.cache_wanted else " (not a single long message fits the engine)"
    if remedy is None:
        say(console, f"On {where} it does not fit{few}, and no setting here makes it: choose a smaller --model.")
        return
    only = ", and needs a smaller model" if remedy.smaller_model else ""
    after = f"{_gib(remedy.fit.playing)} GiB playing, {_gib(remedy.fit.updating)} updating"
    say(console, f"On {where} it does not fit{few}{only}. Added to `selfplay train`, these make it fit ({after}):")
    say_command(console, remedy.flags)


def _print_elsewhere(console: Console, demand: Demand, host: HostMemory) -> None:
    parts = {
        "in files for the engine": host.files,
        "pinned while it sleeps": host.asleep,
        "copied while a checkpoint is written": host.saving,
    }
    sizes = ", ".join(f"{_gib(size)} {where}" for where, size in parts.items() if size)
    peak = f"about {_gib(host.peak)} GiB more than torch takes by itself"
    say(console, f"Main memory: {peak} ({sizes}; loading takes {_gib(host.loading)}).")
    kept = demand.config.keep_checkpoints
    say(
        console,
        f"Disk: {_gib(host.checkpoint)} GiB a checkpoint, {_gib(host.checkpoints)} with keep_checkpoints={kept} and the one "
        "that is being written.",
    )


def _gib(size: int) -> str:
    """GiB with as many digits as mean something: never 0 for a size above 0."""
    gib = size / GIB
    return f"{gib:.1f}" if gib >= 0.095 else f"{gib:.2f}" if gib >= 0.005 else f"{gib:.4f}"
