"""A world in memory: the fakes as AWS, and the simulators without a network. A delivery takes milliseconds."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from aep_connections.api.routes import Dependencies
from aep_connections.api.service import ApiService
from aep_connections.api.submit import Submitter
from aep_connections.aws import items
from aep_connections.aws.parameters import parameter_name
from aep_connections.domain.entry import Entry
from aep_connections.domain.model import Key
from aep_connections.environment import Environment
from aep_connections.explore.service import ExploreService
from aep_connections.http.transport import Timeouts, new_session
from aep_connections.observability import Log
from aep_connections.provision.service import ProvisionService
from aep_connections.reconcile.service import ReconcileService
from aep_connections.settings import AdobeSettings, ApiSettings, ExploreSettings, ProvisionSettings, ReconcileSettings
from local.aws.invocation import Handler
from local.aws.template import Template
from local.simulators.adobe import Adobe
from local.simulators.databricks import Databricks
from local.simulators.ims import Ims
from local.stack import ADOBE_SECRET
from tests import fakes
from tests.support.calls import Calls
from tests.support.clock import FakeClock
from tests.support.network import Network
from tests.support.world import SECRET_ID, Sent, World

TIMEOUTS = Timeouts(5, 10, 10)
WORKSPACES = "azuredatabricks.net"


@functools.cache
def template(**parameters: str) -> Template:
    """The project's template, with default values for what is not given."""
    return Template.load({"AdobeSecretArn": fakes.secret_arn("adobe"), **parameters})


def attribute(logical_id: str, name: str | None = None) -> str:
    """A value in place of `Ref` and `GetAtt`, since nothing is created."""
    return f"{logical_id}.{name}" if name else logical_id


@functools.cache
def variables(function: str, of: Template) -> Mapping[str, str]:
    """The environment variables of a function in a template."""
    declared = of.resources()[function]["Properties"]["Environment"]["Variables"]
    return {name: str(value) for name, value in of.resolve(declared, attribute).items()}


