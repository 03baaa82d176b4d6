"""Processes a delivery: accepts, runs, announces and closes it. Or it refuses, postpones or parks the delivery.

This is the accounting around `provision` and `retire`: every accepted request ends published, deleted, superseded,
or failed with a reason that is recorded and announced. A delivery that cannot be recorded is not acknowledged.
"""

import contextlib
import uuid
from dataclasses import dataclass
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

GAVE_UP, AGAIN = "The function gave up and moved the message to the dead-letter queue.", "Send the request again."
PARKED = f"{GAVE_UP} Fix the cause, then redrive that queue or send the request again."
LEASE_BEYOND_DEADLINE_SECONDS = 60.0
VISIBILITY_BEYOND_DEADLINE_SECONDS = 90.0
FIRST_REDELIVERY_SECONDS, REDELIVERY_GROWTH_SECONDS, MAX_REDELIVERY_SECONDS = 60.0, 30.0, 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """Processes deliveries within one invocation."""

    ports: Ports
    limits: Limits
    deadline: Deadline

    def process(self, delivery: Delivery) -> Processed:
        """Process a delivery. Raises nothing: the returned value contains any error."""
        message = delivery.message
        if message:
            self.ports.queue.hide(message, self.deadline.remaining() + VISIBILITY_BEYOND_DEADLINE_SECONDS)
        try:
            return self._recheck(delivery, delivery.recheck) if delivery.recheck else self._request(delivery)
        except ConnectionFailure as failure:
            unrecorded = failure
        except Exception as error:  # noqa: BLE001 - not acknowledged, so nothing is lost
            unrecorded = unexpected(error)
        if message:
            self.ports.queue.hide(message, _pause(message, unrecorded))
        else:
            _name_next_step(unrecorded, AGAIN)
        return _processed(delivery, error=unrecorded, acknowledged=False)

    def _request(self, delivery: Delivery) -> Processed:
        try:
            request = read_request(delivery.payload, self.limits.secret_prefix)
        except InvalidRequest as refusal:
            return self._refuse(delivery, refusal)
        lease = self._lease(request.key)
        entry = self.ports.registry.accept(lease, delivery.order, request)
        if entry is None:
            return _processed(delivery, result=Result(key=request.key, outcome=Outcome.SUPERSEDED))
        return self._run(self._job(delivery, lease=lease, order=delivery.order, before=entry, accepted=request))

    def _recheck(self, delivery: Delivery, recheck: Recheck) -> Processed:
        lease = self._lease(recheck.key)
        entry = self.ports.registry.resume(lease)
        nothing = Result(key=recheck.key, outcome=Outcome.UNCHANGED)
        if entry is None:
            return _processed(delivery, result=nothing)
        retired = entry.status is Status.RETIRED and not recheck.deletes_duplicates
        if retired or entry.request is None or entry.order is None:
            self.ports.registry.close(lease, entry, entry)
            return _processed(delivery, result=nothing)
        return self._run(self._job(delivery, lease=lease, order=entry.order, before=entry))

    def _run(self, job: Job) -> Processed:
        """Do the job, announce it, close it. A kill between these steps repeats the event, but never loses it.

        A close without a reply may have taken effect. Nothing is recorded after it: the next delivery checks it.
        """
        end: Result | ConnectionFailure
        try:
            self._stop_if_given_up(job)
            end = _do(job)
            if _must_announce(job, end):
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
        job.close(end(result, self.ports.clock.now()))
        return _ended(job, result=result)

    def _fail(self, job: Job, error: ConnectionFailure) -> Processed:
        """Announce and record a final failure, or postpone the request.

        Unattended work does not change the key's status, since no request is open while it is retried.
        """
        message = job.delivery.message
        if not error.retryable or message is None or self._given_up(job, error):
            return self._end(job, error)
        status = Status.WAITING if isinstance(error, Waiting) else Status.PROVISIONING
        if job.unattended and job.before.status:
            status = job.before.status
        job.postpone(status, Failure.of(error))
        self.ports.queue.hide(message, _pause(message, error))
        return _ended(job, error=error, acknowledged=False)

    def _end(self, job: Job, error: ConnectionFailure) -> Processed:
        """Announce a failure, park a request that may succeed later, and record the failure."""
        _name_next_step(error, PARKED if job.delivery.message else AGAIN)
        failure = Failure.of(error)
        last = job.before.failure if job.before.status is Status.FAILED else None
        known = last is not None and last.code == failure.code
        if not (job.recheck and known):
            seen = job.report.event_fields() if job.report else {}
            self._announce(FAILED, job.order, _key_fields(job.delivery) | failure.document() | seen)
        parked = error.retryable and job.delivery.message is not None
        if parked:
            self.ports.queue.park(job.order, _document(job.delivery), failure.code, failure.message)
        job.close(job.entry.failed(failure, self.ports.clock.now()))
        return _ended(job, error=error, parked=parked)

    def _refuse(self, delivery: Delivery, refusal: InvalidRequest) -> Processed:
        """An invalid request has no effect. Without a valid key no one could find it again, so it is parked."""
        failure = Failure.of(refusal)
        self._announce(FAILED, delivery.order, _key_fields(delivery) | failure.document())
        parked = delivery.message is not None and None in _key_of(delivery)
        if parked:
            self.ports.queue.park(delivery.order, delivery.payload, failure.code, str(refusal))
        return _processed(delivery, error=refusal, parked=parked)

    def _stop_if_given_up(self, job: Job) -> None:
        waits = job.wait() is not None and job.before.status is Status.WAITING  # a wait has its own limit
        if waits or not self._overdue(job):
            return
        last = job.before.failure if job.before.order == job.order else None
        if last is None:
            raise OutOfTime(
                f"The request was not completed within {round(self.limits.give_up_seconds)} s of its first delivery."
            )
        raise CODES[last.code](last.message, remedy=last.remedy, request_id=last.request_id)

    def _given_up(self, job: Job, error: ConnectionFailure) -> bool:
        wait = job.wait()
        if isinstance(error, Waiting) and wait:
            return self.ports.clock.now() >= wait.until
        return self._overdue(job)

    def _overdue(self, job: Job) -> bool:
        message = job.delivery.message
        return message is not None and self.ports.clock.now() - message.first_received >= self.limits.give_up_seconds

    def _announce(self, detail_type: str, order: Order, detail: dict[str, Any]) -> None:
        self.ports.events.announce(detail_type, detail | {"requestedAt": order.time, "requestEventId": order.id})

    def _lease(self, key: Key) -> Lease:
        until = self.ports.clock.now() + self.deadline.remaining() + LEASE_BEYOND_DEADLINE_SECONDS
        return Lease(key, uuid.uuid4().hex, until)

    def _job(self, delivery: Delivery, **what: Any) -> Job:
        return Job(ports=self.ports, limits=self.limits, deadline=self.deadline, delivery=delivery, **what)


