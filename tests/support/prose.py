"""The prose that people read, taken out of Markdown, Python and YAML, and the rules of plain English that it keeps."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

MAX_WORDS = 30
"""In one sentence."""

PRIVATE = re.compile(
    r"\b(?:mend(?:s|ed|ing)?|unmended|surplus|brak(?:e|es|ed|ing)|look(?:s|ed|ing)? through"
    r"|(?:is|are|was|were|been) otherwise|otherwise than|stand(?:s|ing)? still|stood still|tells?|told|say(?:s|ing)? so"
    r"|nobody asked|ask(?:s|ed) (?:for|Adobe|Databricks|AWS)|(?:is|are|was|were|be|been) asked|haste"
    r"|(?:be|not|is|was) heard|struck|anew|of before|come by|tried again by itself)\b",
    re.IGNORECASE,
)
"""Words that this project once used in a private sense. Each has a plain one: see CONTRIBUTING.md."""

_NEW_ITEM = r"\n\s*\n|\n(?=\s*(?:[*-]|\d+\.) )"


def of_markdown(text: str) -> Iterator[str]:
    """The paragraphs, list items, headings and table cells of a page, without its code."""
    text = re.sub(r"^ *```.*?^ *```", "\n\n", text, flags=re.DOTALL | re.MULTILINE)
    for block in re.split(_NEW_ITEM + r"|\n(?=#)", text):
        rows = [line for line in block.splitlines() if line.strip().startswith("|")]
        yield from (cell for row in rows for cell in row.strip("| \n").split("|"))
        yield re.sub(r"^\s*(?:[*#-]+|\d+\.) ", "", "\n".join(line for line in block.splitlines() if line not in rows))


def of_python(path: Path) -> Iterator[str]:
    """The docstrings, comments and texts of a module, and the names of its tests as words."""
    yield from docstrings(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.value
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")
    with path.open("rb") as file:
        yield from (token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT)


def docstrings(path: Path) -> Iterator[str]:
    """The paragraphs of the docstrings of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from re.split(_NEW_ITEM + r"|\n\s*(?=[a-z_]+(?:, [a-z_]+)*: )", node.value.value)


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, code and links taken as one word each."""
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return [
        part for part in re.split(r" · |(?<=[.!?])[\"')*]*\s+(?=[\"'(*\[]*[A-Z0-9c])", " ".join(text.split())) if part
    ]


def words(sentence: str) -> int:
    """How many words a sentence has."""
    return len(re.findall(r"[\w'/.-]*\w[\w'-]*", sentence))
