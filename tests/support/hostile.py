"""Invalid input: values, texts and JSON of every wrong kind, the same in every run."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_SAME = {"derandomize": True, "database": None, "deadline": None}
MANY = settings(max_examples=75, **_SAME)  # type: ignore[arg-type]
"""For pure functions."""
FEW = settings(max_examples=25, suppress_health_check=list(HealthCheck), **_SAME)  # type: ignore[arg-type]
"""For a whole world."""

NASTY_TEXTS = (
    *("", " ", " x", "x ", "tab\there", "two\nlines", "nul\x00", "\ud800", "\u202eevil", "\ufeffx", "\u2028"),
    *("\x1b[31m", "x" * 5_000, "é" * 1_001),
)
"""The contract accepts none of these texts anywhere, and none of them is an id."""
ODD_TEXTS = (
    "' OR 1=1 --",
    "<html><body>no</body></html>",
    "{{7*7}}",
    "${jndi:ldap://a}",
    "../../etc/passwd",
    "é" * 300,
)

nested = st.integers(2, 400).map(lambda depth: json.loads("[" * depth + "]" * depth))
texts = st.sampled_from(NASTY_TEXTS + ODD_TEXTS) | st.text(max_size=40)
numbers = st.integers() | st.floats() | st.sampled_from([10**300, -1, 0, 1e308])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
not_texts = (
    st.booleans() | numbers | st.lists(json_values, max_size=2) | st.dictionaries(texts, json_values, max_size=2)
)
"""Neither a string nor null."""

_ENVELOPE = {
    "id": "e-1",
    "detail-type": "AEP Base Connection Requested",
    "source": "tests",
    "time": "2026-11-18T10:00:00Z",
}
TIMES = (
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "now"),
    *("2099-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "2026-11-18T10:00:00"),
    *("2026-W47-3T10:00:00Z", "٢٠٢٦-11-18T10:00:00Z"),
)
"""Event times that are malformed, or far from the present."""


def envelopes(details: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """EventBridge events in which anything may be missing, wrong or additional."""
    odd = st.fixed_dictionaries(
        {},
        optional={
            "time": st.sampled_from(TIMES) | json_values,
            "id": json_values,
            "detail-type": st.just("AEP Base Connection Ready") | json_values,
            "source": json_values,
            "detail": details,
            "extra": json_values,
        },
    )
    missing = st.sets(st.sampled_from(sorted(_ENVELOPE)), max_size=2)
    return st.builds(
        lambda changes, without: {k: v for k, v in ({**_ENVELOPE, **changes}).items() if k not in without}, odd, missing
    )


rechecks = st.fixed_dictionaries(
    {
        "recheck": st.fixed_dictionaries(
            {},
            optional={
                "sandbox": st.just("dev") | json_values,
                "name": st.just("never-asked-for") | json_values,
                "reason": json_values | nested,
                "extra": json_values,
            },
        )
        | json_values
    },
    optional={"name": json_values},
)

RAW_BODIES = (
    *("", "not json", "[1", '"text"', "NaN", "Infinity", "-Infinity", "nul\x00", "\ufeff{}", "\ud800", '"\\ud800"'),
    *("1" * 5_000, "[" * 5_000, "[" * 100_000, '{"a":' * 900 + "1" + "}" * 900, '{"name": 1, "name": "x"}', "1e999"),
    *('{"name": NaN, "sandbox": Infinity}', json.dumps({"name": "x" * 250_000}), "x" * 250_000, "\ud83d\ude00" * 9),
    *(json.dumps({f"x{number}": number for number in range(20_000)}), "{'name': 'x'}", "null", "true", "<xml/>"),
)
"""Bodies as text, most of them not JSON."""


def bodies(details: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """What the body of a message on the queue may contain."""
    return st.sampled_from(RAW_BODIES) | (envelopes(details) | rechecks | details).map(json.dumps)
