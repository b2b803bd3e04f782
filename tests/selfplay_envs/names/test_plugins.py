"""Games of installed packages: a real little distribution on the path, in a process of its own, in every order of imports."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

GAME = """
from selfplay_envs import Game, Slot, Verdict, Message

class Chain(Game):
    roles = ("player",)
    def __init__(self, *, attempts=1, length=1):
        super().__init__(attempts=attempts)
        self.length = length
    def reset(self, rng, options):
        self.over = False
    def pending(self):
        return () if self.over else (Slot("player", 0, 0),)
    def prompt(self, slot):
        return (Message("user", "say"),)
    def judge(self, slot, text, finish_reason):
        return Verdict(valid=True)
        yield
    def apply(self, slot, text, verdict):
        self.over, self.credit[slot], self.outcome[slot.role, 0] = True, 1.0, 1.0
"""
FUNCTION = (
    GAME
    + """
from selfplay_envs import register_game

def register():
    register_game("Mine/Chain-v0", "mygames.reg:Chain", length=3)
"""
)
ASK = "import gymnasium; print(gymnasium.make('Mine/Chain-v0').unwrapped.game.length)"


def installed(folder: Path, entry: str, files: dict[str, str]) -> None:
    """A package `mygames` with these modules, and metadata with one entry point for games."""
    metadata = folder / "mygames-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mygames\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[selfplay_envs.games]\n{entry}\n")
    for name, text in files.items():
        path = folder / "mygames" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def said(folder: Path, *lines: str) -> tuple[str, str]:
    code = "\n".join([f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]", *lines])
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    return ran.stdout, ran.stderr


@pytest.mark.parametrize(
    "first",
    [
        "import selfplay_envs",
        "import mygames.reg",  # which imports selfplay_envs, which loads mygames.reg: half imported
        "import mygames",
        "import selfplay_envs.core.game, mygames.reg",
        "import mygames.reg, selfplay_envs; print(*[one for one in selfplay_envs.game_ids() if 'Mine' in one]); sys.exit()",
    ],
)
def test_a_plugin_registers_whichever_is_imported_first(tmp_path, first):
    installed(tmp_path, "mine = mygames.reg:register", {"__init__.py": "import selfplay_envs\n", "reg.py": FUNCTION})
    out, err = said(tmp_path, first, ASK)
    assert (out.strip(), err) == ("Mine/Chain-v0" if "exit" in first else "3", "")


def test_a_plugin_whose_parts_are_half_imported_registers_when_they_are_whole(tmp_path):
    reg = "from selfplay_envs import register_game\nfrom mygames.chain import Chain\n\n\ndef register():\n"
    files = {"__init__.py": "from mygames.chain import Chain\n", "chain.py": GAME}
    files["reg.py"] = reg + "    register_game('Mine/Chain-v0', 'mygames.chain:Chain', length=3)\n"
    installed(tmp_path, "mine = mygames.reg:register", files)
    for first in ("import mygames", "import selfplay_envs", "import mygames.reg"):
        assert said(tmp_path, first, ASK) == ("3\n", "")


def test_an_id_with_its_class_is_registered_without_an_import(tmp_path):
    installed(tmp_path, "Mine/Chain-v0 = mygames.chain:Chain", {"__init__.py": "", "chain.py": GAME})
    assert said(tmp_path, "import selfplay_envs; print('mygames' in sys.modules)", ASK) == ("False\n1\n", "")
    assert said(tmp_path, "import mygames.chain", ASK) == ("1\n", "")


def test_an_id_of_ours_stays_ours_with_a_warning(tmp_path):
    installed(tmp_path, "SelfPlay/Deduction-v0 = mygames.chain:Chain", {"__init__.py": "", "chain.py": GAME})
    out, err = said(tmp_path, "import selfplay_envs; print(type(selfplay_envs.make_game('deduction')).__name__)")
    assert out == "Deduction\n"
    assert "the id 'SelfPlay/Deduction-v0' is that of selfplay_envs.games.code.deduction:Deduction; choose another one" in err


@pytest.mark.parametrize("first", ["import selfplay_envs", "import mygames.good"])
def test_a_broken_plugin_warns_once_with_its_line_and_is_left_out(tmp_path, first):
    files = {"__init__.py": "", "good.py": "import selfplay_envs\n", "reg.py": "\n\ndef register():\n    return 1 / 0\n"}
    installed(tmp_path, "mine = mygames.reg:register", files)
    out, err = said(tmp_path, first, "print('going on')")
    assert out == "going on\n"
    assert err.count("failed to register") == 1
    assert "the game plug-in 'mine' (mygames.reg:register) failed to register: reg.py:4: ZeroDivisionError" in err


def test_a_plugin_that_leaves_the_process_is_left_out_too(tmp_path):
    installed(tmp_path, "mine = mygames.reg:register", {"__init__.py": "", "reg.py": "import sys\n\nsys.exit(3)\n"})
    out, err = said(tmp_path, "import selfplay_envs", "print('going on')")
    assert out == "going on\n"
    assert "failed to register: reg.py:3: SystemExit: 3" in err
