"""How a benchmark is declared: its facts, and one function that brings its rows into the form that a verifier reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..sources.hub import read_hub
from ..sources.problems import Convert, problems_in
from ..sources.rows import read_rows
from ..sources.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A public benchmark. Calling it makes its `Source`, so that an instance is what `SOURCES` names.

    A benchmark with options of its own is a function with the keywords of `__call__` and its own, which calls an instance.
    """

    name: str
    hub: str
    """Its id on the hub, with `:config` where it has several, as in `openai/gsm8k:main`."""
    split: str = "test"
    """The split that counts."""
    rows: int
    """Problems in that split."""
    convert: Convert
    """From its own row to one that its verifier reads; None leaves a row out. A KeyError names a column that the row lacks."""
    verifier: str
    prompt: str = "full"
    licence: str
    url: str
    """Where its facts were looked up."""
    paper: str
    notes: str = ""
    """What its public harness counts differently, and the options that switch to that."""

    def __call__(self, *, path: str = "", split: str = "", limit: int = 0, verifier: str = "") -> Source:
        """The benchmark as a source; reads nothing.

        Args:
            path: A local file with its rows (`.jsonl`, `.json`, `.csv`, `.tsv`, `.parquet`); empty: the hub.
            split: Another split of the hub than the one that counts.
            limit: The first problems alone; 0: all.
            verifier: In place of its own.
        """
        hub, _, config = self.hub.partition(":")
        split = split or self.split
        remedy = f"give a local file as in {self.name}:path=FILE"

        def read():
            rows = read_rows(Path(path)) if path else read_hub(hub, config, split, remedy=remedy)
            return problems_in(rows, verifier or self.verifier, limit=limit, convert=self.convert)

        return Source(
            name=self.name,
            read=read,
            verifier=verifier or self.verifier,
            prompt=self.prompt,
            rows=self.rows if split == self.split else 0,
            origin=path or f"hf:{hub}:{config}:{split}",
            file=path,
            licence=self.licence,
            url=self.url,
            paper=self.paper,
            notes=self.notes,
        )
