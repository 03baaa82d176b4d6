"""The functions' code, as Lambda loads it: `app.handler` in the function's folder, and the layer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from local.aws.invocation import Handler

ROOT = Path(__file__).resolve().parent.parent.parent


def use_the_layer() -> None:
    """Make the layer's code importable, as Lambda does."""
    layer = str(ROOT / "layers" / "core")
    if layer not in sys.path:
        sys.path.insert(0, layer)


def load(folder: Path) -> Handler:
    """The handler of a function; its module is loaded again. Raises FileNotFoundError if there is none."""
    use_the_layer()
    spec = importlib.util.spec_from_file_location(f"functions_{folder.name}", folder / "app.py")
    if spec is None or spec.loader is None or not (folder / "app.py").exists():
        raise FileNotFoundError(f"There is no function {folder.name}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler
