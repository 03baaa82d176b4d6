"""Shortcuts that replace slow reads of moto, which takes ten or more milliseconds for each item and each call.

This module responds to the functions' bulk reads: Query by sandbox, Scan of an index of keys, BatchGetItem and
GetParametersByPath. It reads moto's data and uses the page sizes of AWS. Moto responds to everything else, including
every write of the functions.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.ssm.models import ssm_backends

from local.aws.account import ACCOUNT, REGION
from local.aws.lambda_api import Wsgi

PAGE_BYTES = 1 << 20


def fill(name: str, items: Iterable[dict[str, Any]]) -> None:
    """Put items, in DynamoDB JSON, into a table."""
    table = _table(name)
    for item in items:
        hash_key, range_key = (DynamoType(item[part]) for part in _keys(table))
        made: Any = Item.__new__(Item)
        made.hash_key, made.range_key, made.attrs = hash_key, range_key, LimitedSizeDict()
        dict.update(made.attrs, {name: DynamoType(value) for name, value in item.items()})  # skips the size check
        table.items[hash_key][range_key] = made


def reading(inner: Wsgi) -> Wsgi:
    """Respond to these reads here; `inner` responds to everything else."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        read = _READS.get(environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2])
        if read is None:
            return inner(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        document = read(json.loads(body))
        if document is None:
            environ["wsgi.input"] = io.BytesIO(body)
            return inner(environ, start_response)
        response = json.dumps(document).encode()
        headers = [("Content-Type", environ["CONTENT_TYPE"]), ("Content-Length", str(len(response)))]
        start_response("200 OK", headers)
        return [response]

    return app


def _query(request: dict[str, Any]) -> dict[str, Any] | None:
    match = re.fullmatch(r"#?sandbox = (:sandbox)", request["KeyConditionExpression"])
    if match is None or "FilterExpression" in request or "IndexName" in request:
        return None
    table = _table(request["TableName"])
    of_hash = table.items.get(DynamoType(request["ExpressionAttributeValues"][match[1]]), {})
    return _page(request, list(of_hash.values()), _keys(table))


def _scan(request: dict[str, Any]) -> dict[str, Any] | None:
    if "FilterExpression" in request or "IndexName" not in request:
        return None
    table = _table(request["TableName"])
    keys = _keys(table) + [one["AttributeName"] for one in table.get_index(request["IndexName"]).schema]
    items = (item for of_hash in list(table.items.values()) for item in list(of_hash.values()))
    return _page(request, [item for item in items if all(name in item.attrs for name in keys)], keys, keys)


def _page(request: dict[str, Any], items: list[Any], keys: list[str], kept: list[str] | None = None) -> dict[str, Any]:
    """The items of one page, if all have the size of the first. `kept` are the attributes that an index has."""

    def place(item: Any) -> list[str]:
        return [item.attrs[name].value for name in keys]

    after = [next(iter(one.values())) for one in (request.get("ExclusiveStartKey", {}).get(n, {"S": ""}) for n in keys)]
    following = sorted((item for item in items if place(item) > after), key=place)
    most = PAGE_BYTES // _bytes(_read(following[0], kept)) if following else 0
    found = [_read(item, _projection(request) or kept) for item in following[:most]]
    more = {"LastEvaluatedKey": _read(following[most - 1], keys)} if len(following) > most else {}
    return {"Items": found, "Count": len(found), "ScannedCount": len(found), **more}


def _batch(request: dict[str, Any]) -> dict[str, Any]:
    responses = {}
    for name, of in request["RequestItems"].items():
        table = _table(name)
        held = [table.get_item(*(DynamoType(key[part]) for part in _keys(table))) for key in of["Keys"]]
        responses[name] = [_read(item, _projection(of)) for item in held if item is not None]
    return {"Responses": responses, "UnprocessedKeys": {}}


def _parameters(request: dict[str, Any]) -> dict[str, Any] | None:
    if not request.get("Recursive") or "ParameterFilters" in request:
        return None
    held: dict[str, Any] = ssm_backends[ACCOUNT][REGION]._parameters
    start, most, path = (
        int(request.get("NextToken", 0)),
        request.get("MaxResults", 10),
        request["Path"].rstrip("/") + "/",
    )
    names = [name for name in list(held) if name.startswith(path)][start : start + most]
    found = [{"Name": name, "Type": "String", "Value": dict.__getitem__(held, name)[-1].value} for name in names]
    return {"Parameters": found} | ({"NextToken": str(start + most)} if len(names) == most else {})


_READS: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "Query": _query,
    "Scan": _scan,
    "BatchGetItem": _batch,
    "GetParametersByPath": _parameters,
}


def _projection(request: dict[str, Any]) -> list[str] | None:
    if "ProjectionExpression" not in request:
        return None
    names = request.get("ExpressionAttributeNames", {})
    return [names.get(name, name) for name in request["ProjectionExpression"].split(", ")]


def _table(name: str) -> Any:
    return dynamodb_backends[ACCOUNT][REGION].tables[name]


def _keys(table: Any) -> list[str]:
    return [table.hash_key_attr, table.range_key_attr]


def _read(item: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The item, or the named attributes of it, in DynamoDB JSON."""
    attributes = dict(item.attrs)
    return {name: _plain(attributes[name]) for name in names or attributes if name in attributes}


def _plain(typed: Any) -> dict[str, Any]:
    if typed.type == "M":
        return {"M": {name: _plain(value) for name, value in dict(typed.value).items()}}
    if typed.type == "L":
        return {"L": [_plain(value) for value in typed.value]}
    return {typed.type: typed.value}


def _bytes(value: Any) -> int:
    """About the size that DynamoDB counts: names and values, and a little for each type."""
    if isinstance(value, dict):
        return sum(len(name) + _bytes(one) for name, one in value.items())
    return sum(map(_bytes, value)) if isinstance(value, list) else len(str(value))
