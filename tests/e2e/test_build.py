"""The output of `make build`, on any machine."""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from local.aws.runtime import find_python
from tests.support.build import hashes, sam_build

MEGABYTE = 1_000_000
MOST_MEGABYTES = 2.7
"""The layer has 2.4, most of it Powertools."""
ELF_AARCH64 = 183
FUNCTIONS = ("ProvisionFunction", "ApiFunction", "ExploreFunction", "ReconcileFunction")


@pytest.fixture(scope="module")
def deployable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build for Lambda's architecture."""
    folder = tmp_path_factory.mktemp("deployable")
    sam_build(folder)
    return folder


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same build, with another Python and a umask that shares nothing with other users."""
    folder = tmp_path_factory.mktemp("elsewhere")
    sam_build(folder, umask=0o077, PYTHON=str(find_python()))
    return folder


def artifacts(folder: Path) -> list[Path]:
    """The files of the archives."""
    return [path for name in ("CoreLayer", *FUNCTIONS) for path in (folder / name).rglob("*")]


def test_two_builds_by_different_users_are_identical(deployable: Path, elsewhere: Path) -> None:
    for name in ("CoreLayer", *FUNCTIONS):
        assert hashes(elsewhere / name) == hashes(deployable / name) != {}


def test_the_zipped_layer_stays_within_its_size_limit(deployable: Path, tmp_path: Path) -> None:
    archive = tmp_path / "layer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as layer:
        for path in (deployable / "CoreLayer").rglob("*"):
            layer.write(path, path.relative_to(deployable / "CoreLayer"))

    assert archive.stat().st_size < MOST_MEGABYTES * MEGABYTE


def test_each_function_contains_its_handler_only_and_the_layer_has_no_sdk(deployable: Path) -> None:
    top = {path.name for path in (deployable / "CoreLayer" / "python").iterdir()}

    assert {path.name for path in deployable.iterdir() if path.is_dir()} == {"CoreLayer", *FUNCTIONS}
    for name in FUNCTIONS:
        assert [path.name for path in (deployable / name).iterdir()] == ["app.py"]
    assert {"aep_connections", "aws_lambda_powertools", "requests"} <= top
    assert not top & {"boto3", "botocore", "aws_xray_sdk", "bin", "pydantic"}


def test_native_code_is_for_lambdas_python_and_architecture(deployable: Path) -> None:
    native = list(deployable.rglob("*.so"))

    assert "md.cpython-313-aarch64-linux-gnu.so" in {path.name for path in native}
    for path in native:
        assert path.name.endswith(".cpython-313-aarch64-linux-gnu.so")
        assert struct.unpack("<H", path.read_bytes()[18:20]) == (ELF_AARCH64,), path.name


def test_every_module_has_bytecode_that_is_never_checked_against_a_date(deployable: Path) -> None:
    layer = deployable / "CoreLayer" / "python"
    modules = list(layer.rglob("*.py"))

    assert modules
    assert {path.name.split(".")[-2] for path in deployable.rglob("*.pyc")} == {"cpython-313"}
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        (flags,) = struct.unpack("<I", bytecode.read_bytes()[4:8])
        assert flags == 0b01, f"{bytecode}: unchecked hash"


def test_lambdas_user_can_read_every_file_of_any_build(elsewhere: Path) -> None:
    assert {oct(path.stat().st_mode & 0o777) for path in artifacts(elsewhere)} == {"0o755", "0o644"}


def test_tracebacks_show_paths_of_lambda_and_not_of_the_build(deployable: Path) -> None:
    layer = deployable / "CoreLayer"
    for bytecode in layer.rglob("*.pyc"):
        source = bytecode.parent.parent / f"{bytecode.name.split('.')[0]}.py"
        assert f"/opt/{source.relative_to(layer)}".encode() in bytecode.read_bytes()


def test_without_lambdas_python_the_build_reports_a_layer_without_bytecode(tmp_path: Path) -> None:
    output = sam_build(tmp_path, PYENV_ROOT="/nowhere", PATH=_path_without_python313(tmp_path))

    assert "without bytecode" in output
    assert not list(tmp_path.rglob("*.pyc"))


def _path_without_python313(folder: Path) -> str:
    """A folder of links to the tools that a build calls."""
    tools = folder.parent / f"{folder.name}-tools"
    tools.mkdir()
    for tool in ("sam", "make", "sh", "bash", "cp", "find", "rm", "chmod", "install", "env"):
        found = shutil.which(tool)
        assert found, tool
        (tools / tool).symlink_to(found)
    return os.fspath(tools)
