"""Faults of AWS: each call of each port fails with the same error, and with the same effect, on both sides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from aep_connections.aws.items import decimal, serialize
from aep_connections.contract.messages import READY
from aep_connections.contract.request import read_request
from aep_connections.domain.delivery import Message, Recheck
from aep_connections.domain.entry import Attempt, Entry, Lease
from aep_connections.domain.errors import ConnectionFailure, Failure, SecretRefused, Throttled, Unavailable
from aep_connections.domain.model import Order, Page, Request
from aep_connections.domain.time import RECORD_SECONDS
from tests.adapters.sides import EXPLORE, RECONCILE, Side, Stand
from tests.support.call_faults import AWS, CallFault
from tests.support.calls import Calls

OPEN, NEW = Order("2026-11-18T10:00:00.000Z", "id-1"), Order("2026-11-18T10:00:01.000Z", "id-2")
ATTEMPT = Attempt("m-1", 1_795_000_000.0, "f-1")
FAILURE = Failure.of(Unavailable("Not now."))
HIDDEN_SECONDS = 70
WORDS = {
    Throttled: r"AWS throttled \S+ \(ThrottlingException\)\.",
    SecretRefused: r"The secret (\S+ )?cannot be read: access is denied \(by the role's policy, .*\)\.",
    Unavailable: r"The AWS call \S+ failed \((\w*AccessDeniedException|InternalServerError|Connection\w*Error)\)\.",
}
"""What an error says. It names the operation or the secret, which `CallFault` does not know."""


# ------------------------------------------------------------ the calls


@dataclass(frozen=True, slots=True)
class Probe:
    """A call of a port. `act` and `effects` get what `before` returns.

    Attributes:
        effects: how often the call took effect, as far as it can be seen: at most `most` times.
        tries: how often the SDK makes the call at most.
        denied: the error if AWS denies access; None if there is none.
        best_effort: whether every error is ignored.
    """

    act: Callable[[Side, Any], object]
    before: Callable[[Side], Any] = lambda _side: None
    effects: Callable[[Side, Any], int] = lambda _side, _context: 0
    most: int = 9
    tries: int = 2
    denied: type[ConnectionFailure] | None = Unavailable
    best_effort: bool = False


def request(side: Side) -> Request:
    return read_request({"sandbox": side.sandbox, "name": "sales", "databricksSecretId": side.secret_id()}, "aep/")


def lease(side: Side) -> Lease:
    return Lease(side.key, "me", side.clock.now() + 300)


def page(sandbox: str | None) -> Page:
    return Page(sandbox=sandbox, status=None, limit=5, after=None)


def open_key(side: Side) -> None:
    """A key whose request this delivery processes."""
    item = {
        "order": str(OPEN),
        "owner": "me",
        "status": "provisioning",
        "request": {"name": "sales"},
        "leaseUntil": decimal(side.clock.now() + 1),
        "databricksSecretId": side.secret_id(),
    }
    typed = {name: serialize(value) for name, value in item.items()}
    side.put({"sandbox": {"S": side.sandbox}, "name": {"S": "sales"}} | typed)


def recorded(side: Side) -> Entry:
    return side.registry.get(side.key) or Entry(key=side.key)


def written(side: Side, _: object) -> int:
    """Whether the open key was written."""
    return int(recorded(side).updated_at > 0)


def reading(act: Callable[[Side], object]) -> Probe:
    """A read of the registry."""
    return Probe(lambda side, _: act(side), open_key, most=0)


def writing(act: Callable[[Side], object]) -> Probe:
    """A write to the registry, which can be repeated."""
    return Probe(lambda side, _: act(side), open_key, written, most=1)


def difference(changes: dict[str, Any], was: dict[str, Any] | None = None, *, close: bool = False) -> Probe:
    """The write of what differs between two entries of the open key."""

    def act(side: Side) -> None:
        before = Entry(key=side.key, order=OPEN, **was or {})
        (side.registry.close if close else side.registry.save)(lease(side), before, before.with_(**changes))

    return writing(act)


def of_a_secret(act: Callable[[Side], object], denied: type[ConnectionFailure] | None) -> Probe:
    """A call about a secret with two versions."""

    def before(side: Side) -> None:
        for _ in range(2):
            side.put_secret(side.secret_id(), "{}")

    return Probe(lambda side, _: act(side), before, most=0, denied=denied)


def of_a_parameter(act: Callable[[Side], object], **effect: Any) -> Probe:
    """A call about a parameter that exists."""
    return Probe(lambda side, _: act(side), lambda side: side.parameters.put(side.key, "c-0"), **{"most": 0} | effect)


def message(side: Side) -> Message:
    """A message that this delivery received."""
    side.queue.submit(OPEN, {"sandbox": side.sandbox})
    ((_, received),) = side.receive()
    return received


def exploring(side: Side) -> list[Any]:
    """The questions that the explore function got."""
    asked: list[Any] = []

    def reply(question: Any, _: Any) -> dict[str, Any]:
        asked.append(question)
        return {}

    side.handle(EXPLORE, reply)
    return asked


def invoke_later(side: Side, _: object) -> None:
    side.asynchronous.invoke_later(RECONCILE, {"sandbox": side.sandbox})


READS: dict[str, Probe] = {
    "read entry": reading(lambda side: side.registry.get(side.key)),
    "list all": reading(lambda side: side.registry.page(page(None))),
    "list sandbox": reading(lambda side: side.registry.page(page(side.sandbox))),
    "sandboxes": reading(lambda side: side.registry.sandboxes()),
    "keys of a sandbox": reading(lambda side: side.registry.in_sandbox(side.sandbox)),
    "read entries again": reading(lambda side: side.registry.current([side.key])),
    "keys of a secret": reading(lambda side: side.registry.keys_of_secret(side.secret_id())),
    "ids held by others": reading(lambda side: side.registry.held_by_others(side.key)),
    "Adobe secret": of_a_secret(lambda side: side.secrets.read(side.adobe_secret_id), SecretRefused),
    "Databricks secret": of_a_secret(lambda side: side.secrets.read(side.secret_id()), SecretRefused),
    "former secret": of_a_secret(lambda side: side.secrets.read(side.secret_id(), "AWSPREVIOUS"), SecretRefused),
    "secret's version": of_a_secret(lambda side: side.secrets.current_versions([side.secret_id()]), None),
    "read parameter": of_a_parameter(lambda side: side.parameters.get(side.key)),
    "list parameters": of_a_parameter(lambda side: side.parameters.in_sandbox(side.sandbox)),
}
WRITES: dict[str, Probe] = {
    "accept": writing(lambda side: side.registry.accept(lease(side), NEW, request(side))),
    "resume": writing(lambda side: side.registry.resume(lease(side))),
    "record id": difference({"connection_id": "c-1"}),
    "close": difference({"answered": OPEN}, close=True),
    "note": Probe(
        lambda side, _: side.registry.note_pending(NEW, request(side)),
        open_key,
        lambda side, _: int(recorded(side).pending is not None),
        most=1,
    ),
    "publish": of_a_parameter(
        lambda side: side.parameters.put(side.key, "c-1"),
        effects=lambda side, _: int(side.parameters.get(side.key) == "c-1"),
        most=1,
    ),
    "delete parameter": of_a_parameter(
        lambda side: side.parameters.delete(side.key),
        effects=lambda side, _: int(side.parameters.get(side.key) is None),
        most=1,
    ),
    "announce": Probe(
        lambda side, _: side.events.announce(READY, {"sandbox": side.sandbox}),
        effects=lambda side, _: len(side.announced()),
    ),
    "send request": Probe(
        lambda side, _: side.queue.submit(OPEN, {"sandbox": side.sandbox}), effects=lambda side, _: len(side.receive())
    ),
    "send rechecks": Probe(
        lambda side, _: side.queue.recheck(Recheck(side.key, "due")), effects=lambda side, _: len(side.receive())
    ),
    "park": Probe(
        lambda side, _: side.queue.park(OPEN, {"sandbox": side.sandbox}, "Unavailable", "no"),
        effects=lambda side, _: len(side.parked()),
    ),
    "visibility": Probe(
        lambda side, received: side.queue.hide(received, HIDDEN_SECONDS),
        message,
        lambda side, received: int(side.hidden(received) == HIDDEN_SECONDS),
        most=1,
        best_effort=True,
    ),
    "continue": Probe(
        invoke_later,
        lambda side: side.handle(RECONCILE, lambda event, _: event),
        lambda side, _: len(side.invoked(RECONCILE)),
    ),
    "explore function": Probe(
        lambda side, _: side.functions.explore(EXPLORE, {}), exploring, lambda _, asked: len(asked), tries=1
    ),
}
MORE_WRITES: dict[str, Probe] = {
    "record attempt": difference({"attempt": ATTEMPT}),
    "record failure": difference({"failure": FAILURE}, close=True),
    "forget attempt": difference({"attempt": None}, {"attempt": ATTEMPT}),
    "release": difference({}, close=True),
}
"""Of the same methods, with another purpose."""
PROBES = READS | WRITES


# ------------------------------------------------------------ what is expected


def error_of(probe: Probe, fault: CallFault) -> type[ConnectionFailure] | None:
    """The error of the call; None if there is none."""
    if probe.best_effort or fault.times < probe.tries:
        return None
    code = fault.refusal[1] if fault.refusal else ""
    if code == "ThrottlingException":
        return Throttled
    return probe.denied if code == "AccessDeniedException" else Unavailable


def effects_of(probe: Probe, fault: CallFault) -> int:
    """How often the call takes effect. The SDK repeats it if AWS throttles or fails or does not respond."""
    lost = min(fault.times, probe.tries) if fault.lost == "after" else 0
    return min(probe.most, lost + (fault.times < probe.tries))


@pytest.mark.parametrize("fault", AWS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", PROBES)
def test_a_fault_of_aws_ends_a_call_with_its_error_and_its_effect(side: Side, name: str, fault: CallFault) -> None:
    probe = PROBES[name]
    context, error = probe.before(side), None

    with side.failing(name, fault):
        try:
            probe.act(side, context)
        except ConnectionFailure as raised:
            error = raised

    expected = error_of(probe, fault)
    assert type(error) is (expected or type(None))
    assert probe.effects(side, context) == effects_of(probe, fault)
    if expected and error:
        assert re.fullmatch(WORDS[expected], error.message)
        assert (error.retry_after, error.may_have_happened, error.request_id, error.faults) == (None, False, None, ())
        assert (error.remedy == expected.usual_remedy) == (expected is not Unavailable)
        assert error.remedy


@pytest.mark.parametrize("name", PROBES | MORE_WRITES)
def test_a_call_has_its_name_on_both_sides(side: Side, name: str) -> None:
    probe = (PROBES | MORE_WRITES)[name]
    context = probe.before(side)

    with side.watched(Calls()) as calls:
        probe.act(side, context)

    assert calls.made == [name]


def test_a_version_that_may_not_be_read_is_unknown(side: Side) -> None:
    PROBES["secret's version"].before(side)
    denied = next(fault for fault in AWS if fault.refusal == (400, "AccessDeniedException"))

    with side.failing("secret's version", denied):
        assert side.secrets.current_versions([side.secret_id()]) == {side.secret_id(): None}


@pytest.mark.parametrize("service", ["dynamodb", "events", "lambda", "secretsmanager", "sqs", "ssm"])
def test_a_call_to_aws_ends_within_the_time_kept_free_to_record(stand: Stand, service: str) -> None:
    config = stand.client(service).meta.config

    one_try = config.connect_timeout + config.read_timeout
    assert one_try * config.retries["total_max_attempts"] <= RECORD_SECONDS
