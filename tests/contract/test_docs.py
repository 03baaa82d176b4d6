"""What the documents promise, against the template, the code and the disk."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from aep_connections.domain.delivery import Recheck
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import CODES
from aep_connections.domain.model import Key
from aep_connections.domain.redaction import Redactor
from aep_connections.reconcile.drift import FOR_PEOPLE, Drift, Kind
from aep_connections.sources.databricks.access import ACCESS_CHECKS, data_checks
from aep_connections.sources.databricks.cluster import CLUSTER_CHECKS
from local.aws.template import translated
from local.stack import ROOT
from local.timeline import PROVISION

DOCS, EVENTS = ROOT / "docs", ROOT / "events"
README, RUNBOOK, CODES_PAGE = ROOT / "README.md", DOCS / "runbook.md", DOCS / "reference" / "codes.md"
DRIFT, PARAMETERS, COSTS = (DOCS / "reference" / f"{name}.md" for name in ("drift", "parameters", "costs"))
README_LINES = 180
"""Two screens."""
DOCUMENTS = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
ALARMS = {
    name: resource["Properties"]["AlarmDescription"]
    for name, resource in translated()["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_names_its_entry_in_the_runbook(alarm: str) -> None:
    named = re.search(r"Runbook - docs/runbook\.md, ([a-z-]+)\.$", ALARMS[alarm])

    assert named
    assert named[1] in headings(RUNBOOK)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_an_entry_in_the_runbook_and_a_row_in_its_page(code: str) -> None:
    assert code.lower() in headings(RUNBOOK)
    assert re.search(rf"^\| \[?`{code}`", CODES_PAGE.read_text(), re.MULTILINE)


def test_the_page_of_readiness_has_every_check_with_its_severity_and_no_other() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (\w+) \|", (DOCS / "reference" / "readiness-checks.md").read_text(), re.MULTILINE
    )
    checks = (*ACCESS_CHECKS, *CLUSTER_CHECKS, *data_checks({"catalog": "main"}), *data_checks({}))

    assert sorted(rows) == sorted((row.id, row.severity.value) for row in checks)


def test_the_page_of_drift_has_every_kind_and_who_repairs_it() -> None:
    page = DRIFT.read_text().split("\n## Kinds\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)

    assert [kind for kind, _ in rows] == [kind.value for kind in Kind]
    assert {kind for kind, does in rows if does.startswith("nothing is sent")} == {kind.value for kind in FOR_PEOPLE}


def test_the_page_of_reconciling_has_every_reason_of_an_unattended_recheck() -> None:
    page = (DOCS / "explanation" / "reconcile.md").read_text().split("\n## Unattended rechecks\n")[1]
    (listed,) = re.findall(r"The reasons (.+?) are ours", page)
    reasons = re.findall(r"`([a-z-]+)`", listed)

    assert sorted(reasons) == sorted(path.stem.removeprefix("sqs-recheck-") for path in EVENTS.glob("sqs-recheck-*"))
    assert all(Recheck(Key("dev", "sales"), reason).unattended for reason in reasons)


def test_the_event_of_drift_is_documented_field_by_field() -> None:
    drift = Drift(Entry(key=Key("dev", "sales")))
    drift.add(Kind.MISSING)
    document = drift.document(None, Redactor())

    for name in [*document, *document["drift"][0]]:
        assert f"`{name}`" in DRIFT.read_text(), name


def test_every_parameter_is_documented_with_its_default_and_no_other() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (.+?) \| ", PARAMETERS.read_text().split("\n## Outputs\n")[0], re.MULTILINE)
    )

    assert rows == {
        name: f"`{about['Default']}`"
        if about.get("Default", "") != ""
        else ("none" if "Default" in about else "required")
        for name, about in translated()["Parameters"].items()
    }


def test_every_output_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PARAMETERS.read_text().split("\n## Outputs\n")[1], re.MULTILINE)

    assert set(rows) == set(translated()["Outputs"])


def test_the_costs_are_their_arithmetic() -> None:
    text = COSTS.read_text()
    each = [float(number) for number in re.findall(r"^\| [^|]+ \| [^|]+ \| ([0-9.]+) \|$", text, re.MULTILINE)]
    fixed = [float(number) for number in re.findall(r"\$([0-9]+\.[0-9]+)", text.split("Standing")[1].split("\n\n")[0])]
    per_thousand = sum(each)
    rows = re.findall(
        r"^\| ([0-9,]+) \| ([0-9,]+) \| ([0-9.]+) \| ([0-9.]+) \| \*\*([0-9.]+)\*\* \|", text, re.MULTILINE
    )

    assert [row[0] for row in rows] == ["10", "1,000", "10,000"]
    assert re.findall(r"([0-9]+) alarms", text) == [str(len(ALARMS))]
    for connections, requests, request_cost, standing, total in rows:
        number = int(connections.replace(",", "")) * 31
        assert int(requests.replace(",", "")) == number
        assert float(request_cost) == pytest.approx(number / 1000 * per_thousand, abs=0.006)
        assert float(standing) == pytest.approx(sum(fixed), abs=0.001)
        assert float(total) == pytest.approx(float(request_cost) + float(standing), abs=0.001)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_path_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        page = document.parent / target if target else document
        assert page.exists(), target
        assert not anchor or anchor in headings(page), f"{target}#{anchor}"
    core = ROOT / "layers/core/aep_connections"
    folders = "|".join(path.name for parent in (ROOT, core) for path in parent.iterdir() if path.is_dir())
    for path in re.findall(rf"`((?:{folders}|use_cases|triggers|upstream)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists() or (core / path).exists(), path


def test_every_page_is_linked_from_the_readme_and_every_decision_from_its_index() -> None:
    linked = {
        (page.parent / to).resolve() for page in (README, DOCS / "explanation" / "decisions.md") for to in links(page)
    }

    assert [str(page.relative_to(ROOT)) for page in DOCUMENTS if page != README and page not in linked] == []


def links(page: Path) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())


def test_the_readme_has_two_screens() -> None:
    assert len(README.read_text().splitlines()) <= README_LINES


def test_the_readme_shows_lines_of_the_demo() -> None:
    lines = re.findall(r"^ +\d+ ms  \w.+?  +(\S.*?)(?: → \d+)?  +(\S.*)$", README.read_text(), re.MULTILINE)

    assert lines
    assert [line for line in lines if PROVISION.get(line[0]) != line[1]] == []


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    metadata = translated()["Metadata"]["AWS::ServerlessRepo::Application"]

    assert metadata["SemanticVersion"] == version
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()
    for name in ("LicenseUrl", "ReadmeUrl"):
        assert (ROOT / metadata[name]).exists()


def test_the_workflow_pins_its_actions_and_calls_only_make() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text()

    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used) for used in re.findall(r"uses: (.+)", text))
    targets = re.findall(r"run: (.+)", text)
    assert targets
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target.removeprefix('make ')}:", makefile, re.MULTILINE) for target in targets)