class MemoryWorld(World):
    """A world in which every port of AWS is a fake, and HTTP calls reach the simulators directly."""

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        timeouts: Timeouts = TIMEOUTS,
        beside: MemoryWorld | None = None,
    ) -> None:
        """A new world, or another stack in the Adobe and on the clock of a world `beside` it."""
        clock = beside.clock if beside else FakeClock()
        adobe, databricks, ims = (beside.adobe, beside.databricks, beside.ims) if beside else _simulators(clock)
        made = template(**(parameters or {}))
        self.account = fakes.Account(clock)
        self.network = Network({"adobelogin.com": ims, "adobe.io": adobe, WORKSPACES: databricks})
        self.network.into(adobe.http)
        fakes.put_secret(self.account, "adobe", json.dumps(ADOBE_SECRET))
        super().__init__(
            clock=clock,
            timeouts=timeouts,
            simulators=(adobe, databricks, ims),
            template=made,
            environment=variables("ProvisionFunction", made),
        )
        self.put_secret()

    # ------------------------------------------------------------ the functions

    def new_service(self, hurry: Timeouts | None = None, /, **environment: str) -> ProvisionService:
        settings = ProvisionSettings.from_environment({**self.environment, **environment})
        return ProvisionService(
            settings=settings,
            environment=self._environment(settings, hurry or self.timeouts),
            parameters=fakes.Parameters(self.account, settings.parameter_prefix),
            events=fakes.Events(self.account),
            queue=fakes.Queue(self.account),
        )

    def new_reconcile(self, timeouts: Timeouts, **environment: str) -> ReconcileService:
        settings = ReconcileSettings.from_environment(self._variables("ReconcileFunction", environment))
        return ReconcileService(
            settings=settings,
            environment=self._environment(settings, timeouts),
            parameters=fakes.Parameters(self.account, settings.parameter_prefix),
            events=fakes.Events(self.account),
            queue=fakes.Queue(self.account),
            invoke_later=fakes.Functions(self.account).invoke_later,
        )

    def new_explore(self, timeouts: Timeouts) -> ExploreService:
        settings = ExploreSettings.from_environment(self._variables("ExploreFunction", {}))
        return ExploreService(settings, self._environment(settings, timeouts))

    def new_api(self, **environment: str) -> ApiService:
        settings = ApiSettings.from_environment(self._variables("ApiFunction", environment))
        registry, queue = fakes.Registry(self.account), fakes.Queue(self.account)
        dependencies = Dependencies(
            clock=self.clock,
            registry=registry,
            submitter=Submitter(self.clock, queue, registry),
            explore=partial(fakes.Functions(self.account).explore, settings.explore_function_name),
            secret_prefix=settings.databricks_secret_prefix,
            parameter_name=partial(parameter_name, settings.parameter_prefix),
        )
        return ApiService(dependencies, Log().write)

    def attribute(self, logical_id: str, name: str | None = None) -> str:
        return attribute(logical_id, name)

    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        return calls.watched(self.account)

    @property
    def functions(self) -> dict[str, Handler]:
        return self.account.functions

    def pending_events(self, function: str) -> list[Any]:
        return self.account.invoked.pop(function, [])

    def _environment(self, settings: AdobeSettings, timeouts: Timeouts) -> Environment:
        return Environment(
            settings=settings,
            clock=self.clock,
            timeouts=timeouts,
            http=self.network.into(new_session()),
            secrets=fakes.Secrets(self.account),
            registry=fakes.Registry(self.account),
        )

    def _variables(self, function: str, more: Mapping[str, str]) -> dict[str, str]:
        return {**variables(function, self.template), **more}

    # ------------------------------------------------------------ causing events

    def send_body(self, body: str) -> Sent:
        return self._sent(body)

    def arrived(self) -> list[Sent]:
        bodies = list(self.account.queue)
        self.account.queue.clear()
        return [self._sent(body) for body in bodies]

    def _sent(self, body: str) -> Sent:
        message_id = str(uuid.uuid4())
        return Sent(message_id, f"receipt of {message_id}", body, self.clock.now())

    def put_text(self, name: str, text: str | None) -> str:
        """As in AWS, a new version of a secret below the prefix is an event for the function `reconcile`."""
        again = fakes.name_of_secret(name) in self.account.secrets
        arn = fakes.put_secret(self.account, name, text)
        prefix = self.environment["DATABRICKS_SECRET_PREFIX"].partition("{")[0]
        if again and name.startswith(prefix):
            detail = {"name": name, "labelUpdated": "AWSCURRENT", "versionId": self.account.secrets[name][-1].id}
            event = {"source": "aws.secretsmanager", "detail-type": "Secret Label Updated", "detail": detail}
            self.account.invoked.setdefault(attribute("ReconcileFunction"), []).append(event)
        return arn

    def delete_secret(self, name: str = SECRET_ID) -> None:
        del self.account.secrets[name]

    def edit(self, key: tuple[str, str] = ("dev", "sales"), **changes: Any) -> None:
        entries = self.account.entries
        entries[Key(*key)] = replace(entries[Key(*key)], **changes)

    def replace_items(self, items: list[dict[str, Any]]) -> None:
        self.account.entries = dict(map(entry_in, items))
        self.account.owners = {key_in(item): item["owner"]["S"] for item in items if "owner" in item}

    def take_lease(self, owner: str, until: float | None = None) -> None:
        self.account.owners[Key("dev", "sales")] = owner
        if until is not None:
            self.edit(lease_until=until)

    def publish(self, connection_id: str) -> None:
        self.account.parameters[self.parameter_name()] = connection_id

    def unpublish(self, name: str = "sales", sandbox: str = "dev") -> None:
        del self.account.parameters[self.parameter_name(name, sandbox)]

    # ------------------------------------------------------------ observing results

    def parameter(self, name: str = "sales", sandbox: str = "dev") -> str | None:
        return self.account.parameters.get(self.parameter_name(name, sandbox))

    def parameters(self) -> dict[str, str]:
        return dict(self.account.parameters)

    def item(self, name: str = "sales", sandbox: str = "dev") -> dict[str, Any]:
        key = Key(sandbox, name)
        if key not in self.account.entries:
            return {}
        owner = {"owner": {"S": self.account.owners[key]}} if key in self.account.owners else {}
        return {**items.key_of(key), **owner, **typed_item(self.account.entries[key])}

    def items(self) -> list[dict[str, Any]]:
        return [self.item(key.name, key.sandbox) for key in self.account.entries]

    def events(self) -> list[dict[str, Any]]:
        return self.account.events

    def dead_letters(self) -> list[dict[str, Any]]:
        parked = list(self.account.dead_letters)
        self.account.dead_letters.clear()
        return parked

    def hidden(self) -> list[int]:
        return [round(seconds) for _, seconds in self.account.hidden]


def _simulators(clock: FakeClock) -> tuple[Adobe, Databricks, Ims]:
    ims, databricks = Ims(clock.now), Databricks(clock.now)
    return Adobe(ims, f"https://adb-1.{WORKSPACES}", clock.now), databricks, ims


def key_in(item: dict[str, Any]) -> Key:
    """The key of an item in DynamoDB's own JSON."""
    return Key(item["sandbox"]["S"], item["name"]["S"])


def entry_in(item: dict[str, Any]) -> tuple[Key, Entry]:
    """The key and the entry of an item in DynamoDB's own JSON."""
    key = key_in(item)
    return key, items.entry_of(key, items.read(item))


def typed_item(entry: Entry) -> dict[str, Any]:
    """An entry as an item in DynamoDB's own JSON, without its key and owner."""
    elsewhere = {
        "noted": entry.pending and {"order": str(entry.pending.order), "request": dict(entry.pending.request)},
        "updatedAt": items.decimal(entry.updated_at) if entry.updated_at else None,
        "leaseUntil": items.decimal(entry.lease_until) if entry.lease_until else None,
    }
    shown = {**items.item_of(entry), **elsewhere}
    return {name: items.serialize(value) for name, value in shown.items() if value is not None}
