"""What people read is plain English: short sentences, and none of the words that once had a private meaning here.

It does not see whether a sentence is clear. A reader has to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import ROOT
from tests.support.prose import MAX_WORDS, PRIVATE, docstrings, of_markdown, of_python, sentences, words

MEAN_WORDS = 20
"""Words per sentence of a page, at most."""
THIS = {"tests/support/prose.py", "tests/contract/test_prose.py"}
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
CODE = [
    path
    for folder in ("layers/core/aep_connections", "functions", "local", "bench", "tests", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if str(path.relative_to(ROOT)) not in THIS
]
PLAIN_TEXT = [ROOT / name for name in ("Makefile", "template.yaml", "samconfig.toml", ".ci/run", "examples/names.sh")]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        yield from of_python(path)
    else:
        yield from of_markdown(path.read_text()) if path.suffix == ".md" else path.read_text().splitlines()


@pytest.mark.parametrize("path", [*PAGES, *CODE, *PLAIN_TEXT], ids=relative)
def test_no_private_word_is_used(path: Path) -> None:
    texts = [re.sub(r"`[^`]*`", "", text) for text in prose(path)]

    assert [" ".join(text.split()) for text in texts if PRIVATE.search(text)] == []


@pytest.mark.parametrize("path", [*PAGES, *CODE], ids=relative)
def test_no_sentence_is_long(path: Path) -> None:
    texts = docstrings(path) if path.suffix == ".py" else of_markdown(path.read_text())

    assert [one for text in texts for one in sentences(text) if words(one) > MAX_WORDS] == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_the_sentences_of_a_page_are_short_on_average(page: Path) -> None:
    lengths = [words(one) for text in of_markdown(page.read_text()) for one in sentences(text)]

    assert sum(lengths) / len(lengths) <= MEAN_WORDS


@pytest.mark.parametrize(
    ("text", "long"),
    [("a " * 30 + "end.", True), ("a " * 29 + "end.", False), ("a " * 20 + "end. " + "A " * 20 + "end.", False)],
)
def test_a_sentence_ends_with_its_full_stop(text: str, long: bool) -> None:
    assert any(words(one) > MAX_WORDS for one in sentences(text)) is long
