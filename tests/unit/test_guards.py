"""How a guard is found in the product and removed, and that a run that hangs is ended."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from local.stack import ROOT
from tests.guards.guard import Guard
from tests.guards.removal import NotOnce, removed


def without(text: str, where: str, code: str, replacement: str = "", file: str = "a.py") -> str:
    return removed(dedent(text), Guard("a guard", "harm", file, where, code, replacement, ()))


def same(text: str, expected: str) -> bool:
    return ast.dump(ast.parse(text)) == ast.dump(ast.parse(dedent(expected)))


PRODUCT = """\
    LIMIT = 3

    class Sender:
        tries: int = LIMIT

        def send(self, body):
            if not self.open:
                self.connect()
            self.count += 1
            return call('POST', body=body)

        def close(self):
            self.count += 1

    def outer():
        def inner(x):
            return x + 1
        return inner(1)

    SENDER = Sender()
    SENDER.close()
"""


@pytest.mark.parametrize(
    "written",
    [
        "limit = 10 if fast and not (small or slow) else 20",
        "limit=(10 if (fast and (not (small or slow))) else 20)  # seconds",
        "limit = (\n        10\n        if fast  # measured\n        and not (small or slow)\n        else 20\n    )",
    ],
)
def test_an_expression_is_found_however_it_is_formatted(written: str) -> None:
    text = f"def f(fast, small, slow):\n    {written}\n    return limit\n"

    changed = without(text, "f", "fast and not (small or slow)", "fast")

    assert same(changed, "def f(fast, small, slow):\n    limit = 10 if fast else 20\n    return limit\n")
    assert changed.splitlines()[-1] == text.splitlines()[-1]
    assert len(changed.splitlines()) == len(text.splitlines())


def test_quotes_do_not_matter() -> None:
    assert same(without("a = 'x'\n", "a", '"x"', "1"), "a = 1\n")


def test_a_replacement_keeps_its_meaning_inside_a_larger_expression() -> None:
    assert same(
        without("def f(a, b):\n    return not a\n", "f", "a", "a or b"), "def f(a, b):\n    return not (a or b)\n"
    )


def test_an_argument_that_is_a_generator_is_replaced() -> None:
    changed = without("def f(a):\n    return any(x for x in a)\n", "f", "(x for x in a)", "a")

    assert same(changed, "def f(a):\n    return any(a)\n")


@pytest.mark.parametrize(
    ("where", "code", "replacement", "changed"),
    [
        ("LIMIT", "3", "30", "LIMIT = (30)"),
        ("Sender", "tries: int = LIMIT", "tries: int", "    tries: int"),
        ("Sender.close", "self.count += 1", "self.count += 2", "        self.count += 2"),
        ("outer.inner", "x + 1", "x", "        return (x)"),
        ("", "SENDER.close()", "pass", "pass"),
    ],
)
def test_a_place_is_a_function_a_class_an_assigned_name_or_the_module(
    where: str, code: str, replacement: str, changed: str
) -> None:
    before = dedent(PRODUCT).splitlines()
    after = without(PRODUCT, where, code, replacement).splitlines()

    assert [new for old, new in zip(before, after, strict=True) if old != new] == [changed]


def test_the_same_code_in_another_function_does_not_matter() -> None:
    changed = without(PRODUCT, "Sender.send", "self.count += 1")

    assert changed.count("self.count += 1") == 1
    assert changed.index("self.count += 1") > changed.index("def close")


def test_module_level_code_in_a_function_is_not_meant() -> None:
    with pytest.raises(NotOnce, match=r"occurs 0 times in a\.py"):
        without(PRODUCT, "", "self.count += 1")


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        ("Sender.send", "self.count += 2", "a guard: its code occurs 0 times in Sender.send in a.py, not once"),
        ("Sender", "self.count += 1", "a guard: its code occurs 2 times in Sender in a.py, not once"),
        ("Sender.open", "self.count += 1", "a guard: its code occurs 0 times in Sender.open in a.py, not once"),
    ],
)
def test_code_that_does_not_occur_once_is_refused(where: str, code: str, message: str) -> None:
    with pytest.raises(NotOnce) as refused:
        without(PRODUCT, where, code)

    assert str(refused.value) == message


def test_a_statement_without_a_replacement_is_removed_and_its_lines_stay_empty() -> None:
    changed = without(PRODUCT, "Sender.send", "if not self.open: self.connect()")

    assert len(changed.splitlines()) == len(dedent(PRODUCT).splitlines())
    assert "connect" not in changed
    assert same(changed, dedent(PRODUCT).replace("        if not self.open:\n            self.connect()\n", ""))


def test_the_only_statement_of_a_block_becomes_pass() -> None:
    assert "if not self.open:\n            pass\n" in without(PRODUCT, "Sender.send", "self.connect()")


def test_consecutive_statements_are_replaced_together() -> None:
    changed = without(
        PRODUCT,
        "Sender.send",
        "self.count += 1\nreturn call('POST', body=body)",
        "if body:\n    return call('POST', body=body)\nself.count += 1",
    )

    assert "        if body:\n            return call('POST', body=body)\n        self.count += 1\n" in changed


def test_statements_that_do_not_follow_each_other_are_not_found() -> None:
    with pytest.raises(NotOnce):
        without(PRODUCT, "Sender.send", "if not self.open: self.connect()\nreturn call('POST', body=body)")


def test_an_elif_is_not_a_statement_of_its_own() -> None:
    text = "if a:\n    b()\nelif c:\n    d()\n"

    with pytest.raises(NotOnce):
        without(text, "", "if c: d()", "if c: e()")
    assert same(without(text, "", "c", "not c"), text.replace("elif c", "elif not c"))


def test_code_below_other_letters_is_replaced_at_its_place() -> None:
    text = "def f(a):\n    return '…äß', a + 1\n"

    assert without(text, "f", "a + 1", "a") == "def f(a):\n    return '…äß', (a)\n"


TEMPLATE = """\
    Parameters:
      Limit:
        Type: Number

    Resources:
      First:
        Properties:
          Action: [read, write] # as recorded
          Statements:
            - Sid: One
              Effect: Deny

      Second:
        Properties:
          Action: [read, write]
          Action: [read, write]
