"""docs/performance.md, made of results only: the same results give the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

COLD_AT_MOST, WARM_AT_MOST = 1.25, 1.10
FLEET_SECONDS, FLEET_MIB = 60.0, 256.0
BUSY = 0.5
"""A load from which on something else is at work."""

HEAD = """# Performance

What `make bench` measured; it wrote this page, its picture and `docs/performance.json`, where the numbers come from.
`make bench ONLY=cold|warm|peers|load|fleet` renews one section. Times depend on the machine: **the ratios are what to
look at, and none of it is a promise.**

![Bar charts of the tables below](performance.svg)
"""

TAIL = """## What is not claimed

* Nothing here ran in AWS or against Adobe. Lambda gives a function of 512 MB a part of a core, and real networks and
  TLS add what they add: to the floor as well as to ours.
* How fast Adobe, Databricks or AWS answer. Delays are injected, to see what we add to them.
* That a cold start is fast in itself. Most of one is the SDK and its clients, which the floor has too.
* That a safe create is cheaper than a blind one. It is not, and the table of peers shows by how much.
"""


def write(results: dict[str, Any]) -> str:
    """The page; a section that was never measured is left out."""
    return "\n".join([HEAD, *(SECTIONS[name](found) for name, found in results.items()), TAIL])


def cold(found: dict[str, Any]) -> str:
    rows = [
        (label, *(f"{one['variants'][which][name]:.0f}" for name in COLD_COLUMNS), ratio)
        for function, one in found["functions"].items()
        for which, label, ratio in (
            ("ours", f"`{function}`", f"**{one['ratio']:.2f}**, {_kept(one['ratio'], COLD_AT_MOST)}"),
            ("floor", "its floor", ""),
        )
    ]
    heads = ("ready, median ms", "ready, least ms", "first answer, median ms", "first answer, least ms")
    return f"""## Cold start

{_circumstances(found)}

{_table(("function", *heads, f"times the floor, at most {COLD_AT_MOST:.2f}"), rows)}
How: the built functions and layer (`sam build`, bytecode included) in AWS's own runtime client on Python
{found["runtimePython"]}, a fresh process for each start, each function and its floor in turn, {found["rounds"]} rounds
after one that is not counted. *Ready* is from the process' start until it asks for its first invocation; the ratio is
that of its medians. The first answer is to what asks nobody anything: `provision` gets an empty batch, `api` a list
with an impossible limit, `explore` a question without a name, `reconcile` an event that is none of its own.

The floors are in `bench/floor`: out of the same layer, each makes when it is imported the same clients as ours. That of
`provision` has five and an HTTP session, that of `reconcile` six and a session, that of `explore` two and a session,
that of `api` three. They do not read the CA bundle, as `provision`, `explore` and `reconcile` do when they start and
not with their first call over TLS: about a third of what these take more.
"""


COLD_COLUMNS = ("initMedianMs", "initMinMs", "firstAnswerMedianMs", "firstAnswerMinMs")


def warm(found: dict[str, Any]) -> str:
    rows = [
        (
            name,
            f"{one['medianMs']:.1f}",
            f"{one['minMs']:.1f}",
            f"{one['chainMs']:.1f}",
            f"**{one['ratio']:.3f}**",
            _kept(one["ratio"], WARM_AT_MOST),
            f"{one['injectedMs']:.0f}",
            f"{one['ratioToInjected']:.3f}",
        )
        for name, one in found["scenarios"].items()
    ]
    aim = f"at most {WARM_AT_MOST:.2f}"
    look = found["readiness"]
    heads = ("delivery", "median ms", "least ms", "chain ms", "ratio", aim, "injected ms", "ratio to it")
    chains = "\n".join(
        f"* `{name}`: {' → '.join(one['chain'])} ({one['calls']} calls in all; "
        f"recorded so in {one['agreeing']} of {found['repetitions']} deliveries)"
        for name, one in found["scenarios"].items()
    )
    return f"""## Warm delivery

{_circumstances(found)}

{_table(heads, rows)}
A look at the workspace adds {look["addedMs"]:.0f} ms to a create; the slowest of its checks, which run side by side,
takes {look["slowestMs"]:.0f} ms. **{look["ratio"]:.3f} times that**; {_budget(look["ratio"], WARM_AT_MOST)}.

