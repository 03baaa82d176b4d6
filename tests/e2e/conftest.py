"""The deployed artifacts, built once for the run outside the source tree, and the runtime that AWS would provide."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.account import Aws
from tests.support.build import install_runtime, sam_build
from tests.support.deployed import Deployed, deployed
from tests.support.iam import AwsCalls


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `sam build` for this machine's architecture."""
    folder = tmp_path_factory.mktemp("built")
    sam_build(folder, ARCHITECTURE=platform.machine().replace("arm64", "aarch64"))
    return folder


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's runtime includes: its client and boto3, in the locked versions."""
    folder = tmp_path_factory.mktemp("runtime")
    install_runtime(folder)
    return folder


@pytest.fixture
def stack(aws: Aws, aws_calls: AwsCalls, built: Path, runtime: Path, tmp_path: Path) -> Iterator[Deployed]:
    with deployed(aws, aws_calls, built, runtime, tmp_path) as made:
        yield made
