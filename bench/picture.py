"""Draws docs/explanation/performance.svg from results only: one bar chart for each measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR_END = 760, 190, 670
ROW, CHART_HEAD, GAP = 26, 34, 22
OURS, OTHER, INK, MUTED = "#0b6e4f", "#a9b4c2", "#1f2933", "#5f6c7b"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `is_ours` gives the colour."""

    label: str
    value: float
    text: str
    is_ours: bool


def draw(results: dict[str, Any]) -> str:
    """The picture, without the measurements that were never made."""
    parts: list[str] = []
    top = GAP
    for title, bars in _charts(results):
        parts += _chart(title, bars, top)
        top += CHART_HEAD + ROW * len(bars) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img">\n'
        f"<title>Performance of this product, and of what it is compared with</title>\n"
        f'<rect width="{WIDTH}" height="{top}" rx="8" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _charts(results: dict[str, Any]) -> Iterator[tuple[str, list[Bar]]]:
    if found := results.get("cold"):
        functions = found["functions"].items()
        ratios = ", ".join(f"{one['ratio']:.2f}" for _, one in functions)
        bars = [
            _milliseconds(label, one["variants"][which]["initMedianMs"], which == "ours")
            for function, one in functions
            for which, label in (("ours", function), ("floor", "its floor"))
        ]
        yield f"Cold start, ms until ready: {ratios} x floor", bars
    if found := results.get("warm"):
        pairs = [(name, one) for name, one in found["scenarios"].items()]
        ratios = ", ".join(f"{one['ratio']:.2f}" for _, one in pairs)
        bars = [
            bar
            for name, one in pairs
            for bar in (
                _milliseconds(name, one["medianMs"], True),
                _milliseconds("its chain of calls", one["chainMs"], False),
            )
        ]
        yield f"Warm delivery, ms, with delays injected: {ratios} x its calls", bars
    if found := results.get("peers"):
        contenders = found["contenders"].items()
        yield (
            "First create in a fresh process, ms: the cost of safety",
            [_milliseconds(who, one["medianMs"], who == "ours") for who, one in contenders],
        )
        left = [(who, one["afterLostAnswer"]["left"]) for who, one in contenders]
        yield "Connections left after a lost reply (correct: 1)", [Bar(w, n, str(n), w == "ours") for w, n in left]
    if found := results.get("load"):
        sizes = [(f"{one['requests']:,} requests", one["peakMib"]) for one in found["sizes"]]
        yield (
            f"Peak memory, MiB, {found['concurrency']} services in one process",
            [Bar(label, value, f"{value:.0f}", True) for label, value in sizes],
        )
    if found := results.get("fleet"):
        runs = [(f"{one['connections']:,} connections", one["clean"]["seconds"]) for one in found["sizes"]]
        yield (
            f"Reconciling all connections, s, each call to Adobe {found['adobeMs']:.0f} ms",
            [Bar(label, value, f"{value:.0f} s", True) for label, value in runs],
        )


def _milliseconds(label: str, value: float, is_ours: bool) -> Bar:
    return Bar(label, value, f"{value:.0f} ms", is_ours)


def _chart(title: str, bars: list[Bar], top: int) -> Iterator[str]:
    yield f'<text x="20" y="{top + 14}" font-size="15" font-weight="600" fill="{INK}">{escape(title)}</text>'
    longest = max(bar.value for bar in bars)
    for number, bar in enumerate(bars):
        y = top + CHART_HEAD + ROW * number
        width = max(2, round((BAR_END - LABEL) * bar.value / longest))
        colour = OURS if bar.is_ours else OTHER
        yield (
            f'<text x="{LABEL - 10}" y="{y + 12}" font-size="13" text-anchor="end" fill="{MUTED}">'
            f"{escape(bar.label)}</text>"
            f'<rect x="{LABEL}" y="{y}" width="{width}" height="16" rx="2" fill="{colour}"/>'
            f'<text x="{LABEL + width + 8}" y="{y + 12}" font-size="13" fill="{INK}">{escape(bar.text)}</text>'
        )
