"""What a generated life is made of: keys, requests, edits in Adobe, and faults."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.call_faults import AWS, HTTP, KILLS, CallFault
from tests.support.canaries import TOKEN
from tests.support.judge import KeyOf

KEYS: tuple[KeyOf, ...] = (("dev", "k1"), ("dev", "k2"), ("prod", "k1"))
QUICK = [one for one in HTTP if one.timeouts is None and not one.options and "lag" not in one.name]
"""Faults that wait for a timeout are tried by the matrix only. Lags have their own rule."""
LOST = [one for one in (*QUICK, *KILLS) if "after" in one.name or "later" in one.name]
"""The worst faults: an effect whose response is lost,"""
LATE = [one for one in LOST if one.fault and one.fault.late]
"""or an effect that happens after the caller stopped waiting."""
EDITS = ["delete", "rename", "edit", "disable", "enable", "twin", "parameter", "secret"]
REPAIRED = ["delete", "rename", "edit", "parameter", "secret"]
"""The edits that a reconcile run repairs."""
RIGHT = [("revoked_tokens", []), ("start_ends", ""), ("refusal", ""), ("missing_grants", [])]
WORKSPACES = [
    *RIGHT,
    ("revoked_tokens", [TOKEN]),
    ("start_ends", "AZURE_QUOTA_EXCEEDED_EXCEPTION"),
    ("start_ends", "SECRET_RESOLUTION_ERROR"),
    ("refusal", "ip"),
    ("missing_grants", ["CAN RESTART"]),
]
"""States of the workspace, each as a setting of the simulator."""
LAGS = (0.0, 50.0)
"""Seconds. A lag plus the latest effect is still shorter than the settle time of an attempt."""

keys = st.sampled_from(KEYS)
numbers = st.integers(0, 30)
calls_in = st.integers(1, 16)
requests = st.fixed_dictionaries(
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
Aimed = tuple[str | int, CallFault, CallFault]
"""A call by its name or number, and its fault: one if it is a call over HTTP, one if it is a call to AWS."""
