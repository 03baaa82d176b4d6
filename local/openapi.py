"""The HTTP API's OpenAPI document, generated from its routes: `python -m local.openapi` writes docs/openapi.json.

With `--check` it writes nothing, and fails if the document is not what the code says.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from local.aws.account import REGION
from local.aws.functions import ROOT, use_the_layer

PATH = ROOT / "docs" / "openapi.json"
NOWHERE = {
    "DATABRICKS_SECRET_PREFIX": "none/",
    "REGISTRY_TABLE": "none",
    "PARAMETER_PREFIX": "/none",
    "REQUEST_QUEUE_URL": "none",
    "EXPLORE_FUNCTION_NAME": "none",
}
DESCRIPTION = """\
Ask for base connections of Adobe Experience Platform to Azure Databricks, watch them, verify them, look at what they
reach, and retire them. Requests are signed for IAM (SigV4, service `execute-api`), or carry a JWT if the stack was
deployed so. What API Gateway itself answers (401 and 403, 429 mostly, others at times) is `{"message": …}`; everything
else that is no success is a problem of RFC 9457.
"""


def document() -> dict[str, Any]:
    """The document. Needs no AWS."""
    use_the_layer()
    os.environ.setdefault("AWS_REGION", REGION)
    from aep_connections import wiring_api

    api = wiring_api.build(NOWHERE)
    made = api.app.get_openapi_json_schema(title="AEP Databricks connections", version="1", description=DESCRIPTION)
    whole: dict[str, Any] = json.loads(made)
    for operations in whole["paths"].values():
        for operation in operations.values():
            operation["responses"] = dict(sorted(r for r in operation["responses"].items() if not _invented(r[1])))
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        whole["components"]["schemas"].pop(name, None)
    return whole


def _invented(response: dict[str, Any]) -> bool:
    """Whether this is the answer that Powertools adds to every route, and ours never give."""
    return "HTTPValidationError" in json.dumps(response)


def main() -> int:
    """The command line."""
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text)
        return 0
    if PATH.exists() and PATH.read_text() == text:
        return 0
    print(f"{PATH.relative_to(ROOT)} is not what the code says: make openapi", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