def _do(job: Job) -> Result:
    request = job.request
    if _is_absent(request) or request.source is None or request.secret_id is None:
        return retire(job)
    return provision(job, request.source, request.secret_id)


def _processed(delivery: Delivery, **end: Any) -> Processed:
    """The end of a delivery that needed no job."""
    sandbox, name = _key_of(delivery)
    return Processed(sandbox=sandbox, name=name, order=delivery.order, recheck=delivery.recheck, **end)


def _ended(job: Job, **end: Any) -> Processed:
    key, recheck = job.lease.key, job.delivery.recheck
    return Processed(sandbox=key.sandbox, name=key.name, order=job.order, report=job.report, recheck=recheck, **end)


def _name_next_step(error: ConnectionFailure, remedy: str) -> None:
    """A retryable error that ends here is not retried. The remedy states this first, then the error's own advice."""
    if error.retryable:
        own = "" if error.remedy == error.usual_remedy else f" {error.remedy}"
        error.remedy = remedy + own


def _must_announce(job: Job, result: Result) -> bool:
    """Every request is announced. A recheck is announced only if it changed something or ended a request."""
    before = job.before
    ends = before.answered != before.order or before.status is Status.FAILED
    return job.recheck is None or ends or result.changed


def _is_absent(request: Request) -> bool:
    return request.desired_state is DesiredState.ABSENT


def _document(delivery: Delivery) -> object:
    return delivery.recheck.document() if delivery.recheck else delivery.payload


def _key_of(delivery: Delivery) -> tuple[str | None, str | None]:
    key = delivery.recheck.key if delivery.recheck else None
    return (key.sandbox, key.name) if key else readable_key(delivery.payload)


def _key_fields(delivery: Delivery) -> dict[str, Any]:
    sandbox, name = _key_of(delivery)
    return {"name": name, "sandbox": sandbox}


def _pause(message: Message, error: ConnectionFailure) -> float:
    """Seconds until a message is delivered again: growing, at least what the upstream requested, at most 180."""
    grown = FIRST_REDELIVERY_SECONDS + REDELIVERY_GROWTH_SECONDS * (message.receive_count - 1)
    return min(MAX_REDELIVERY_SECONDS, max(grown, error.retry_after or 0.0))
