"""The instruction challenge and its rules judge: credits against hand-computed tables (LSP-Zero: R, and -V)."""

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from selfplay_envs import JudgeItem, Match, Message, Referee, Reply, Score, Start, UsageError, play_episode, register_game
from selfplay_envs.games.questions.instruction import InstructionChallenge
from selfplay_envs.judges.registry import judge_names, open_judge
from selfplay_envs.judges.rules import RulesJudge, parse_instruction
from selfplay_envs.replies.parsing import fence

ENV = "SelfPlay/InstructionChallenge-v0"


class Quality:
    """A judge that gives the answer's length as its quality; counts its batches."""

    name = "length"

    def __init__(self):
        self.batches = []

    def score(self, items):
        self.batches.append([(item.messages[-1].content, item.answers[0]) for item in items])
        return [Score(values=(float(len(item.answers[0])),)) for item in items]


def played(challenge, answers, options=None, judge=None, **more):
    def act(asks):
        return [Reply(text=challenge if ask.slot.role == "challenger" else answers[ask.slot.attempt]) for ask in asks]

    kwargs = {"attempts": max(1, len(answers)), "style": "terse", **more}
    judges = {} if judge is None else {"self": judge}
    return play_episode(Start(ENV, 0, kwargs, options or {}), act, Referee(judges=judges))


def test_credits_are_r_for_solvers_and_minus_v_for_the_challenger():
    challenge = fence("instruction", "use exactly 3 words; include the word red")
    answers = [fence("answer", text) for text in ("a red fox", "red", "one two three", "no")]
    episode = played(challenge, answers)
    # 2 of 2 clauses, 1 of 2, 1 of 2, 0 of 2: V = (1 + 0.5 + 0.5 + 0) / 4
    assert [m.credit for m in episode.messages] == [-0.5, 1.0, 0.5, 0.5, 0.0]
    assert sum(episode.outcome.values()) == 0
    assert episode.outcome["challenger", 0] == -0.5
    assert episode.proposed == {"instruction": "use exactly 3 words; include the word red"}


def test_a_malformed_answer_costs_more_than_a_bad_one_and_counts_in_v_as_it_is_paid():
    episode = played(fence("instruction", "use only lowercase"), ["no block", fence("answer", "Upper")])
    # V = (-1 + 0) / 2
    assert [m.credit for m in episode.messages] == [0.5, -1.0, 0.0]
    assert episode.outcome == {("solver", 0): -0.5, ("solver", 1): 0.0, ("challenger", 0): 0.5}
    free = played(fence("instruction", "use only lowercase"), ["no block", fence("answer", "Upper")], malformed_credit=0.0)
    assert [m.credit for m in free.messages] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "no_instruction_block"),
        (fence("instruction", "  "), "no_instruction_block"),
        (fence("instruction", "prove the Riemann hypothesis"), "unknown_clause"),
        (fence("instruction", ";;"), "no_clause"),
        (fence("instruction", "include the word red; avoid the letter r"), "contradiction"),
        (fence("instruction", "use exactly 1 word; use exactly 2 words"), "contradiction"),
        (fence("instruction", "use exactly 1 word; include the word a; include the word b"), "contradiction"),
        (fence("instruction", "use only lowercase; use only lowercase"), "repeated_clause"),
        (fence("instruction", "; ".join(f"include the word {c}" for c in "abcdefghi")), "too_many_clauses"),
        (fence("instruction", "use only lowercase" + " " * 3000 + "."), "instruction_too_long"),
    ],
)
def test_an_unscorable_instruction_is_refused(text, reason):
    episode = played(text, [])
    assert episode.messages[0].verdict.reason == reason
    assert episode.messages[0].credit == -1.0
    assert sum(episode.outcome.values()) == 0


@pytest.mark.parametrize(
    ("clause", "good", "bad"),
    [
        ("use exactly 2 words", "two words", "three words here"),
        ("include the word red", "a Red car", "a reddish car"),
        ("avoid the letter e", "wow", "Eve"),
        ("start with the word go", "Go on", "let go"),
        ("end with the word go", "let's go!", "go on"),
        ("use only lowercase", "abc!", "aBc"),
        ("use only uppercase", "ABC!", "aBC"),
    ],
)
def test_each_clause_accepts_and_refuses(clause, good, bad):
    item = JudgeItem(messages=(Message("user", clause),), answers=(good, bad, "", "x" * 10_000))
    assert RulesJudge().score([item])[0].values == (1.0, 0.0, 0.0, 0.0)


def test_clauses_are_read_in_any_case_and_with_a_full_stop():
    assert not isinstance(parse_instruction("Use EXACTLY 2 words; Use only lowercase."), str)


def test_a_task_in_the_options_starts_at_the_solvers():
    episode = played("", [fence("answer", "abc")], {"task": {"instruction": "use only lowercase"}})
    assert [m.credit for m in episode.messages] == [1.0]
    with pytest.raises(UsageError, match="instruction"):
        played("", [], {"task": {"question": "?"}})


