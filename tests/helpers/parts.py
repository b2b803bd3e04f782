"""Parts of one's own, right and wrong, in modules that tests write and import: judges, rewards, shapers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PARTS = '''
from __future__ import annotations

from selfplay_envs import Score


class Vowels:
    """Scores by the share of a letter, times a weight."""

    def __init__(self, weight: float = 1.0, *, letter: str = "a", cap: int | None = None, model: object = None):
        self.weight, self.letter, self.cap = weight, letter, cap

    def score(self, items):
        counts = [[answer.count(self.letter) for answer in item.answers] for item in items]
        return [Score(values=tuple(self.weight * min(n, self.cap or n) for n in row)) for row in counts]


class Broken:
    def __init__(self, path):
        open(path)


def nothing():
    pass


JUDGE = Vowels(3)
NUMBER = 7


def curve(stats, *, peak=0.5):
    return 1 - abs(stats.rate - peak)


def worded(stats):
    return "a lot"


def halved(stats):
    return stats.rate / 0


def flat(episodes, weight: float = 1.0, both: bool = False):
    return {(index, 0): weight for index, _ in enumerate(episodes)}


def listed(episodes):
    return []


def left(stats=None):
    raise SystemExit(4)
'''
MODULES = {
    "my_parts": PARTS,
    "my_broken": "x = 1\n\ny = nowhere\n",
    "my_needy": "\nimport a_package_that_is_not_there\n",
    "my_leaving": "import sys\nsys.exit(3)\n",
    "my_lines": "raise ValueError('one line\\n  and another')\n",
}


def write_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules `my_parts` and others that can be imported; forgotten when the iterator goes on."""
    monkeypatch.syspath_prepend(folder)
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    sys.modules.pop("my_parts", None)
