"""A client of chat completions on the standard library: one JSON request, tried again where that may help, never trusted.

The key goes into one header and nowhere else: not into errors, not to the host of a redirect.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from .errors import EndpointError

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP states that may pass."""
MAX_ANSWER_BYTES = 8 << 20
"""Of one answer; longer ones are refused unread."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
PATH = "/chat/completions"


class ChatClient:
    """Posts requests to one endpoint; may be used by many threads at once.

    Args:
        url: Of the API (`.../v1`), or of its chat completions.
        key_env: Environment variable of the key; empty: none.
        timeout_s: Seconds for one request, from connecting to the last byte.
        retries: Further tries.
        sleep: Waits; a double in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        key_env: str = "",
        timeout_s: float = 120.0,
        retries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                f"endpoint url={parts.scheme}://{parts.hostname or ''} ... is not understood; write it like "
                "http://localhost:8000/v1, without user, password, query or key (the key stands in the variable of key_env)."
            )
        if timeout_s <= 0 or retries < 0:
            raise ValueError(f"endpoint timeout_s={timeout_s!r} must be above 0 and retries={retries!r} at least 0.")
        path = parts.path.rstrip("/")
        self.url = f"{parts.scheme}://{parts.netloc}{path if path.endswith(PATH) else (path or '/v1') + PATH}"
        self.shown = f"{parts.scheme}://{parts.netloc}"
        """How errors call it."""
        self._key = _read_key(key_env)
        self._timeout_s, self._retries, self._sleep = timeout_s, retries, sleep
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._has_answered = False

    def ask(self, body: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
        """The endpoint's answer, a JSON object.

        Args:
            body: The request.
            seed: Of the pauses' jitter, so that many waiting requests do not come back at once.

        Raises:
            EndpointError: Refused, unreachable, too slow, too long, or no JSON object; after the retries, where they may help.
        """
        jitter = np.random.Generator(np.random.PCG64(seed))
        for attempt in range(self._retries + 1):
            try:
                answer = self._post(body)
            except _MayPass as failure:
                if attempt == self._retries or not (self._has_answered or failure.has_answered):
                    tries = f" (tried {attempt + 1} times)" if attempt else ""
                    raise EndpointError(f"endpoint {self.shown} {failure}{tries}.") from None
                self._has_answered = True
                pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt) * (0.5 + 0.5 * jitter.random())
                self._sleep(min(LONGEST_PAUSE_S, max(pause_s, failure.wait_s)))
            else:
                self._has_answered = True
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers, method="POST")
        deadline = time.monotonic() + self._timeout_s
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                data = _read(response, deadline, MAX_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                said = self._said(error, deadline)
                if error.code in RETRIED:
                    raise _MayPass(f"answers {error.code}{said}", True, _seconds(error.headers.get("Retry-After"))) from None
                remedy = "; check the key in the variable that key_env names" if error.code in (401, 403) else ""
                raise EndpointError(f"endpoint {self.shown} answers {error.code}{said}{remedy}.") from None
        except TimeoutError:
            raise _MayPass(f"did not answer within timeout_s={self._timeout_s:g}", True) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise _MayPass(f"did not answer within timeout_s={self._timeout_s:g}", False) from None
            raise _MayPass(
                f"cannot be reached ({self._hidden(str(error.reason))}); start the server, or correct the url", False
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise _MayPass(f"broke off ({type(error).__name__})", True) from None
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            raise EndpointError(f"endpoint {self.shown} did not answer in JSON; is the url that of the API?") from None
        if not isinstance(answer, dict):
            raise EndpointError(f"endpoint {self.shown} answered JSON that is not an object; is the url that of the API?")
        return answer

    def _said(self, error: urllib.error.HTTPError, deadline: float) -> str:
        """What the server says about its refusal, in at most 200 printable characters; without the key."""
        try:
            data = json.loads(_read(error, deadline, 1 << 16))
            inner: Any = data.get("error", data)
            text: Any = inner.get("message", "") if isinstance(inner, dict) else inner
        except (OSError, http.client.HTTPException, EndpointError, ValueError, RecursionError, AttributeError):
            return ""
        short = " ".join(self._hidden(str(text)).split())[:200].rstrip(". ") if isinstance(text, str) else ""
        return f" ({short})" if short.isprintable() and short else ""

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to a host that nobody named."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class _MayPass(Exception):
    """A failure after which another try may succeed."""

    def __init__(self, sentence: str, has_answered: bool, wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.has_answered = has_answered
        """Whether there is a server at all: an address where none ever answered is not tried again."""
        self.wait_s = wait_s


def _read(response: Any, deadline: float, limit: int) -> bytes:
    """The whole body, if it comes in time and is not too long; a socket's own timeout starts anew with each byte.

    Raises:
        TimeoutError: It drips.
        EndpointError: It is too long.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        part = response.read1(1 << 16)
        if not part:
            if response.length:  # bytes that were promised and did not come
                raise http.client.IncompleteRead(b"")
            return b"".join(parts)
        size += len(part)
        if size > limit:
            raise EndpointError(f"an endpoint's answer is longer than {limit >> 10} KiB; nothing of it was used.")
        if time.monotonic() > deadline:
            raise TimeoutError
        parts.append(part)


def _seconds(header: str | None) -> float:
    """Of a Retry-After header, where it is a number."""
    return float(header) if header is not None and header.isascii() and header.isdecimal() and len(header) < 6 else 0.0


def _read_key(key_env: str) -> str:
    """The key, which must be fit for a header: http.client's own complaint would print it."""
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
