"""The guards of the nine invariants. `python -m tests.guards` removes each guard and checks that its tests fail."""

from __future__ import annotations

from tests.guards import accounted, bounded, certain, latest, least, one, ours, secret, true
from tests.guards.guard import Guard, Invariant

INVARIANTS: tuple[Invariant, ...] = (
    one.INVARIANT,
    true.INVARIANT,
    secret.INVARIANT,
    accounted.INVARIANT,
    bounded.INVARIANT,
    certain.INVARIANT,
    least.INVARIANT,
    latest.INVARIANT,
    ours.INVARIANT,
)
GUARDS: tuple[Guard, ...] = tuple(guard for invariant in INVARIANTS for guard in invariant.guards)