The *chain* is the longest sequence of calls, as the stubs recorded them, of which each began after the
one before had ended:

{chains}

How: the service in a process of its own, warm (clients made, token kept, connections open), gets
{found["repetitions"]} messages of each kind, in turn. Canned stubs in another process wait
{found["awsMs"]:.0f} ms before each answer of AWS and {found["othersMs"]:.0f} ms before each of Adobe and Databricks.
*Chain ms* is the
median of what the chain took inside the stubs; *injected ms* counts the injected delays alone, not that a sleep ends
late. What is above the chain is ours, the SDK's, HTTP's and the loopback's: it grows with the number of calls and not
with their delays, so the shorter chain has the higher ratio.
"""


def peers(found: dict[str, Any]) -> str:
    rows = [
        (
            LABELS[who],
            f"{one['medianMs']:.0f}",
            f"{one['minMs']:.0f}",
            one["adobeCalls"],
            one["databricksCalls"],
            one["awsCalls"],
            f"**{one['afterLostAnswer']['left']}**",
            one["afterLostAnswer"]["runs"],
        )
        for who, one in found["contenders"].items()
    ]
    heads = (
        "create by",
        "median ms",
        "least ms",
        "calls to Adobe",
        "calls to Databricks",
        "calls to AWS",
        "connections after a lost answer",
        "runs",
    )
    ours, script = (found["contenders"][who]["medianMs"] for who in ("ours", "plain script"))
    return f"""## Peers: the first create in a fresh process

{_circumstances(found)}

{_table(heads, rows)}
Safety costs: the first create takes {ours / script:.1f} times as long as the script's. Ours reads both secrets, takes a
lease, looks at the workspace, looks for an existing connection, records the attempt, tests the connection, publishes
its id, announces it and closes the request: an SDK to import and all those calls. The other two do none of it: they
are given the secrets and print an id.

*A lost answer*: the POST takes effect, then the connection is reset. `aepp` repeats a POST by itself whose connection
broke; its run ends well. The script fails and is run once more, as whoever called it would. Ours looks for what its
POST made, finds it by its mark and takes it; a message that is not done would be delivered again until it is.
(`ADOBE_SETTLE_SECONDS` is {found["settleSeconds"]:.0f} here, so that even a fruitless look would end soon.)

How: each create is a process, from its start to its end, the three in turn, {found["rounds"]} rounds after one that is
not counted, the same Python for all. Adobe and Databricks are the simulators, AWS a canned stub. `aepp` creates by
`createConnection` with its generic dictionary; to reach the simulators its endpoints are changed after `configure`. It
imports little more than `requests` for this, so its start is cheap, and we claim nothing else.
"""


LABELS = {"ours": "this service", "aepp": "`aepp` 0.6.0", "plain script": "a plain script (`requests`)"}


def load(found: dict[str, Any]) -> str:
    rows = [
        (
            f"{one['requests']:,}",
            f"{one['requestsPerSecond']:.0f}",
            f"{one['peakMib']:.0f}",
            f"{one['idlePeakMib']:.0f}",
        )
        for one in found["sizes"]
    ]
    small, large = found["sizes"]
    speed, memory = (large[name] / small[name] for name in ("requestsPerSecond", "peakMib"))
    return f"""## Load

{_circumstances(found)}

{_table(("requests", "a second", "peak memory, MiB", "of it before the first request, MiB"), rows)}
From {small["requests"]} to {large["requests"]:,} requests the rate changes by the factor {speed:.2f} and the memory by
{memory:.2f}.