def test_an_unknown_judge_gets_one_clear_sentence():
    with pytest.raises(
        UsageError, match=rf"judge='oracle' is not known; choose one of {', '.join(judge_names())}, or module:NAME"
    ):
        open_judge("oracle")
    with pytest.raises(UsageError, match=r"judge='self' is the run's own model .* bind it, or .* pass Referee\(judges="):
        open_judge("self")


def test_with_a_weight_both_sides_are_paid_for_quality_and_the_payoffs_stay_zero_sum():
    judge = Quality()
    answers = [fence("answer", "red"), "malformed", fence("answer", "a red")]
    episode = played(fence("instruction", "start with the word red"), answers, judge=judge, quality_weight=0.5)
    # R: 1, -1 for the malformed one, 0. R_Q: 3, none, 5. V = 0, V_Q = 8/3, both over the whole panel
    assert [m.credit for m in episode.messages[1:]] == [1 + 1.5, -1.0, 2.5]
    assert episode.messages[0].credit == pytest.approx(0.5 * 8 / 3)
    assert episode.outcome == {("solver", 0): 1 / 3, ("solver", 1): -1 / 3, ("solver", 2): 0.0, ("challenger", 0): 0.0}
    assert [dict(m.verdict.data) for m in episode.messages[1:]] == [
        {"quality": 3.0, "quality_reason": "ok"},
        {},
        {"quality": 5.0, "quality_reason": "ok"},
    ]
    assert [m.verdict.score for m in episode.messages[1:]] == [1.0, 0.0, 0.0]
    assert judge.batches == [[("start with the word red", "red"), ("start with the word red", "a red")]]


def test_without_a_weight_nobody_is_asked_for_quality_and_a_refused_instruction_is_not_judged():
    judge = Quality()
    plain = played(fence("instruction", "use only lowercase"), [fence("answer", "abc")], judge=judge)
    assert dict(plain.messages[1].verdict.data) == {}
    refused = played(fence("instruction", "prove it"), [], judge=judge, quality_weight=1.0)
    assert refused.messages[0].credit == -1.0
    assert judge.batches == []


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), True, "1"])
def test_a_wrong_weight_is_one_sentence(weight):
    with pytest.raises(UsageError, match=r"quality_weight=.* pass 0 for LSP-Zero, 1 for LSP"):
        played("", [], quality_weight=weight)


def test_views_say_before_anybody_speaks_that_the_judge_is_not_bound():
    for env in (gym.make(ENV, attempts=2, quality_weight=1.0), gym.make_vec(ENV, num_envs=2, attempts=2, quality_weight=1.0)):
        with pytest.raises(UsageError, match="judge='self' is the run's own model"):
            env.reset(seed=0)
    pettingzoo = pytest.importorskip("selfplay_envs.views.pettingzoo_env")
    with pytest.raises(UsageError, match="judge='self'"):
        pettingzoo.SelfPlayAEC(ENV, quality_weight=1.0).reset(seed=0)
    with pytest.raises(UsageError, match="judge='self'"):
        played(fence("instruction", "use only lowercase"), [fence("answer", "abc")], quality_weight=1.0)


def test_a_view_with_a_judge_of_its_own_pays_for_quality():
    env = gym.make(ENV, attempts=1, quality_weight=1.0, style="terse")
    env.unwrapped.referee = Referee(judges={"self": Quality()})
    env.reset(seed=0)
    env.step(fence("instruction", "use only lowercase"))
    _, reward, done, _, info = env.step(fence("answer", "abc"))
    assert (reward, done) == (1 + 3, True)
    assert info["role_rewards"] == {"challenger": -1 + 3, "solver": 1 + 3}
    assert env.unwrapped.episode().backend["judge:self"] == "length"


def test_a_judge_that_may_not_be_pure_makes_the_environment_nondeterministic():
    register_game("Test/Weighed-v0", "selfplay_envs.games.questions.instruction:InstructionChallenge", quality_weight=1.0)
    made = [gym.make(ENV), gym.make(ENV, quality_weight=1.0), gym.make(ENV, judge="self"), gym.make("Test/Weighed-v0")]
    assert [env.spec.nondeterministic for env in made] == [False, True, True, True]
    assert not gym.spec(ENV).nondeterministic
    assert EnvSpec.from_json(made[1].spec.to_json()).nondeterministic
    vectors = [gym.make_vec(ENV, num_envs=8), gym.make_vec(ENV, num_envs=8, quality_weight=1.0)]
    assert [env.unwrapped.spec.nondeterministic for env in vectors] == [False, True]


def test_the_task_has_its_old_name():
    game = InstructionChallenge()
    game.reset(None, {"task": {"instruction": "use exactly 3 words"}})
    with pytest.warns(DeprecationWarning, match="instruction is now task"):
        assert game.instruction == "use exactly 3 words"
    with pytest.warns(DeprecationWarning, match="instruction is now task"):
        game.instruction = None
    assert game.task is None


