"""The deployed artifacts, built once for the run outside the source tree, and the runtime that AWS would provide."""

from __future__ import annotations

import fcntl
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.aws.account import Aws
from tests.support.build import install_runtime, sam_build
from tests.support.deployed import Deployed, deployed
from tests.support.iam import AwsCalls


def made_once(factory: pytest.TempPathFactory, worker: str, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills. The first worker that needs it makes it, and the others wait."""
    base = factory.getbasetemp()
    shared = base if worker == "master" else base.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The output of `sam build` for this machine's architecture."""
    architecture = platform.machine().replace("arm64", "aarch64")
    return made_once(tmp_path_factory, worker_id, "built", lambda folder: sam_build(folder, ARCHITECTURE=architecture))


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What Lambda's runtime includes: its client and boto3, in the locked versions."""
    return made_once(tmp_path_factory, worker_id, "runtime", install_runtime)


@pytest.fixture
def stack(aws: Aws, aws_calls: AwsCalls, built: Path, runtime: Path, tmp_path: Path) -> Iterator[Deployed]:
    with deployed(aws, aws_calls, built, runtime, tmp_path) as made:
        yield made
