"""`selfplay analyze pass-at-k`: what a trained model solves with 1, 2, 4, ... samples, beside its base."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from selfplay_envs import UsageError

from ...arguments.parser import parse
from ...core.files import write_whole
from ...display.tables import make_console, say
from .outputs import check_outputs, json_text

if TYPE_CHECKING:  # it loads scipy
    from ...analysis.answers.files import Place
    from ...analysis.answers.pass_at_k import PassAtK
    from ...analysis.answers.trials import Trials

PICTURES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class PassAtKOptions:
    """Compares pass@k of trained models with that of their base, from samples that are right or wrong, whoever drew them.

    With one sample the better model is the surer one; with many, the one that can solve more. Training that only sharpens is
    above its base at k = 1 and falls behind at large k. For every k the difference is paired by problem, and its interval takes
    account of the problems and of the seeds of training.

    A model is one file or folder, or several that are its seeds, with commas between them or as a pattern in quotes:

    selfplay eval tiny runs/azr-tiny --samples 128 --json both.jsonl

    selfplay analyze pass-at-k both.jsonl

    selfplay analyze pass-at-k base.jsonl 'trained/seed-*.jsonl' 'other/seed-*.jsonl' --names base,rl,sft --plot curves.png

    Samples of your own are lines such as {"problem": "aime-3", "correct": true}, one per sample. "correct" may also be the list
    of a problem's samples, and null for a sample without a verdict; "program" names what problems share that are no independent
    evidence. Files with seed-1, seed-2, ... in their paths are paired by seed where both models have them.
    """

    arms: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="BASE [TRAINED ...]")]
    """Each FILE, FOLDER, or several. A file of samples; a file of `selfplay eval --json` (FILE@MODEL where it holds several
    models); a folder of files of samples; or a run's folder, for its last evaluation (RUN@STEP for another). Alone, a file of
    several models compares the others with its first, and runs their last evaluation with their first."""
    names: str = ""
    """Names for table and picture, with commas between them, that of the base first."""
    k: tuple[int, ...] = ()
    """As in --k 1 8 64, at most half of the samples per problem; by default powers of two."""
    plot: Path | None = None
    """Draw the curves into this file: .png, .svg or .pdf."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write all numbers to this file."""


def pass_at_k(args: Sequence[str]) -> int:
    """`selfplay analyze pass-at-k BASE [TRAINED ...]`."""
    command = parse(PassAtKOptions, "analyze pass-at-k", args)
    check_outputs(command.json, command.plot, endings=PICTURES)
    console = make_console()
    with console.status("reading ..."):
        from ...analysis.answers.pass_at_k import compare_pass_at_k
        from .pass_at_k_tables import print_comparison, print_notes, print_solved

        base, *trained = read_arms(command.arms, command.names)
        comparisons = [compare_pass_at_k(base, arm, command.k) for arm in trained]
    for one in comparisons:
        print_comparison(console, one)
    print_solved(console, comparisons)
    print_notes(console, comparisons)
    _write(console, command, comparisons)
    return 0


def read_arms(texts: Sequence[str], names: str = "") -> list[Trials]:
    """The base and the trained arms, of which there is at least one.

    Raises:
        UsageError: There is nothing to compare, or names do not fit, or a file does.
    """
    from ...analysis.answers.files import read_arm

    places = _arms(texts)
    chosen = [name.strip() for name in names.split(",")] if names else _short_names(places)
    if len(chosen) != len(places) or len(set(chosen)) < len(chosen) or not all(chosen):
        raise UsageError(f"names={names!r} must be {len(places)} different ones, that of the base first.")
    return [read_arm(name, own) for name, own in zip(chosen, places, strict=True)]


def _arms(texts: Sequence[str]) -> list[list[Place]]:
    """The places of every arm's seeds, the base first."""
    from ...analysis.answers.files import FIRST, Place, models_in, places_of, rows_in

    if not texts:
        raise UsageError("arms: none is named; type BASE TRAINED, each a file of samples or a run's folder.")
    arms = [places_of(text) for text in texts]
    if len(arms) > 1:
        return arms
    [alone] = arms
    models = models_in(alone[0]) if len(alone) == 1 and not alone[0].row else []
    if len(models) > 1:
        return [[Place(alone[0].path, model)] for model in models]
    if all(len(rows_in(place)) > 1 and not place.row for place in alone):
        return [[Place(place.path, FIRST) for place in alone], alone]
    raise UsageError(f"arms={texts[0]!r} is only one; name the base first and then what was trained, as BASE TRAINED.")


def _short_names(arms: Sequence[Sequence[Place]]) -> list[str]:
    """A name per arm: the model's in a file of several, or that of the file, or of the folder that all its seeds are in."""
    from ...analysis.answers.files import FIRST

    names: list[str] = []
    for places in arms:
        path = Path(os.path.commonpath([place.path.resolve() for place in places]))
        name = path.parent.name if path.name == "eval.jsonl" else path.stem if path.is_file() else path.name
        row = places[0].row
        is_step = row.isdigit() or row == FIRST
        names.append(f"{name}@{row}" if is_step else row or name)
    return names if len(set(names)) == len(names) else [f"{number} {name}" for number, name in enumerate(names, 1)]


def _write(console: Console, command: PassAtKOptions, comparisons: Sequence[PassAtK]) -> None:
    """The picture and the numbers, where they are asked for."""
    if command.plot is not None:
        from ...reports.pass_at_k import draw_pass_at_k
        from ...reports.style import save_picture

        save_picture(draw_pass_at_k(comparisons), command.plot)
        say(console, f"Drawn into {command.plot}")
    if command.json is not None:
        write_whole(command.json, json_text([asdict(one) for one in comparisons]))
        say(console, f"Written to {command.json}")