How: every request creates a connection of another key; {found["concurrency"]} at a time, in one process with as many
threads, each with a service of its own as if it were an execution environment (in Lambda each is a process). Peak
memory is that of this process alone (`VmHWM`), all {found["concurrency"]} services together. Medians of
{found["rounds"]} runs, each in a fresh process. The stubs answer without delay but share the machine with the service,
and the threads share one interpreter: the rate says how the work scales, not how fast AWS would do it.
"""


def fleet(found: dict[str, Any]) -> str:
    sizes = found["sizes"]
    kinds = sorted({kind for one in sizes for kind in one["clean"]["awsCalls"]})
    clean = [
        (
            f"{one['connections']:,}",
            one["clean"]["adobeCalls"],
            one["expectedAdobeCalls"],
            *(f"{one['clean']['awsCalls'].get(kind, 0):,}" for kind in kinds),
            f"{one['clean']['seconds']:.1f}",
            f"{one['clean']['adobeSeconds']:.1f}",
            f"{one['clean']['awsSeconds']:.1f}",
            f"{one['clean']['peakMib']:.0f}",
        )
        for one in sizes
    ]
    times = ("seconds", "of Adobe's answers", "of AWS' answers", "peak memory, MiB")
    mended = [
        (
            f"{one['connections']:,}",
            one["mended"]["drifted"],
            one["mended"]["rechecks"],
            one["mended"]["deliveries"],
            f"{one['mended']['adobeCalls']:,}",
            f"{one['mended']['seconds']:.0f}",
            f"**{one['mended']['mostAtOnce']}**, {_kept(one['mended']['mostAtOnce'], one['concurrency'] + 1)}",
            f"**{one['mended']['driftedAfter']}**",
            f"**{one['mended']['wrongAfter']}**",
        )
        for one in sizes
    ]
    concurrency = sizes[-1]["concurrency"]
    at_once = f"calls to Adobe at once, at most {concurrency + 1}"
    mended_heads = ("connections", "otherwise", "rechecks", "deliveries", "calls to Adobe", "seconds", at_once)
    largest = sizes[-1]
    run = largest["clean"]
    once = _kept(0 if run["ended"] else 1, 0)
    mixed = ", ".join(f"`{kind}` {count}" for kind, count in largest["mended"]["kinds"].items())
    return f"""## Fleet

{_circumstances(found)}

Looking through a fleet in {found["sandboxes"]} sandboxes that is as it should be:

{_table(("connections", "calls to Adobe", "by its pages", *(f"`{kind}`" for kind in kinds), *times), clean)}
The aims for {largest["connections"]:,} connections are one invocation of `reconcile`: {once};
at most {FLEET_SECONDS:.0f} s: {_kept(run["seconds"], FLEET_SECONDS)};
at most {FLEET_MIB:.0f} MiB: {_kept(run["peakMib"], FLEET_MIB)}. *By its pages* is what the calls to Adobe
should be: one for a token, and for each sandbox one for each hundred of its connections.

With a part of it otherwise, and `provision` at work on the queue meanwhile, until that is empty:

{_table((*mended_heads, "otherwise after", "wrong after"), mended)}
What is otherwise, of {largest["connections"]:,}: {mixed}. *Otherwise after* is what another run
finds, for which nothing is too recent to be looked at (its `ADOBE_SETTLE_SECONDS` is 0). *Wrong after* are connections,
names, params, parameters and registry items, counted directly.

How: each invocation of `reconcile` is a fresh process, whose peak memory is its own (`VmHWM`); the seconds are those of
the invocation. `provision` is in {concurrency} processes, as `MaximumConcurrency` says, and their starts are in the
seconds of the second table. Adobe and its IMS are the simulators and answer each call after
{found["adobeMs"]:.0f} ms; calls are at once if the simulators had them at the same time. AWS is moto, without delay and
in one process with the simulators. What *Adobe's* and *AWS' answers* took was partly side by side. The fleet is
written into them directly, each key as a request left the first one. Moto takes ten and more milliseconds for each item
that it reads, minutes for a large fleet: so Query, Scan, BatchGetItem and GetParametersByPath are answered past it, out
of its data and with AWS' pages. Every write is moto's. What AWS itself takes comes on top, most of it for Parameter
Store, which gives ten parameters a call, one call after the other. In the second table moto's writes, one process for
all deliveries, are most of the seconds, and keep the calls to Adobe apart: without them there may be more at once.
"""


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "cold": cold,
    "warm": warm,
    "peers": peers,
    "load": load,
    "fleet": fleet,
}


def _circumstances(found: dict[str, Any]) -> str:
    on = found["measured"]
    beside = f" Other work ran beside it: a load of {on['load']:.1f} before." if on.get("load", 0) >= BUSY else ""
    return f"Measured on {on['date']}: {on['cpu']}, {on['cores']} cores, {on['system']}, Python {on['python']}.{beside}"


def _budget(ratio: float, at_most: float) -> str:
    return f"the aim is at most {at_most:.2f}: {_kept(ratio, at_most)}"


def _kept(ratio: float, at_most: float) -> str:
    return "kept" if ratio <= at_most else "**missed**"


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
