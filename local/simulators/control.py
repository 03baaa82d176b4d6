"""Reads what a person sends to a simulator's control API: each field must be known and fit its type and its rule."""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must fit where its type says too little; `words` completes the sentence "must be …"."""

    words: str
    fits: Callable[[object], bool]


def one_of(known: Collection[str]) -> Rule:
    """One of several strings."""
    return Rule(" or ".join(json.dumps(one) for one in known), lambda value: value in known)


def matching(pattern: str, words: str) -> Rule:
    """A string that a regular expression describes as a whole."""
    return Rule(words, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def read_fields(kind: type[Any], document: object) -> dict[str, Any]:
    """Values for fields of a dataclass, by their Python names. Raises ValueError that names each field and its rule."""
    known = {camel(f.name): f.name for f in fields(kind)}
    if not isinstance(document, Mapping):
        raise ValueError(f"The body must be a JSON object with some of these fields: {', '.join(known)}.")
    if unknown := [str(name) for name in document if name not in known]:
        raise ValueError(f"Unknown: {', '.join(unknown)}. The fields are: {', '.join(known)}.")
    hints = get_type_hints(kind, include_extras=True)
    faults = [
        f"{name} must be {_in_words(hints[known[name]])}"
        for name, value in document.items()
        if not _fits(hints[known[name]], value)
    ]
    if faults:
        raise ValueError("; ".join(faults) + ".")
    return {known[name]: value for name, value in document.items()}


def camel(name: str) -> str:
    """`list_lag_seconds` as JSON has it: `listLagSeconds`."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), name)


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number of any sign."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _fits(hint: Any, value: object) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return bool(inner[1].fits(value))
    if origin is Literal:
        return value in inner
    if origin in (Union, types.UnionType):
        return any(_fits(one, value) for one in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(inner[0], one) for one in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_fits(inner[1], one) for one in value.values())
    if hint in (int, float):
        return is_number(value) and isinstance(value, (int, hint)) and value >= 0
    return isinstance(value, hint)


def _in_words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return str(inner[1].words)
    if origin is Literal:
        return " or ".join(json.dumps(one) for one in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(one) for one in inner)
    if origin is list:
        return f"a list; each item must be {_in_words(inner[0])}"
    if origin in (dict, Mapping):
        return f"an object; each value must be {_in_words(inner[1])}"
    words = {bool: "true or false", int: "a whole number, 0 or more", float: "a number, 0 or more", str: "a string"}
    return words.get(hint, "null")
