"""A run's settings as a TOML file: `selfplay train --config my.toml`, and `--print-config`, which writes one to start from.

The file holds the fields of `TrainConfig` by their own names; what it leaves out is the preset's that it changes, or the
field's default where it stands alone:

    steps = 3
    [learner]
    lr = 1e-4
    [[games]]
    env_id = "my_game:Mine/WordChain-v0"
    kwargs = { attempts = 4 }
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from selfplay_envs.core.text import did_you_mean

from .run import TrainConfig

NONE = "none"
"""None as a file writes it, which TOML does not know."""


def read_config_file(path: Path, base: TrainConfig | None = None) -> TrainConfig:
    """The run that a TOML file describes.

    Args:
        path: The file.
        base: What the file changes; tables add up, and `[[games]]` replaces all games. None: the fields' defaults.

    Raises:
        ValueError: The file is missing or not TOML, a name in it is no setting, or a value is wrong; says which and where.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"config={str(path)!r} cannot be read ({error.strerror}); pass a TOML file of settings.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"config={str(path)!r} is not TOML: {error}") from error
    given = _record(TrainConfig, data, "", path)
    if base is None and "games" not in given:
        raise ValueError(f"config={str(path)!r} names no game; add [[games]] with an env_id, or name a preset that it changes.")
    return TrainConfig.from_json(_merged(base.to_json() if base else {}, given))


def to_toml(config: TrainConfig) -> str:
    """The text of a file that `read_config_file` reads as `config`."""
    return toml_text(config.to_json())


def toml_text(table: Mapping[str, Any]) -> str:
    """A table of JSON types as TOML, with `none` for None."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _merged(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `given` changes; tables are merged, lists are replaced."""
    both = {name: _merged(base[name], given[name]) for name in given if isinstance(base.get(name), Mapping)}
    return {**base, **given, **both}


def _record(cls: type[Any], data: Mapping[str, Any], where: str, path: Path) -> dict[str, Any]:
    """The entries of a table as the fields of a dataclass want them."""
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    entries: dict[str, Any] = {}
    for name, value in data.items():
        if name not in names:
            hint = did_you_mean(where + name, [where + known for known in names]) or f"; choose of {', '.join(names)}."
            raise ValueError(f"{path}: {where + name!r} is not a setting{hint}")
        entries[name] = _value(hints[name], value, where + name, path)
    return entries


def _value(hint: Any, value: Any, where: str, path: Path) -> Any:
    """One value as its field's type; a whole number may stand for a float.

    Raises:
        ValueError: It is of another type, or an entry of a list lacks what it must say.
    """
    kind, args = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return _record(hint, value, f"{where}.", path)
    if kind is tuple and isinstance(value, list):
        items = [_value(args[0], item, f"{where}.{number}", path) for number, item in enumerate(value)]
        if is_dataclass(args[0]):
            needed = [field.name for field in fields(args[0]) if field.default is field.default_factory is MISSING]
            for number, item in enumerate(items):
                for name in needed:
                    if name not in item:
                        raise ValueError(f"{path}: {where}.{number} lacks {name}; add it under [[{where}]].")
        return items
    if kind is dict and isinstance(value, Mapping):
        return {name: _value(args[1], item, f"{where}.{name}", path) for name, item in value.items()}
    choices = args if kind in (Union, UnionType) else (hint,)
    if NoneType in choices and value == NONE:
        return None
    if type(value) in choices or (kind is Literal and value in args):
        return value
    if float in choices and type(value) is int:
        return float(value)
    raise ValueError(f"{path}: {where}={value!r} is not {_words(hint)}.")


def _words(hint: Any) -> str:
    """Values that a field takes, in words."""
    kind, args = get_origin(hint), get_args(hint)
    if kind is Literal:
        return f"one of {', '.join(map(str, args))}"
    if kind in (Union, UnionType):
        return " or ".join(NONE if choice is NoneType else _words(choice) for choice in args)
    if kind is tuple:
        return "a list" if not is_dataclass(args[0]) else "a list of tables, each under a line such as [[games]]"
    if kind is dict or is_dataclass(hint):
        return "a table"
    return {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}[hint]


def _lines(table: Mapping[str, Any], prefix: str) -> list[str]:
    """A table as TOML: its own values first, then the tables inside."""
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping) or _is_tables(value)}
    lines = [f"{_key(name)} = {_text(value)}" for name, value in table.items() if name not in inner]
    for name, value in inner.items():
        where = prefix + _key(name)
        if isinstance(value, Mapping):
            lines += ["", f"[{where}]", *_lines(value, f"{where}.")]
        else:
            for item in value:
                lines += ["", f"[[{where}]]", *_lines(item, f"{where}.")]
    return lines


def _is_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(item, Mapping) for item in value)  # pyright: ignore[reportUnknownVariableType]


def _key(name: str) -> str:
    return name if name.replace("_", "a").replace("-", "a").isalnum() and name.isascii() else json.dumps(name)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_text(item) for item in value)}]"  # pyright: ignore[reportUnknownVariableType]
    if value is None:
        return json.dumps(NONE)
    # JSON's texts, numbers and booleans are TOML's too; but for numbers that are none, which Python writes as TOML does
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
