"""`python -m local`: `up` runs the stack, `demo` shows a scenario, `preflight` checks the workspace of a secret.

Each takes `--json`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from local.demo import demo
from local.drifted import drift
from local.preflight import preflight
from local.scenario import cluster_terminated
from local.stack import SERVERS
from local.up import BASE_PORT, ENV_FILE, PortTaken, up

SCENARIOS = {"main": demo, "cluster-terminated": cluster_terminated, "drift": drift}
OVERRIDES = ("clusterId", "catalog", "database")
LAST_PORT = 65_535


def forget_other_clouds() -> None:
    """Remove the caller's AWS and proxy settings: nothing that runs here may use them."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": "*"}


def _base_port(text: str) -> int:
    """A base port. Every port that is counted from it must be valid."""
    if not text.isdecimal() or int(text) + len(SERVERS) - 1 > LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be 0 to {LAST_PORT + 1 - len(SERVERS)}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Runs the whole stack on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up_ = commands.add_parser("up", help="run the stack until interrupted")
    ports = f"first of {len(SERVERS)} ports, in the order {', '.join(SERVERS)}; 0: any free ports"
    up_.add_argument("--port", type=_base_port, metavar="N", help=f"{ports} (default: {BASE_PORT}; with --json: 0)")
    env = "file for the stack's names, as `export` lines; deleted at the end"
    up_.add_argument("--env", metavar="FILE", help=f"{env} (default: {ENV_FILE}; with --json: none)")
    demo_ = commands.add_parser("demo", help="show the main use case or a scenario, step by step")
    demo_.add_argument("--scenario", choices=SCENARIOS, default="main", help="what to show (default: main)")
    check = commands.add_parser("preflight", help="check the workspace of a secret, local or real")
    check.add_argument("--secret", required=True, help="name of the Databricks secret in Secrets Manager")
    for name in OVERRIDES:
        option = re.sub("([A-Z])", r"-\1", name).lower()
        check.add_argument(f"--{option}", dest=name, help=f"{name}, as in a request")
    check.add_argument("--strict", action="store_true", help="exit with 1 also if there are only warnings")
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print JSON for programs")
    return parser


def main() -> int:
    """The command line."""
    parser = _parser()
    given = parser.parse_args()
    if given.command == "preflight":
        overrides = {name: getattr(given, name) for name in OVERRIDES if getattr(given, name)}
        return preflight(given.secret, overrides, as_json=given.json, strict=given.strict)
    forget_other_clouds()
    if given.command == "demo":
        return SCENARIOS[given.scenario](as_json=given.json)
    try:
        return up(as_json=given.json, base_port=given.port, env_file=given.env)
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