"""


def test_lines_of_yaml_are_found_in_their_block() -> None:
    changed = without(TEMPLATE, "First", "Action: [read, write]", "Action: [read]", "a.yaml")

    assert changed == dedent(TEMPLATE).replace("Action: [read, write] # as recorded", "Action: [read]")


def test_several_lines_of_yaml_keep_their_indentation() -> None:
    changed = without(TEMPLATE, "Resources", "- Sid: One\n  Effect: Deny", "- Sid: Two\n  Effect: Allow", "a.yaml")

    assert changed == dedent(TEMPLATE).replace("One", "Two").replace("Deny", "Allow")


@pytest.mark.parametrize(
    ("where", "code", "count"),
    [
        ("Second", "Action: [read, write]", 2),
        ("Limit", "Action: [read, write]", 0),
        ("Third", "Action: [read, write]", 0),
        ("Properties", "Action: [read, write]", 0),
        ("First", "Action: [read", 0),
    ],
)
def test_lines_of_yaml_that_do_not_occur_once_are_refused(where: str, code: str, count: int) -> None:
    with pytest.raises(NotOnce, match=f"{count} times in {where} in a.yaml"):
        without(TEMPLATE, where, code, "", "a.yaml")


@pytest.mark.slow
def test_a_run_that_hangs_is_ended(tmp_path: Path) -> None:
    (tmp_path / "test_hang.py").write_text("import time\n\ndef test_hang():\n    time.sleep(100)\n")
    script = "import pathlib, warm; print(warm.run(['test_hang.py'], pathlib.Path('output'), 1))"

    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "tests" / "guards"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert ran.stdout.split() == [str(-signal.SIGALRM)]
