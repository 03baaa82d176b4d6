"""The HTTP API's OpenAPI document, generated from its routes: `python -m local.openapi` writes docs/openapi.json.

With `--check` it writes nothing, and fails if the file differs from the code.
"""

from __future__ import annotations

import json
import sys

from local.aws.functions import ROOT, use_the_layer

PATH = ROOT / "docs" / "openapi.json"


def text() -> str:
    """The file. Needs no AWS."""
    use_the_layer()
    from local.openapi.operations import document

    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """The command line."""
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text())
        return 0
    if PATH.exists() and PATH.read_text() == text():
        return 0
    print(f"{PATH.relative_to(ROOT)} differs from the code: run make openapi", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
