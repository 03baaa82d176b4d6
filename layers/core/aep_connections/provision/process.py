"""Processes a delivery: accepts, runs, announces and closes it; or refuses it, postpones it, gives it up and parks it.

This is the accounting around `provision` and `retire`: every accepted request ends published, deleted, superseded,
or failed with a reason that is recorded and announced. What cannot be recorded is not acknowledged.
"""

import contextlib
import uuid
from typing import Any

from aep_connections.contract.messages import DELETED, FAILED, READY
from aep_connections.contract.request import read_request, readable_key
from aep_connections.domain.delivery import Delivery, Message, Processed, Recheck
from aep_connections.domain.entry import Lease
from aep_connections.domain.errors import (
    CODES,
    ConnectionFailure,
    Failure,
    InvalidRequest,
    OutOfTime,
    Waiting,
    unexpected,
)
from aep_connections.domain.model import DesiredState, Key, Order, Outcome, Request, Result, Status
from aep_connections.domain.time import Deadline
from aep_connections.provision.job import Job, Limits, Ports
from aep_connections.provision.provision import provision
from aep_connections.provision.retire import retire

PARKED = (
    "The request was given up and parked: when the cause is mended, redrive the dead-letter queue or send it again."
)
AGAIN = "Send the request again."
LEASE_BEYOND_DEADLINE_SECONDS = 60.0
VISIBILITY_BEYOND_DEADLINE_SECONDS = 90.0
FIRST_PAUSE_SECONDS, PAUSE_GROWTH_SECONDS, MAX_PAUSE_SECONDS = 60.0, 30.0, 180.0


def process(delivery: Delivery, ports: Ports, limits: Limits, deadline: Deadline) -> Processed:
    """Do what a delivery asks for. Raises nothing: whatever goes wrong is in what is returned."""
    if delivery.message:
        ports.queue.hide(delivery.message, deadline.remaining() + VISIBILITY_BEYOND_DEADLINE_SECONDS)
    try:
        return _Processing(delivery, ports, limits, deadline).run()
    except ConnectionFailure as failure:
        unrecorded = failure
    except Exception as error:  # noqa: BLE001 - not acknowledged, so nothing is lost
        unrecorded = unexpected(error)
    if delivery.message:
        ports.queue.hide(delivery.message, _pause(delivery.message, unrecorded))
    else:
        _name_next_step(unrecorded, AGAIN)
    sandbox, name = _key_of(delivery)
    return Processed(sandbox=sandbox, name=name, order=delivery.order, error=unrecorded, acknowledged=False)


