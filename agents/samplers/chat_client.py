"""Chat completions of a remote model through the `openai` package, which tries again where that may help."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import EndpointError, ModelUnavailable, PromptRefused, PromptTooLong

PATH = "/chat/completions"
_NO_ROOM = re.compile(r"context.{0,9}(length|size|window)|maximum context|prompt is too long", re.IGNORECASE | re.DOTALL)
"""What servers say of a prompt that does not fit: vLLM, llama.cpp, OpenAI and others, each in its own words."""


class ChatClient:
    """Posts requests to one endpoint; may be used by many threads at once.

    Args:
        url: Of the API (`.../v1`), or of its chat completions.
        key_env: Environment variable of the key; empty: none.
        timeout_s: Seconds without a byte from the server after which a request is given up.
        retries: Further tries after 408, 409, 429, 5xx, a broken connection or a timeout, with growing pauses.

    Raises:
        ModelUnavailable: The package `openai` is not installed.
        ValueError: `url` is not one, a number is out of bounds, or the environment variable is not set.
    """

    def __init__(self, url: str, *, key_env: str = "", timeout_s: float = 120.0, retries: int = 3) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                f"endpoint url={parts.scheme}://{parts.hostname or ''} ... is not understood; write it like "
                "http://localhost:8000/v1, without user, password, query or key (the key stands in the variable of key_env)."
            )
        if timeout_s <= 0 or retries < 0:
            raise ValueError(f"endpoint timeout_s={timeout_s!r} must be above 0 and retries={retries!r} at least 0.")
        self.shown = f"{parts.scheme}://{parts.netloc}"
        """The endpoint's name in errors."""
        self._key = _read_key(key_env)
        self._timeout_s = timeout_s
        try:
            import openai
        except ImportError as error:
            raise ModelUnavailable(f"sampler='endpoint' needs one more package ({error}); type: pip install openai") from error
        self._openai = openai
        base = self.shown + (parts.path.rstrip("/").removesuffix(PATH) or "/v1")
        self._client = openai.OpenAI(base_url=base, api_key=self._key or "none", timeout=timeout_s, max_retries=retries)

    def post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The endpoint's answer, a JSON object of which nothing else is known.

        Raises:
            PromptTooLong: Refused, since the prompt does not fit the model's context.
            PromptRefused: Refused for what the request holds.
            EndpointError: Refused, unreachable, too slow, or no JSON object; after the retries, where they may help.
        """
        try:
            answer = self._client.post(PATH, cast_to=object, body=dict(body))
        except self._openai.APIStatusError as error:
            if error.status_code in (400, 413, 422) and _NO_ROOM.search(str(error.body)):
                raise PromptTooLong(f"endpoint {self.shown} has no room for a prompt{self._detail(error.body)}.", [0]) from None
            kind = PromptRefused if error.status_code in (400, 413, 422) else EndpointError
            remedy = "; check the key in the variable that key_env names" if error.status_code in (401, 403) else ""
            raise kind(f"endpoint {self.shown} answers {error.status_code}{self._detail(error.body)}{remedy}.") from None
        except self._openai.APITimeoutError:
            raise EndpointError(f"endpoint {self.shown} did not answer within timeout_s={self._timeout_s:g}.") from None
        except self._openai.APIConnectionError as error:
            reason = self._hidden(str(error.__cause__ or error))
            raise EndpointError(
                f"endpoint {self.shown} cannot be reached ({reason}); start the server, or correct the url."
            ) from None
        except (self._openai.OpenAIError, ValueError, RecursionError):
            answer = None  # bytes that are no JSON
        if not isinstance(answer, dict):
            raise EndpointError(f"endpoint {self.shown} did not answer with a JSON object; is the url that of the API?")
        return answer

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _detail(self, body: object) -> str:
        """The server's words about its refusal, in at most 200 printable characters; without the key."""
        text = body.get("message") if isinstance(body, dict) else body
        short = " ".join(self._hidden(text).split())[:200].rstrip(". ") if isinstance(text, str) else ""
        return f" ({short})" if short.isprintable() and short else ""

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _read_key(key_env: str) -> str:
    """The key, which must be fit for a header: an error about it later would print it."""
    if not key_env:
        return ""
    key = os.environ.get(key_env, "").strip()
    if not key:
        raise ValueError(
            f"endpoint key_env={key_env!r}: that environment variable is not set; export it, or leave key_env out."
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            f"endpoint key_env={key_env!r}: the variable's value holds blanks or odd characters; export the bare key."
        )
    return key
