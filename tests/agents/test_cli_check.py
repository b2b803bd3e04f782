"""`selfplay check` meets legal moves, or says that it did not."""

import json
from pathlib import Path

import pytest

from agents.cli import main
from selfplay_envs.parsing import fence

CHAIN = '''
import random
from selfplay_envs import Game, Message, Slot, Verdict, no_requests, register_game
from selfplay_envs.parsing import bodies


class Chain(Game):
    """Six words, each of which begins with the last letter of the one before; drawn credit, and debts."""

    roles = ("first", "second")

    def reset(self, rng, options):
        self.words, self.over = [], False

    def pending(self):
        turn = len(self.words)
        return () if self.over or turn == 6 else (Slot(self.roles[turn % 2], 0, turn),)

    def prompt(self, slot):
        return (Message("user", " ".join(self.words) or "begin"),)

    def judge(self, slot, text, finish_reason):
        word = (bodies(text, "word") or [""])[-1]
        legal = bool(word) and (not self.words or word[0] == self.words[-1][-1])
        score = random.random() if legal else 0.0
        return no_requests(Verdict(valid=legal, reason="ok" if legal else "illegal", score=score, data={"word": word}))

    def apply(self, slot, text, verdict):
        if verdict.valid:
            self.words.append(verdict.data["word"])
        self.over = not verdict.valid
        if self.over or len(self.words) == 6:
            self.credit[slot] = 1.0  # and the messages before it are owed theirs


register_game("Theirs/Chain-v0", "bad_chain:Chain")
'''


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "bad_chain.py").write_text(CHAIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return "bad_chain:Theirs/Chain-v0"


def test_a_game_of_which_no_legal_move_was_met_does_not_pass(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", chain, "--attempts", "1"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "FAIL legal_moves no legal move was ever met in 12 episodes" in told
    assert "Game.sample_action, or pass --moves FILE" in told
    assert "12 of 13 checks hold." in told


def test_with_a_file_of_moves_its_faults_come_out(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    moves = [{"role": role, "text": fence("word", word)} for role, word in (("first", "ab"), ("second", "ba"))]
    Path("moves.jsonl").write_text("".join(json.dumps(move) + "\n" for move in moves))
    assert main(["check", chain, "--attempts", "1", "--moves", "moves.jsonl"]) == 1
    told = capsys.readouterr().out
    failed = {line.split()[1]: " ".join(line.split()[2:]) for line in told.splitlines() if line.strip().startswith("FAIL")}
    assert "legal_moves" not in failed
    assert failed["global_random_untouched"].startswith("a global random state changed")
    assert "ended without credit for Slot(role='first', attempt=0, turn=0)" in failed["credits_complete"]
    assert "judge gave two verdicts on one message" in failed["judge_reads_only"]


def test_a_missing_file_of_moves_is_one_sentence(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", chain, "--moves", "none.jsonl"]) != 0
    assert "moves='none.jsonl' is not a file" in " ".join(capsys.readouterr().err.split())