class _Processing:
    """One delivery being processed."""

    def __init__(self, delivery: Delivery, ports: Ports, limits: Limits, deadline: Deadline) -> None:
        self._delivery, self._ports, self._limits, self._deadline = delivery, ports, limits, deadline
        self._message = delivery.message

    def run(self) -> Processed:
        if isinstance(self._delivery.payload, Recheck):
            return self._recheck(self._delivery.payload)
        try:
            request = read_request(self._delivery.payload, self._limits.secret_prefix)
        except InvalidRequest as refusal:
            return self._refuse(refusal)
        lease = self._lease(request.key)
        order = self._delivery.order
        entry = self._ports.registry.accept(lease, order, request)
        if entry is None:
            return self._not_run(request.key, Outcome.SUPERSEDED)
        return self._run(self._job(lease=lease, order=order, before=entry, accepted=request))

    def _recheck(self, recheck: Recheck) -> Processed:
        lease = self._lease(recheck.key)
        entry = self._ports.registry.resume(lease)
        if entry is None:
            return self._not_run(recheck.key, Outcome.UNCHANGED)
        retired = entry.status is Status.RETIRED and not recheck.deletes_duplicates
        if retired or entry.request is None or entry.order is None:
            self._ports.registry.close(lease, entry, entry)
            return self._not_run(recheck.key, Outcome.UNCHANGED)
        return self._run(self._job(lease=lease, order=entry.order, before=entry, recheck=recheck))

    def _run(self, job: Job) -> Processed:
        """Do the job, announce it, close it: a kill in between repeats the event rather than losing it.

        A close without a reply may have happened, and nothing is recorded after it: the next delivery finds out.
        """
        end: Result | ConnectionFailure
        try:
            self._stop_if_given_up(job)
            end = _do(job)
            if _is_news(job, end):
                self._announce(DELETED if _is_absent(job.request) else READY, job.order, end.document())
        except ConnectionFailure as error:
            end = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is accounted for
            end = unexpected(error)
        try:
            return self._fail(job, end) if isinstance(end, ConnectionFailure) else self._close(job, end)
        except ConnectionFailure:
            with contextlib.suppress(ConnectionFailure):
                job.release()
            raise

    def _close(self, job: Job, result: Result) -> Processed:
        end = job.entry.retired if _is_absent(job.request) else job.entry.ready
        job.close(end(result, self._ports.clock.now()))
        return _processed(job, result=result)

    def _fail(self, job: Job, error: ConnectionFailure) -> Processed:
        """Announce and record a failure for good, or postpone the request.

        Unattended work leaves the key's status as it is: no request is open while it is tried again.
        """
        if not error.retryable or self._message is None or self._given_up(job, error):
            return self._end(job, error)
        status = Status.WAITING if isinstance(error, Waiting) else Status.PROVISIONING
        if job.unattended and job.before.status:
            status = job.before.status
        job.postpone(status, Failure.of(error))
        self._ports.queue.hide(self._message, _pause(self._message, error))
        return _processed(job, error=error, acknowledged=False)

    def _end(self, job: Job, error: ConnectionFailure) -> Processed:
        """Announce a failure, park what another try might mend, and record it."""
        _name_next_step(error, PARKED if self._message else AGAIN)
        failure = Failure.of(error)
        last = job.before.failure if job.before.status is Status.FAILED else None
        known = last is not None and last.code == failure.code
        if not (job.recheck and known):
            seen = job.report.event_fields() if job.report else {}
            self._announce(FAILED, job.order, _key_fields(self._delivery) | failure.document() | seen)
        parked = error.retryable and self._message is not None
        if parked:
            self._ports.queue.park(job.order, _document(self._delivery), failure.code, failure.message)
        job.close(job.entry.failed(failure, self._ports.clock.now()))
        return _processed(job, error=error, parked=parked)

    def _refuse(self, refusal: InvalidRequest) -> Processed:
        """An invalid request orders nothing; without a valid key nobody could find it again, so it is parked."""
        sandbox, name = _key_of(self._delivery)
        order = self._delivery.order
        failure = Failure.of(refusal)
        self._announce(FAILED, order, _key_fields(self._delivery) | failure.document())
        parked = self._message is not None and (sandbox is None or name is None)
        if parked:
            self._ports.queue.park(order, self._delivery.payload, failure.code, str(refusal))
        return Processed(sandbox=sandbox, name=name, order=order, error=refusal, parked=parked)

    def _stop_if_given_up(self, job: Job) -> None:
        waits = job.wait() is not None and job.before.status is Status.WAITING  # which has a limit of its own
        if waits or not self._overdue():
            return
        last = job.before.failure if job.before.order == job.order else None
        if last is None:
            raise OutOfTime(f"Not done within {round(self._limits.give_up_seconds)} s of its first delivery.")
        raise CODES[last.code](last.message, remedy=last.remedy, request_id=last.request_id)

    def _given_up(self, job: Job, error: ConnectionFailure) -> bool:
        wait = job.wait()
        if isinstance(error, Waiting) and wait:
            return self._ports.clock.now() >= wait.until
        return self._overdue()

    def _overdue(self) -> bool:
        if self._message is None:
            return False
        return self._ports.clock.now() - self._message.first_received >= self._limits.give_up_seconds

    def _announce(self, detail_type: str, order: Order, detail: dict[str, Any]) -> None:
        self._ports.events.announce(detail_type, detail | {"requestedAt": order.time, "requestEventId": order.id})

    def _lease(self, key: Key) -> Lease:
        until = self._ports.clock.now() + self._deadline.remaining() + LEASE_BEYOND_DEADLINE_SECONDS
        return Lease(key, uuid.uuid4().hex, until)

    def _job(self, **what: Any) -> Job:
        return Job(ports=self._ports, limits=self._limits, deadline=self._deadline, **what)

    def _not_run(self, key: Key, outcome: Outcome) -> Processed:
        """The end of what needed no job."""
        recheck = self._delivery.payload if isinstance(self._delivery.payload, Recheck) else None
        result = Result(key=key, outcome=outcome)
        order = self._delivery.order
        return Processed(sandbox=key.sandbox, name=key.name, order=order, result=result, recheck=recheck)


def _do(job: Job) -> Result:
    request = job.request
    if _is_absent(request) or request.source is None or request.secret_id is None:
        return retire(job)
    return provision(job, request.source, request.secret_id)


def _processed(job: Job, **end: Any) -> Processed:
    key = job.lease.key
    return Processed(sandbox=key.sandbox, name=key.name, order=job.order, report=job.report, recheck=job.recheck, **end)


def _name_next_step(error: ConnectionFailure, remedy: str) -> None:
    """Nobody retries what is retryable but ends here: the remedy says so, before what the error itself says."""
    if error.retryable:
        own = "" if error.remedy == error.usual_remedy else f" {error.remedy}"
        error.remedy = remedy + own


def _is_news(job: Job, result: Result) -> bool:
    """Every request is announced; a recheck only if it changed something or ended a request."""
    before = job.before
    ends = before.answered != before.order or before.status is Status.FAILED
    return job.recheck is None or ends or result.changed


def _is_absent(request: Request) -> bool:
    return request.desired_state is DesiredState.ABSENT


def _document(delivery: Delivery) -> object:
    payload = delivery.payload
    return payload.document() if isinstance(payload, Recheck) else payload


def _key_of(delivery: Delivery) -> tuple[str | None, str | None]:
    if isinstance(delivery.payload, Recheck):
        return delivery.payload.key.sandbox, delivery.payload.key.name
    return readable_key(delivery.payload)


def _key_fields(delivery: Delivery) -> dict[str, Any]:
    sandbox, name = _key_of(delivery)
    return {"name": name, "sandbox": sandbox}


def _pause(message: Message, error: ConnectionFailure) -> float:
    """Seconds until a message is delivered again: growing, and not before what the upstream asked for."""
    grown = FIRST_PAUSE_SECONDS + PAUSE_GROWTH_SECONDS * (message.receive_count - 1)
    return min(MAX_PAUSE_SECONDS, max(grown, error.retry_after or 0.0))
