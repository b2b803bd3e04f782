"""Right answers of an arm: how often each of its seeds answered each problem right, out of how many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selfplay_envs import UsageError

from ...evaluation.statistics import pass_at_ks


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """The answers of one arm, counted: S seeds, P problems."""

    name: str
    """Of the arm."""
    seeds: tuple[str, ...]
    """Names of its seeds; equal names in two arms are taken for a pair."""
    problems: tuple[str, ...]
    programs: tuple[str, ...]
    """Per problem the name of what it shares with others, such as a program: those are no independent evidence."""
    right_SP: np.ndarray
    """int64."""
    counted_SP: np.ndarray
    """Samples that count, int64: all that were asked but the void ones, which have no verdict."""
    void_SP: np.ndarray
    """int64."""
    names_programs: bool = True
    """Whether the files said which problems are about one program; else each counts as independent of all others."""
    lacking: str = ""
    """A sentence on problems that some of its seeds did not answer, which are left out; empty where there are none."""

    @property
    def samples(self) -> int:
        """Samples per problem: the least that any seed was asked of any problem, void ones too."""
        return int((self.counted_SP + self.void_SP).min())

    def rates(self, ks: Sequence[int]) -> np.ndarray:
        """pass@k of every seed, problem and k, float64 (S, P, K); NaN where fewer than k samples count."""
        return pass_at_ks(self.right_SP, self.counted_SP, ks)

    def of_problems(self, names: Sequence[str]) -> Trials:
        """The same arm on some of its problems, in this order."""
        place = {name: index for index, name in enumerate(self.problems)}
        chosen = [place[name] for name in names]
        return replace(
            self,
            problems=tuple(names),
            programs=tuple(self.programs[index] for index in chosen),
            right_SP=self.right_SP[:, chosen],
            counted_SP=self.counted_SP[:, chosen],
            void_SP=self.void_SP[:, chosen],
        )

    def of_seeds(self, names: Sequence[str]) -> Trials:
        """The same arm with some of its seeds, in this order."""
        chosen = [self.seeds.index(name) for name in names]
        return replace(
            self,
            seeds=tuple(names),
            right_SP=self.right_SP[chosen],
            counted_SP=self.counted_SP[chosen],
            void_SP=self.void_SP[chosen],
        )


@dataclass(slots=True)
class Count:
    """Answers of one seed to one problem."""

    right: int = 0
    counted: int = 0
    void: int = 0
    program: str = ""
    """Empty where the file does not say."""


def trials_of(name: str, seeds: Mapping[str, Mapping[str, Count]]) -> Trials:
    """An arm from the counts of its seeds, on the problems that all of them answered.

    Args:
        name: Of the arm.
        seeds: By the name of the seed, then by the name of the problem.

    Raises:
        UsageError: There are no seeds, or they have no problem in common, or call a problem's program by two names.
    """
    if not seeds:
        raise UsageError(f"arm {name!r} has no answers; name at least one file.")
    counts = list(seeds.values())
    problems = [problem for problem in counts[0] if all(problem in of_seed for of_seed in counts)]
    if not problems:
        raise UsageError(f"arm {name!r}: its {len(counts)} seeds have no problem in common; measure all on the same problems.")
    by_seed = [[of_seed[problem] for problem in problems] for of_seed in counts]
    named = [{one.program for one in of_problem if one.program} for of_problem in zip(*by_seed, strict=True)]
    for problem, programs in zip(problems, named, strict=True):
        if len(programs) > 1:
            raise UsageError(
                f"arm {name!r}: problem {problem} is about different programs in its files ({', '.join(sorted(programs))}); "
                "measure all seeds on the same problems."
            )
    return Trials(
        name,
        tuple(seeds),
        tuple(problems),
        tuple(next(iter(programs), problem) for problem, programs in zip(problems, named, strict=True)),
        np.array([[one.right for one in of_seed] for of_seed in by_seed], dtype=np.int64),
        np.array([[one.counted for one in of_seed] for of_seed in by_seed], dtype=np.int64),
        np.array([[one.void for one in of_seed] for of_seed in by_seed], dtype=np.int64),
        all(named),
        _lacking(name, seeds, problems),
    )


def trials_of_rows(name: str, rows: Mapping[str, Mapping[str, Any]]) -> Trials:
    """An arm from rows of `eval.jsonl` or of `selfplay eval --json`, by the name of the seed.

    Raises:
        UsageError: As `trials_of`.
    """
    return trials_of(name, {seed: counts_of_row(row) for seed, row in rows.items()})


def counts_of_row(row: Mapping[str, Any]) -> dict[str, Count]:
    """The counts of a row, whose problems have no names but their places.

    Rows of older runs do not name programs; there the number of problems is a part of the name, so that those of two different
    files of tasks are not taken for the same.
    """
    counts: dict[str, Count] = {}
    for game, entry in row["problems"].items():
        right, samples = entry["right"], int(entry["samples"])
        void = entry["void"] if isinstance(entry.get("void"), list) else [0] * len(right)
        programs = entry.get("programs") or [""] * len(right)
        behind = "" if "programs" in entry else f" of {len(right)}"
        for place, (is_right, is_void, program) in enumerate(zip(right, void, programs, strict=True)):
            counts[f"{game}/{place}{behind}"] = Count(int(is_right), samples - int(is_void), int(is_void), program)
    return counts


def _lacking(name: str, seeds: Mapping[str, Mapping[str, Count]], common: Sequence[str]) -> str:
    """Says which seeds did not answer all problems that any of them did; empty where all did."""
    every = {problem for of_seed in seeds.values() for problem in of_seed}
    short = [f"{seed} lacks {len(every) - len(of_seed)}" for seed, of_seed in seeds.items() if len(of_seed) < len(every)]
    if not short:
        return ""
    return f"{name}: {len(common)} of {len(every)} problems count, those that all its seeds answered; {', '.join(short)}."


def on_common_problems(base: Trials, trained: Trials) -> tuple[Trials, Trials]:
    """Two arms on the problems that both have, in the base's order.

    Raises:
        UsageError: They have none in common, or a problem of the same name is about another program.
    """
    theirs = dict(zip(trained.problems, trained.programs, strict=True))
    common = [problem for problem in base.problems if problem in theirs]
    if not common:
        raise UsageError(
            f"arms {base.name!r} and {trained.name!r} have no problem in common (such as {base.problems[0]!r} and "
            f"{trained.problems[0]!r}); measure both on one set of problems, and call each problem by the same name."
        )
    if base.names_programs and trained.names_programs:
        ours = dict(zip(base.problems, base.programs, strict=True))
        other = [problem for problem in common if ours[problem] != theirs[problem]]
        if other:
            raise UsageError(
                f"arms {base.name!r} and {trained.name!r}: {len(other)} of {len(common)} problems are about other programs "
                f"({other[0]} is one); measure both on one set of problems."
            )
    first, second = base.of_problems(common), trained.of_problems(common)
    if first.names_programs != second.names_programs:  # whichever knows them tells the other
        programs, known = (first if first.names_programs else second).programs, True
        first, second = (replace(arm, programs=programs, names_programs=known) for arm in (first, second))
    return first, second


def left_out(base: Trials, trained: Trials) -> str:
    """Sentences about problems that some seeds of an arm lack, or one of the arms; empty where there are none."""
    sentences = [arm.lacking for arm in (base, trained) if arm.lacking]
    common = len(set(base.problems) & set(trained.problems))
    if not common == len(base.problems) == len(trained.problems):
        sentences.append(
            f"{base.name} has {len(base.problems)} problems and {trained.name} {len(trained.problems)}: compared on the "
            f"{common} that both have."
        )
    return " ".join(sentences)


def unpaired_seeds(base: Trials, trained: Trials) -> str:
    """A sentence about seeds that only one of two arms has, where the others are pairs; empty where there are none."""
    alone = [
        f"{', '.join(names)} of {arm.name}"
        for arm, other in ((base, trained), (trained, base))
        if (names := [name for name in arm.seeds if name not in other.seeds])
    ]
    return f"Seeds that only one of both has are left out: {'; '.join(alone)}." if alone else ""
