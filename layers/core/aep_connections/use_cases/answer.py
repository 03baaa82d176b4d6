"""Answers each delivery: accepted, done, announced, closed; or refused, put back, given up and parked.

This is the accounting around `provision` and `retire`: every accepted request ends published, deleted, superseded,
or failed with a reason that is recorded and announced. What cannot be recorded is not acknowledged.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.deadline import Deadline
from aep_connections.domain.entry import Failure, Lease
from aep_connections.domain.errors import (
    CODES,
    ConnectionFailure,
    InvalidRequest,
    OutOfTime,
    Waiting,
    unexpected,
)
from aep_connections.domain.model import (
    Delivery,
    DesiredState,
    Key,
    Message,
    Order,
    Outcome,
    Recheck,
    Request,
    Result,
    Status,
)
from aep_connections.domain.readiness import Report
from aep_connections.use_cases.provision import provision
from aep_connections.use_cases.request import read, readable_key
from aep_connections.use_cases.retire import retire
from aep_connections.use_cases.work import Ports, Rules, Work

READY, FAILED, DELETED = (f"AEP Base Connection {end}" for end in ("Ready", "Failed", "Deleted"))
PARKED = (
    "The request was given up and parked: when the cause is mended, redrive the dead-letter queue or send it again."
)
AGAIN = "Send the request again."
LEASE_BEYOND_DEADLINE_SECONDS = 60.0
VISIBILITY_BEYOND_DEADLINE_SECONDS = 90.0
FIRST_PAUSE_SECONDS, PAUSE_GROWTH_SECONDS, LONGEST_PAUSE_SECONDS = 60.0, 30.0, 180.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How a delivery ended: a result or an error, what it saw of the workspace, and whether its message is done."""

    sandbox: str | None
    name: str | None
    order: Order
    result: Result | None = None
    error: ConnectionFailure | None = None
    acknowledged: bool = True
    parked: bool = False
    report: Report | None = None
    recheck: Recheck | None = None


def answer(delivery: Delivery, ports: Ports, rules: Rules, deadline: Deadline) -> Answer:
    """Do what a delivery asks for. Raises nothing: whatever goes wrong is in the answer."""
    if delivery.message:
        ports.requests.hold(delivery.message, deadline.remaining() + VISIBILITY_BEYOND_DEADLINE_SECONDS)
    try:
        return _Answering(delivery, ports, rules, deadline).run()
    except ConnectionFailure as failure:
        unrecorded = failure
    except Exception as error:  # noqa: BLE001 - not acknowledged, so nothing is lost
        unrecorded = unexpected(error)
    sandbox, name = _key_of(delivery)
    if delivery.message:
        ports.requests.hold(delivery.message, _pause(delivery.message, unrecorded))
    else:
        _tell_how_to_go_on(unrecorded, AGAIN)
    return Answer(sandbox, name, delivery.order, error=unrecorded, acknowledged=False)


