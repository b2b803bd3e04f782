"""tmp"""
from __future__ import annotations
def docker_available() -> str | None:
    return "not built yet"
def image_present() -> bool: return False
