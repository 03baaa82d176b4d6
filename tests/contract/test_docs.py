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

README, RUNBOOK = (ROOT / name for name in ("README.md", "docs/runbook.md"))
EVENTS = ROOT / "events"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
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
def test_every_code_has_an_entry_in_the_runbook_and_a_line_in_the_readme(code: str) -> None:
    assert code.lower() in headings(RUNBOOK)
    assert f"`{code}`" in README.read_text()


def test_the_page_of_readiness_has_every_check_with_its_severity_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \|", (ROOT / "docs" / "readiness.md").read_text(), re.MULTILINE)
    checks = (*ACCESS_CHECKS, *CLUSTER_CHECKS, *data_checks({"catalog": "main"}), *data_checks({}))

    assert sorted(rows) == sorted((row.id, row.severity.value) for row in checks)


def test_the_page_of_reconciling_has_every_kind_with_who_mends_it_and_no_other() -> None:
    page = (ROOT / "docs" / "reconcile.md").read_text().split("\n## Kinds\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)

    assert [kind for kind, _ in rows] == [kind.value for kind in Kind]
    assert {kind for kind, does in rows if does.startswith("nothing is sent")} == {kind.value for kind in FOR_PEOPLE}


def test_the_page_of_reconciling_has_every_reason_and_says_which_of_them_nobody_asked_for() -> None:
    page = (ROOT / "docs" / "reconcile.md").read_text().split("\n## Rechecks that nobody asked for\n")[1]
    (listed,) = re.findall(r"The reasons (.+?) are ours", page)
    reasons = re.findall(r"`([a-z-]+)`", listed)

    assert sorted(reasons) == sorted(path.stem.removeprefix("sqs-recheck-") for path in EVENTS.glob("sqs-recheck-*"))
    assert all(Recheck(Key("dev", "sales"), reason).unattended for reason in reasons)


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "reconcile.md"], ids=["README", "reconcile"])
def test_what_a_drift_tells_is_documented_field_by_field(page: Path) -> None:
    drift = Drift(Entry(key=Key("dev", "sales")))
    drift.add(Kind.MISSING)
    told = drift.document(None, Redactor())

    for name in [*told, *told["drift"][0]]:
        assert f"`{name}`" in page.read_text() or f'"{name}":' in page.read_text(), name


def test_the_readme_has_every_parameter_with_its_default_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| ", deploy_section(), re.MULTILINE))

    assert rows == {
        name: f"`{about['Default']}`"
        if about.get("Default", "") != ""
        else ("none" if "Default" in about else "required")
        for name, about in translated()["Parameters"].items()
    }


def test_the_readme_has_every_output_and_no_other() -> None:
    shown = re.search(r"Outputs: (.+?)\.\n", deploy_section(), re.DOTALL)

    assert shown
    assert set(re.findall(r"`(\w+)`", shown[1])) == set(translated()["Outputs"])


def deploy_section() -> str:
    return README.read_text().split("\n## Deploy\n")[1].split("\n## ")[0]


def test_the_costs_of_the_readme_are_their_arithmetic() -> None:
    text = README.read_text().split("\n### What it costs\n")[1].split("\n## ")[0]
    each = [float(number) for number in re.findall(r"^\| [^|]+ \| [^|]+ \| ([0-9.]+) \|$", text, re.MULTILINE)]
    fixed = [float(number) for number in re.findall(r"\$([0-9]+\.[0-9]+)", text.split("Standing")[1].split("\n\n")[0])]
    per_thousand = sum(each)
    rows = re.findall(
        r"^\| ([0-9,]+) \| ([0-9,]+) \| ([0-9.]+) \| ([0-9.]+) \| \*\*([0-9.]+)\*\* \|", text, re.MULTILINE
    )

    assert [row[0] for row in rows] == ["10", "1,000", "10,000"]
    assert re.findall(r"([0-9]+) alarms", text) == [str(len(ALARMS))]
    for connections, requests, asked, standing, total in rows:
        number = int(connections.replace(",", "")) * 31
        assert int(requests.replace(",", "")) == number
        assert float(asked) == pytest.approx(number / 1000 * per_thousand, abs=0.006)
        assert float(standing) == pytest.approx(sum(fixed), abs=0.001)
        assert float(total) == pytest.approx(float(asked) + float(standing), abs=0.001)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_path_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)", text):
        assert not target or (document.parent / target).exists(), target
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in headings(document), anchor
    core = ROOT / "layers/core/aep_connections"
    folders = "|".join(path.name for parent in (ROOT, core) for path in parent.iterdir() if path.is_dir())
    for path in re.findall(rf"`((?:{folders}|use_cases|triggers|upstream)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists() or (core / path).exists(), path


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
