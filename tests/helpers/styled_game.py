"""A game of one message with two styles, one of them its own."""

from selfplay_envs import Game, Message, Slot, Verdict, no_requests, register_game
from selfplay_envs.games.style import find_style, full_prompt

STYLED = "Test/Pirates-v0"


class Plain:
    def guess(self):
        return full_prompt("Say a word.")


class Pirate:
    def guess(self):
        return (Message("user", "Say a word, matey."),)


class Guess(Game):
    """Whatever is said is right."""

    roles = ("solver",)
    styles = {"full": Plain(), "pirate": Pirate()}

    def __init__(self, *, attempts=1, style="full"):
        super().__init__(attempts=attempts)
        self.style = find_style(self.styles, style)

    def reset(self, rng, options):
        pass

    def pending(self):
        return () if self.credit else (Slot("solver", 0, 0),)

    def prompt(self, slot):
        return self.style.guess()

    def judge(self, slot, text, finish_reason):
        return no_requests(Verdict(valid=True))

    def apply(self, slot, text, verdict):
        self.credit[slot] = 0.0


register_game(STYLED, f"{__name__}:Guess")
