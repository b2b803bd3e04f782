"""Names of contents: equal content, equal name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any


def short_hash(value: Any) -> str:
    """Sixteen hex digits of SHA-256 over `value` as canonical JSON: equal content, equal name, on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
