"""What a made-up life draws from: keys, requests, edits in Adobe, and faults that hit."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.canaries import TOKEN
from tests.support.judge import KeyOf
from tests.support.spoilt import AWS, HTTP, KILLS, Spoilt

KEYS: tuple[KeyOf, ...] = (("dev", "k1"), ("dev", "k2"), ("prod", "k1"))
QUICK = [one for one in HTTP if one.timeouts is None and not one.options and "lag" not in one.name]
"""Those that wait for a timeout are left to the matrix; lags have a rule of their own."""
LOST = [one for one in (*QUICK, *KILLS) if "after" in one.name or "later" in one.name]
"""The worst: an effect of which nobody hears,"""
LATE = [one for one in LOST if one.fault and one.fault.late]
"""or one that comes when nobody listens any more."""
EDITS = ["delete", "rename", "edit", "disable", "enable", "twin", "parameter", "secret"]
MENDED = ["delete", "rename", "edit", "parameter", "secret"]
"""Those that are made right again by whoever looks after the fleet."""
RIGHT = [("revoked_tokens", []), ("start_ends", ""), ("refusal", ""), ("missing_grants", [])]
WORKSPACES = [
    *RIGHT,
    ("revoked_tokens", [TOKEN]),
    ("start_ends", "AZURE_QUOTA_EXCEEDED_EXCEPTION"),
    ("start_ends", "SECRET_RESOLUTION_ERROR"),
    ("refusal", "ip"),
    ("missing_grants", ["CAN RESTART"]),
]
"""What becomes of the workspace, by a setting of the simulator."""
LAGS = (0.0, 50.0)
"""Seconds; with the latest effect still less than what an attempt needs to settle."""

keys = st.sampled_from(KEYS)
numbers = st.integers(0, 30)
calls_in = st.integers(1, 16)
asks = st.fixed_dictionaries(
    {},
    optional={
        "displayName": st.just(".b"),
        "database": st.just("other"),
        "adopt": st.just(True),
        "readiness": st.sampled_from(["start", "off"]),
    },
) | st.just({"desiredState": "absent"})
faults = st.tuples(
    st.sampled_from(["create", "create", "patch", "delete"]) | calls_in,
    st.sampled_from(QUICK) | st.sampled_from(LOST) | st.sampled_from(LATE),
    st.sampled_from(AWS + KILLS[:2]),
)
agains = st.sampled_from([None, 0, 30, 60])
Aimed = tuple[str | int, Spoilt, Spoilt]
"""A call by its name or number, and what goes wrong with it: if it is HTTP, if it is one of AWS."""