class _Answering:
    def __init__(self, delivery: Delivery, ports: Ports, rules: Rules, deadline: Deadline) -> None:
        self._delivery, self._ports, self._rules, self._deadline = delivery, ports, rules, deadline
        self._message = delivery.message

    def run(self) -> Answer:
        if isinstance(self._delivery.asked, Recheck):
            return self._recheck(self._delivery.asked)
        try:
            request = read(self._delivery.asked, self._rules.secret_prefix)
        except InvalidRequest as refusal:
            return self._refuse(refusal)
        lease = self._lease(request.key)
        order = self._delivery.order
        entry = self._ports.registry.accept(lease, order, request)
        if entry is None:
            return self._nothing(request.key, Result(request.key, Outcome.SUPERSEDED, None))
        return self._work(Work(self._ports, self._rules, self._deadline, lease, order, entry, asked=request))

    def _recheck(self, recheck: Recheck) -> Answer:
        lease = self._lease(recheck.key)
        entry = self._ports.registry.resume(lease)
        nothing = Result(recheck.key, Outcome.UNCHANGED, None)
        if entry is None:
            return self._nothing(recheck.key, nothing)
        retired = entry.status is Status.RETIRED and not recheck.clears
        if retired or entry.request is None or entry.order is None:
            self._ports.registry.close(lease, entry, entry)
            return self._nothing(recheck.key, nothing)
        return self._work(Work(self._ports, self._rules, self._deadline, lease, entry.order, entry, recheck=recheck))

    def _work(self, work: Work) -> Answer:
        """Do the work, announce it, close it: a kill in between repeats the event rather than losing it.

        A close that was not heard may have happened, and nothing is recorded after it: the next delivery finds out.
        """
        ended: Result | ConnectionFailure
        try:
            self._stop_if_given_up(work)
            ended = self._do(work)
            if _is_news(work, ended):
                self._announce(DELETED if _absent(work.request) else READY, work.order, ended.document())
        except ConnectionFailure as error:
            ended = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is accounted for
            ended = unexpected(error)
        try:
            if isinstance(ended, ConnectionFailure):
                return self._fail(work, ended)
            return self._close(work, ended)
        except ConnectionFailure:
            with contextlib.suppress(ConnectionFailure):
                self._ports.registry.close(work.lease, work.saved, work.saved)
            raise

    def _close(self, work: Work, result: Result) -> Answer:
        end = work.entry.retired if _absent(work.request) else work.entry.ready
        work.close(end(result, self._ports.clock.now()))
        return self._answer(work, result=result)

    def _do(self, work: Work) -> Result:
        request = work.request
        if _absent(request) or request.source is None or request.secret_id is None:
            return retire(work)
        return provision(work, request.source, request.secret_id)

    def _stop_if_given_up(self, work: Work) -> None:
        waits = work.wait() is not None and work.before.status is Status.WAITING  # which has a limit of its own
        if waits or not self._overdue():
            return
        last = work.before.failure if work.before.order == work.order else None
        if last is None:
            raise OutOfTime(f"Not done within {round(self._rules.give_up_seconds)} s of its first delivery.")
        raise CODES[last.code](last.message, remedy=last.remedy, request_id=last.request_id)

    def _overdue(self) -> bool:
        if self._message is None:
            return False
        return self._ports.clock.now() - self._message.first_received >= self._rules.give_up_seconds

    def _given_up(self, work: Work, error: ConnectionFailure) -> bool:
        wait = work.wait()
        if isinstance(error, Waiting) and wait:
            return self._ports.clock.now() >= wait.until
        return self._overdue()

    def _fail(self, work: Work, error: ConnectionFailure) -> Answer:
        """Announce and record a failure for good, or put the request back.

        What nobody asked for leaves the key's status as it is: no request is open while it is tried again.
        """
        if not error.retryable or self._message is None or self._given_up(work, error):
            return self._end(work, error)
        status = Status.WAITING if isinstance(error, Waiting) else Status.PROVISIONING
        if work.unattended and work.before.status:
            status = work.before.status
        work.postpone(status, Failure.of(error))
        self._ports.requests.hold(self._message, _pause(self._message, error))
        return self._answer(work, error=error, acknowledged=False)

    def _end(self, work: Work, error: ConnectionFailure) -> Answer:
        """Announce a failure, park what another try might mend, and record it."""
        _tell_how_to_go_on(error, PARKED if self._message else AGAIN)
        failure = Failure.of(error)
        last = work.before.failure if work.before.status is Status.FAILED else None
        known = last is not None and last.code == failure.code
        if not (work.recheck and known):
            detail = _named(work.lease.key.sandbox, work.lease.key.name) | failure.document()
            self._announce(FAILED, work.order, detail | (work.report.event_fields() if work.report else {}))
        parked = error.retryable and self._message is not None
        if parked:
            self._ports.requests.park(work.order, self._asked(), failure.code, failure.message)
        work.close(work.entry.failed(failure, self._ports.clock.now()))
        return self._answer(work, error=error, parked=parked)

    def _refuse(self, refusal: InvalidRequest) -> Answer:
        """An invalid request orders nothing; without a valid key nobody could find it again, so it is parked."""
        sandbox, name = readable_key(self._delivery.asked)
        order = self._delivery.order
        failure = Failure.of(refusal)
        self._announce(FAILED, order, _named(sandbox, name) | failure.document())
        parked = self._message is not None and (sandbox is None or name is None)
        if parked:
            self._ports.requests.park(order, self._delivery.asked, failure.code, str(refusal))
        return Answer(sandbox, name, order, error=refusal, parked=parked)

    def _announce(self, detail_type: str, order: Order, detail: dict[str, Any]) -> None:
        self._ports.events.announce(detail_type, detail | {"requestedAt": order.time, "requestEventId": order.id})

    def _asked(self) -> object:
        asked = self._delivery.asked
        return asked.document() if isinstance(asked, Recheck) else asked

    def _lease(self, key: Key) -> Lease:
        until = self._ports.clock.now() + self._deadline.remaining() + LEASE_BEYOND_DEADLINE_SECONDS
        return Lease(key, uuid.uuid4().hex, until)

    def _answer(self, work: Work, **end: Any) -> Answer:
        key = work.lease.key
        return Answer(key.sandbox, key.name, work.order, report=work.report, recheck=work.recheck, **end)

    def _nothing(self, key: Key, result: Result) -> Answer:
        """The answer to what was not worked on."""
        recheck = self._delivery.asked if isinstance(self._delivery.asked, Recheck) else None
        return Answer(key.sandbox, key.name, self._delivery.order, result=result, recheck=recheck)


def _tell_how_to_go_on(error: ConnectionFailure, remedy: str) -> None:
    """Nobody tries again what is retryable but ends here: the remedy says so, before what the error itself says."""
    if error.retryable:
        own = "" if error.remedy == error.usual_remedy else f" {error.remedy}"
        error.remedy = remedy + own


def _is_news(work: Work, result: Result) -> bool:
    """Every request is answered; a recheck only if it changed something or ended a request."""
    was = work.before
    return work.recheck is None or was.answered != was.order or was.status is Status.FAILED or result.changed


def _absent(request: Request) -> bool:
    return request.desired_state is DesiredState.ABSENT


def _named(sandbox: str | None, name: str | None) -> dict[str, Any]:
    return {"name": name, "sandbox": sandbox}


def _key_of(delivery: Delivery) -> tuple[str | None, str | None]:
    if isinstance(delivery.asked, Recheck):
        return delivery.asked.key.sandbox, delivery.asked.key.name
    return readable_key(delivery.asked)


def _pause(message: Message, error: ConnectionFailure) -> float:
    """Seconds until a message is delivered again: growing, and not before what the upstream asked for."""
    grown = FIRST_PAUSE_SECONDS + PAUSE_GROWTH_SECONDS * (message.receive_count - 1)
    return min(LONGEST_PAUSE_SECONDS, max(grown, error.retry_after or 0.0))
