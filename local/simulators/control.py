"""Reads what a person orders of a simulator as JSON: every field named and of its type, or refused with its rule."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def read_fields(kind: type[Any], document: object) -> dict[str, Any]:
    """Values for fields of a dataclass, by their Python names. Raises ValueError naming what is wrong."""
    known = {camel(f.name): f.name for f in fields(kind)}
    if not isinstance(document, Mapping):
        raise ValueError(f"must be a JSON object with some of: {', '.join(known)}")
    if unknown := [str(name) for name in document if name not in known]:
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    hints = get_type_hints(kind)
    faults = [
        f"{name} must be {_in_words(hints[known[name]])}"
        for name, value in document.items()
        if not _fits(hints[known[name]], value)
    ]
    if faults:
        raise ValueError("; ".join(faults))
    return {known[name]: value for name, value in document.items()}


def camel(name: str) -> str:
    """`list_lag_seconds` as JSON has it: `listLagSeconds`."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), name)


def _fits(hint: Any, value: object) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in inner
    if origin in (Union, types.UnionType):
        return any(_fits(one, value) for one in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(inner[0], one) for one in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_fits(inner[1], one) for one in value.values())
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool) and value >= 0
    return isinstance(value, hint)


def _in_words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(json.dumps(one) for one in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(one) for one in inner)
    if origin is list:
        return f"a list, each {_in_words(inner[0])}"
    if origin in (dict, Mapping):
        return f"an object, each value {_in_words(inner[1])}"
    words = {bool: "true or false", int: "a whole number, 0 or more", float: "a number, 0 or more", str: "a string"}
    return words.get(hint, "null")
