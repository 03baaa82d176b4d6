"""What `make build` runs, into a folder of choice."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from local.stack import ROOT


def sam_build(folder: Path, umask: int = 0o022, **environment: str) -> str:
    """Build the template; what the build said. Raises AssertionError if it fails."""
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


def hashes(folder: Path) -> dict[str, str]:
    """Content and permissions of every file below a folder."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
