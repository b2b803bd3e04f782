"""A game of your own in sixty lines: a setter hides two summands among six numbers, a panel of solvers looks for them.

python -m examples.add_a_game            # plays it once with scripted players
python -m examples.add_a_game --check    # runs the conformance suite, as `selfplay check` does
"""

import sys

from selfplay_envs import Game, Message, Slot, SolveStats, Verdict, bodies, fence, register_game
from selfplay_envs.rewards.learnability import one_minus

SETTER = Slot("setter", 0, 0)


def numbers_in(text: str, label: str, count: int) -> list[int]:
    """The `count` different small numbers of the last block with that label, or an empty list."""
    words = (bodies(text, label) or [""])[-1].split()
    numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 4]
    return numbers if len(numbers) == len(words) == len(set(numbers)) == count else []


class FindTheSum(Game):
    """The setter is rewarded when some, but not all, of the panel find two of its numbers that add up to its target."""

    roles, task_type = ("setter", "solver"), "sum"

    def reset(self, rng, options):
        self.numbers: list[int] = list(options.get("task", {}).get("numbers", []))  # six numbers, then the target
        self.solved: list[bool] = []

    def pending(self):
        if not self.numbers:
            return () if SETTER in self.credit else (SETTER,)
        return () if self.solved else tuple(Slot("solver", attempt, 1) for attempt in range(self.attempts))

    def prompt(self, slot):
        if slot.role == "setter":
            return (Message("user", "Write six different numbers, then the sum of two of them.\n" + fence("puzzle", "...")),)
        *numbers, target = self.numbers
        return (Message("user", f"Which two of {numbers} add up to {target}?\n" + fence("pair", "...")),)

    def judge(self, slot, text, finish_reason):
        if slot.role == "setter":
            puzzle = numbers_in(text, "puzzle", 7)
            fair = any(a + b == puzzle[-1] for a in puzzle[:-1] for b in puzzle[:-1] if a != b) if puzzle else False
            return Verdict(valid=fair, reason="ok" if fair else "no_puzzle", data={"numbers": puzzle})
        pair = numbers_in(text, "pair", 2)
        right = bool(pair) and set(pair) <= set(self.numbers[:-1]) and sum(pair) == self.numbers[-1]
        return Verdict(valid=bool(pair), reason="ok" if pair else "no_pair", score=float(right))

    def apply(self, slot, text, verdict):
        if slot.role == "solver":
            self.solved.append(verdict.score == 1.0)
            self.credit[slot] = self.outcome["solver", slot.attempt] = verdict.score
            if len(self.solved) == self.attempts:
                self.credit[SETTER] = self.outcome["setter", 0] = one_minus(SolveStats(sum(self.solved), self.attempts))
        elif verdict.valid:
            self.numbers = list(verdict.data["numbers"])
        else:
            self.credit[slot] = self.outcome["setter", 0] = -1.0

    def sample_action(self, slot, rng):  # a legal message, so that `selfplay check` gets past the first turn
        if slot.role == "setter":
            return fence("puzzle", "1 2 5 9 14 20 34")
        return fence("pair", " ".join(map(str, rng.choice(self.numbers[:-1], 2, replace=False))))


register_game("Example/FindTheSum-v0", "examples.add_a_game:FindTheSum")


def main() -> None:
    if "--check" in sys.argv:
        from selfplay_envs.conformance.suite import check_game

        results = check_game("Example/FindTheSum-v0", attempts=4)
        print("\n".join(f"{'ok  ' if result.ok else 'FAIL'} {result.name}: {result.detail}" for result in results))
        sys.exit(not all(result.ok for result in results))
    from selfplay_envs import Referee, ScriptedPlayer, Start, play_episode

    players = ScriptedPlayer([fence("puzzle", "1 2 5 9 14 20 34"), fence("pair", "14 20"), fence("pair", "9 20")])
    episode = play_episode(Start("Example/FindTheSum-v0", 0, {"attempts": 2}), players, Referee())
    print({tuple(message.slot): message.credit for message in episode.messages})


if __name__ == "__main__":
    main()
