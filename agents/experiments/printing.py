"""An experiment as TOML: what all its arms have in common once, and what each has for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..config.toml_file import toml_text
from .experiment import Experiment


def as_toml(experiment: Experiment) -> str:
    """The text; its tables are those of `Experiment`, but for `common`, settings that all arms that train share."""
    data = experiment.to_json()
    configs = [arm["config"] for arm in data["arms"] if arm["config"] is not None]
    common = shared(configs)
    for arm in data["arms"]:
        config = arm.pop("config")
        if config is not None:
            arm["config"] = without(config, common)
        for name in ("tuning", "start"):
            if arm[name] is None:
                del arm[name]
    if data["measure"]["style"] is None:
        del data["measure"]["style"]
    arms = data.pop("arms")
    lines = [f"# {sentence}\n" for sentence in experiment.meaning]
    return "".join(lines) + toml_text({**data, "common": common, "arms": arms})


def shared(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that are the same in all records, tables entry by entry; lists count as a whole."""
    if not records:
        return {}
    first, *others = records
    same: dict[str, Any] = {}
    for name, value in first.items():
        values: list[Any] = [other.get(name) for other in others]
        if all(other == value for other in values):
            same[name] = value
        elif isinstance(value, Mapping) and all(isinstance(other, Mapping) for other in values):
            same[name] = shared([value, *values])
    return {name: value for name, value in same.items() if value != {} or first[name] == {}}


def without(record: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a record that are not in `common`; with them it is the record again."""
    rest: dict[str, Any] = {}
    for name, value in record.items():
        if name not in common:
            rest[name] = value
        elif common[name] != value:
            rest[name] = without(value, common[name])
    return rest
