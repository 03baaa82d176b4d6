"""Runs what `make build` runs, into a given folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from local.aws.runtime import find_python
from local.stack import ROOT


def sam_build(folder: Path, umask: int = 0o022, **environment: str) -> str:
    """Build the template and return the output of the build. Raises AssertionError if it fails."""
    ran = subprocess.run(
        ["sam", "build", "--build-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def install_runtime(folder: Path) -> None:
    """Install what Lambda's runtime includes: its client and boto3, in the locked versions, compiled."""
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--target", folder, "--python", find_python(),
         "--constraints", ROOT / "requirements-dev.txt", "awslambdaric", "boto3"],
        check=True,
        env=os.environ | {"UV_COMPILE_BYTECODE": "1"},
    )  # fmt: skip


def hashes(folder: Path) -> dict[str, str]:
    """Content and permissions of every file below a folder."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
