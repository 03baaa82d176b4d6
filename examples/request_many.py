"""Requests one connection for each row of a CSV file: `python examples/request_many.py FILE [--api URL]`.

The header names fields of a request (docs/reference/request.md); an empty cell leaves its field out. Without `--api`
the requests go to the bus `$BUS` as events, ten a call. With it each goes to the HTTP API, and a 429 is repeated.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

BATCH, ATTEMPTS = 10, 8
REPEATED = (429, 503)


def read_rows(path: str) -> list[dict[str, Any]]:
    """The requests in a file. Ends the program if two rows have one key, or one display name in a sandbox."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [
            {name: cell.strip() for name, cell in row.items() if cell and cell.strip()} for row in csv.DictReader(file)
        ]
    seen: dict[tuple[str, str, str], int] = {}
    for line, row in enumerate(rows, 2):
        if not {"sandbox", "name"} <= set(row):
            sys.exit(f"Line {line} lacks sandbox or name.")
        for what in ("name", "displayName"):
            value = row.get(what, row.get("name", ""))
            first = seen.setdefault((row.get("sandbox", ""), what, value), line)
            if first != line:
                sys.exit(f"Lines {first} and {line} have the same {what} in one sandbox: {value}")
    return [{**row, "adopt": row["adopt"].lower() == "true"} if "adopt" in row else row for row in rows]


def send_events(session: boto3.Session, bus: str, rows: list[dict[str, Any]]) -> int:
    """Put one event for each request. Returns how many EventBridge rejected."""
    events = session.client("events")
    left = [
        {
            "EventBusName": bus,
            "Source": "request_many",
            "DetailType": "AEP Base Connection Requested",
            "Detail": json.dumps(row),
        }
        for row in rows
    ]
    for attempt in range(ATTEMPTS):
        entries: list[Any] = left
        left = []
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            reply = events.put_events(Entries=batch)
            left += [entry for entry, took in zip(batch, reply["Entries"], strict=True) if "ErrorCode" in took]
        if not left:
            break
        time.sleep(2**attempt)
    return len(left)


def put(session: boto3.Session, api: str, row: dict[str, Any]) -> int:
    """PUT one request, again as long as the API is throttled; the last status. Prints why a request was refused."""
    url, body = f"{api}/connections/{row['sandbox']}/{row['name']}", json.dumps(row).encode()
    credentials = session.get_credentials()
    if credentials is None:
        sys.exit("No AWS credentials found.")
    status = 0
    for attempt in range(ATTEMPTS):
        request = AWSRequest("PUT", url, data=body)
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", session.region_name).add_auth(request)
        call = urllib.request.Request(url, body, dict(request.headers), method="PUT")  # noqa: S310
        try:
            with urllib.request.urlopen(call) as reply:  # noqa: S310 - the URL is the caller's own
                return int(reply.status)
        except urllib.error.HTTPError as error:
            status = error.code
            if status not in REPEATED:
                print(f"{row['sandbox']}/{row['name']}: {status} {error.read().decode()}", file=sys.stderr)
                return status
            time.sleep(float(error.headers.get("Retry-After") or min(0.5 * 2**attempt, 8)))
    print(f"{row['sandbox']}/{row['name']}: still {status}", file=sys.stderr)
    return status


def main() -> int:
    """Send every row: 0 if all were taken, else 1."""
    parser = argparse.ArgumentParser(description="Requests one connection for each row of a CSV file.")
    parser.add_argument("file")
    parser.add_argument("--api", help="the HTTP API's URL; without it events go to the bus $BUS")
    given = parser.parse_args()
    rows = read_rows(given.file)
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if given.api:
        failed = sum(put(session, given.api, row) >= 300 for row in rows)
    else:
        failed = send_events(session, os.environ["BUS"], rows)
    print(f"{len(rows) - failed} of {len(rows)} requests sent.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