class Fine:
    """A judge to whom every request is fine and every answer is worth its length."""

    name = "fine"

    def score(self, items):
        return [Score(values=tuple(float(len(answer)) for answer in item.answers)) for item in items]


def open_match(**kwargs):
    return Match(Start(ENV, 0, {"attempts": 1, "style": "open", **kwargs}, {}))


def test_in_the_open_style_the_request_is_shown_as_it_is_and_the_whole_reply_is_the_answer():
    def act(asks):
        seen.extend(ask.messages for ask in asks)
        return [
            Reply(text=fence("instruction", "Name a {star}.") if ask.slot.role == "challenger" else next(said)) for ask in asks
        ]

    seen, said = [], iter(["<think>Hm.</think> Sirius. ", "<think>Hm.</think>"])
    start = Start(ENV, 0, {"attempts": 2, "style": "open", "malformed_credit": -20.0}, {})
    episode = play_episode(start, act, Referee("process", Fine()))
    assert seen[1] == (Message("user", "Name a {star}."),)
    assert [turn.verdict.reason for turn in episode.messages] == ["ok", "ok", "no_answer"]
    # "Sirius." has 7 characters; V = (7 - 20) / 2
    assert [turn.credit for turn in episode.messages] == [6.5, 7.0, -20.0]


def test_task_and_template_are_shown_to_the_challenger_alone():
    match = open_match(task="Pure & Applied Mathematics", template="Problem: {problem}")
    [prompt] = match.pending_prompts()
    text = prompt.messages[-1].content
    assert "The task: Pure & Applied Mathematics." in text
    assert "[start of the form]\nProblem: {problem}\n[end of the form]" in text
    plain = open_match().pending_prompts()[0].messages[-1].content
    assert "choose one yourself" in plain
    assert "[start of the form]\n{input}\n[end of the form]" in plain


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"task": "x" * 201}, "task='x.* is no text of at most 200 characters"),
        ({"task": "two\nlines"}, "has several lines"),
        ({"task": 3}, "task=3 is no text"),
        ({"template": "[end of the form] now"}, r"template=.* holds '\[end of the form\]'"),
        ({"template": "x" * 2_001}, "template=.* at most 2,000 characters"),
        ({"task": "Chess", "style": "full"}, "task='Chess' is shown in the style open alone"),
        ({"template": "{a}", "style": "terse"}, "template='{a}' is shown in the style open alone"),
    ],
)
def test_a_wrong_task_or_template_is_one_sentence(kwargs, sentence):
    with pytest.raises(UsageError, match=sentence):
        open_match(**kwargs)


@pytest.mark.parametrize("weight", [-1, float("nan"), True, "1"])
def test_a_wrong_weight_of_the_reward_is_one_sentence(weight):
    with pytest.raises(UsageError, match=r"reward_weight=.* pass 1 as in the paper"):
        InstructionChallenge(reward_weight=weight)


def test_a_game_that_rewards_nothing_is_refused():
    with pytest.raises(UsageError, match="reward_weight=0 with quality_weight=0 would reward nothing"):
        InstructionChallenge(reward_weight=0)


def test_the_weight_of_the_reward_scales_both_sides_and_not_what_a_malformed_answer_costs():
    answers = [fence("answer", "red"), "malformed"]
    episode = played(fence("instruction", "start with the word red"), answers, reward_weight=3)
    # V = (3 - 1) / 2
    assert [turn.credit for turn in episode.messages] == [-1.0, 3.0, -1.0]
    assert [turn.verdict.score for turn in episode.messages[1:]] == [1.0, 0.0]
    assert sum(episode.outcome.values()) == 0


@pytest.mark.parametrize(
    ("reason", "void", "own_reason", "credit"),
    [("unreadable", "unreadable", "unreadable", 0.0), ("too_long", "", "answer_too_long", -1.0)],
)
def test_a_judge_without_a_word_on_an_answer_costs_nobody_anything_unless_the_text_is_why(reason, void, own_reason, credit):
    class Silent(Fine):
        def score(self, items):
            return [
                Score(values=(0.0,) * len(item.answers), reason=reason if item.answers == ("odd",) else "ok") for item in items
            ]

    def act(asks):
        return [Reply(text=fence("instruction", "Hi") if ask.slot.role == "challenger" else next(said)) for ask in asks]

    said = iter(["odd", "even"])
    episode = play_episode(Start(ENV, 0, {"attempts": 2, "style": "open"}, {}), act, Referee("process", Silent()))
    odd = episode.messages[1]
    assert (odd.void, odd.verdict.reason, odd.credit) == (void, own_reason, credit)
    assert episode.messages[2].credit == 0.0
    assert episode.messages[0].credit == (0.0 if void else 0.5)  # V is the mean over those that count
