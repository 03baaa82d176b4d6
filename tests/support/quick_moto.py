"""Makes moto quick without changing a result: what it computes again and again, it computes once."""

from __future__ import annotations

import base64
import functools
import importlib
from typing import Any

import moto.backends
import pytest
from botocore.utils import merge_dicts
from moto.core.serialize import XFormedAttributePicker
from moto.dynamodb.models.dynamo_type import DynamoType, Item, serializer
from moto.dynamodb.models.utilities import find_nested_key
from moto.dynamodb.parsing import ast_nodes

TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
TRAVERSER: Any = ast_nodes.DepthFirstTraverser  # type: ignore[attr-defined]
_pick, _copy = XFormedAttributePicker.__call__, DynamoType.__deepcopy__
_nodes = TRAVERSER.nodes_to_be_processed


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Patch moto until `patch` ends."""
    paths = importlib.import_module("jsonpath_ng.ext")
    modules = list(moto.backends.list_of_moto_modules())
    patch.setattr(moto.backends, "list_of_moto_modules", lambda: modules)
    patch.setattr(paths, "parse", functools.cache(paths.parse))
    patch.setattr(XFormedAttributePicker, "__call__", _picked)
    patch.setattr(DynamoType, "__deepcopy__", _copied)
    patch.setattr(DynamoType, "to_regular_json", _plain)
    patch.setattr(Item, "project", _projected)
    known: dict[type, Any] = {}
    patch.setattr(
        TRAVERSER,
        "nodes_to_be_processed",
        lambda traverser: known.setdefault(type(traverser), known.get(type(traverser)) or _nodes(traverser)),
    )


def _picked(picker: XFormedAttributePicker, context: Any) -> Any:
    """What the serializer finds under a key. A value of DynamoDB has only the one key of its type."""
    value = context.obj
    if type(value) is dict and len(value) == 1 and not TYPES.isdisjoint(value):
        return value.get(context.key)
    return _pick(picker, context)


def _copied(value: DynamoType, memo: dict[int, Any]) -> DynamoType:
    """A deep copy. A text, a number or a boolean is never changed, so it is not copied."""
    return _copy(value, memo) if isinstance(value.value, list | dict) else value


def _plain(value: DynamoType) -> dict[str, Any]:
    """A value as JSON, without copies of copies at each level."""
    held = value.value
    if isinstance(held, dict):
        held = {name: _plain_or_same(inner) for name, inner in held.items()}
    elif isinstance(held, list):
        held = [_plain_or_same(inner) for inner in held]
    elif value.is_binary() and isinstance(held, str):
        held = base64.b64decode(held)
    return {value.type: held}


def _plain_or_same(value: Any) -> Any:
    return _plain(value) if isinstance(value, DynamoType) else value


def _projected(item: Item, expressions: list[list[str]]) -> Item:
    """The item with some attributes only. It is converted once, not once for each attribute."""
    result: dict[str, Any] = {}
    whole = item.to_regular_json()
    for expression in expressions:
        merge_dicts(result, find_nested_key(expression, whole))
    return Item(hash_key=item.hash_key, range_key=item.range_key, attrs=dict(serializer.serialize(result)["M"]))
