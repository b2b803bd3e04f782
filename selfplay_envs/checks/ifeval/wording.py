"""Checks of a response's words: keywords, letters, lengths, case and language.

Keywords are compared as they are written, in any case. The published checks take them for regular expressions; no row of the
benchmark has one in which that differs.
"""

from __future__ import annotations

import re

from .packages import count_capital_words, count_sentences, language_of

AT_LEAST, LESS_THAN = "at least", "less than"
RELATIONS = (AT_LEAST, LESS_THAN)


def holds(count: int, relation: str, number: int) -> bool:
    """Whether a count is at least, or less than, a number."""
    return count >= number if relation == AT_LEAST else count < number


def count_keyword(text: str, keyword: str) -> int:
    """How often a keyword stands in a text, also inside words, in any case; overlapping ones count once."""
    return len(re.findall(re.escape(keyword), text, re.IGNORECASE))


def has_word(text: str, word: str) -> bool:
    """Whether a word stands in a text, in any case, and not as a part of another."""
    return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None


def has_keywords(text: str, keywords: tuple[str, ...]) -> bool:
    """Whether each keyword stands there, also inside a word."""
    return all(count_keyword(text, keyword) for keyword in keywords)


def has_keyword_often(text: str, keyword: str, relation: str, number: int) -> bool:
    """Whether the keyword stands there as often as demanded, also inside words."""
    return holds(count_keyword(text, keyword), relation, number)


def has_no_word(text: str, words: tuple[str, ...]) -> bool:
    """Whether none of the words stands there by itself."""
    return not any(has_word(text, word) for word in words)


def has_letter_often(text: str, letter: str, relation: str, number: int) -> bool:
    """Whether the letter, in any case, stands there as often as demanded."""
    return holds(text.lower().count(letter.lower()), relation, number)


def is_language(text: str, language: str) -> bool:
    """Whether the text is in that language, or has nothing to tell one by."""
    return language_of(text) in (language, None)


def has_sentences(text: str, relation: str, number: int) -> bool:
    """Whether there are as many sentences as demanded."""
    return holds(count_sentences(text), relation, number)


def has_words(text: str, relation: str, number: int) -> bool:
    r"""Whether there are as many words, runs of `\w`, as demanded."""
    return holds(len(re.findall(r"\w+", text)), relation, number)


def has_capital_words(text: str, relation: str, number: int) -> bool:
    """Whether as many words as demanded are all in capital letters."""
    return holds(count_capital_words(text), relation, number)


def is_english_capital(text: str) -> bool:
    """Whether all letters are capital and the text is in English."""
    return text.isupper() and is_language(text, "en")


def is_english_lowercase(text: str) -> bool:
    """Whether all letters are lowercase and the text is in English."""
    return text.islower() and is_language(text, "en")


def has_no_comma(text: str) -> bool:
    """Whether there is no comma."""
    return "," not in text


def is_repeated_first(text: str, request: str) -> bool:
    """Whether the response begins with the request, in any case."""
    return text.strip().lower().startswith(request.strip().lower())


def is_ended(text: str, phrase: str) -> bool:
    """Whether the response ends with the phrase, in any case, quotation marks aside."""
    return text.strip().strip('"').lower().endswith(phrase.strip().lower())
