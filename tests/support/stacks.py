"""Local stacks on the real clock, in an AWS that other tests use too."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local.aws.account import Aws
from local.stack import Stack
from tests.support.iam import AwsCalls, grants

NewStack = Callable[..., Stack]


@contextmanager
def new_stacks(aws: Aws, calls: AwsCalls) -> Iterator[NewStack]:
    """A replacement for `Stack` that gives each stack a name of its own. All stacks stop at the end."""
    made: list[Stack] = []

    def make(parameters: Mapping[str, str] | None = None, **options: Any) -> Stack:
        name = f"f{uuid.uuid4().hex[:12]}"
        stack = Stack(name, {"ParameterPrefix": f"/{name}", **(parameters or {})}, aws, **options)
        for role in ("ProvisionRole", "ReconcileRole"):  # reconcile receives the events of all secrets
            calls.allow(f"{name}/{role}", grants(stack.template, stack.resources.attribute, role))
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop()
