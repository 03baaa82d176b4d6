"""Invariant 3, Secret: secrets go over verified TLS only. No environment variable and no setting changes that."""

from __future__ import annotations

import ast
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aep_connections.http import transport
from aep_connections.provision.service import ProvisionService
from aep_connections.settings import SettingsInvalid
from local.simulators.adobe import Adobe
from local.simulators.ims import Ims
from local.simulators.simulator import Simulator
from local.stack import ROOT
from tests.support.cloud import CloudWorld
from tests.support.tls import certificate_for_localhost
from tests.support.world import REQUEST, World

SOURCES = [path for folder in ("layers", "functions") for path in (ROOT / folder).rglob("*.py")]
UNVERIFIED = {"_create_unverified_context", "_create_stdlib_context", "_create_default_https_context", "CERT_NONE",
              "CERT_OPTIONAL", "disable_warnings", "InsecureRequestWarning"}  # fmt: skip
ROLES = {"ims": "ADOBE_IMS_URL", "adobe": "ADOBE_PLATFORM_URL"}


@contextmanager
def impostor(world: World, who: str, folder: Path, host: str = "localhost", age: int = 0) -> Iterator[Simulator]:
    """IMS or Adobe with a self-signed certificate, which is in the file `certificate.pem`."""
    _, tls = certificate_for_localhost(folder, host, age)
    now = world.clock.now
    made: Simulator = (
        Ims(now, tls) if who == "ims" else Adobe(world.ims, world.environment.get("DATABRICKS_URL", ""), now, tls)
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def service_for(world: World, variable: str, url: str) -> ProvisionService:
    """A new execution environment that calls the URL instead, over a real network even if the world is in memory."""
    transport._trusting.cache_clear()
    service = world.new_service(**{variable: url})
    if not isinstance(world, CloudWorld):
        service.environment.http.mount(url, transport.new_session().get_adapter(url))
    return service


def refuse(world: World, who: str, simulator: Simulator) -> None:
    """Assert that the service does not trust the simulator, reports this, and sends nothing to it."""
    service = service_for(world, ROLES[who], simulator.url)

    refusal = world.refused(REQUEST, service=service)

    assert refusal.code == "Unavailable"
    assert refusal.message == "No reply from Adobe: its TLS certificate is not trusted."
    assert refusal.remedy
    assert simulator.calls == []
    assert world.connections() == []
    assert world.parameter() is None
    assert "attempt" not in world.item()


@pytest.fixture(autouse=True)
def nothing_trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No trusted certificate is left over from another test."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    yield
    transport._trusting.cache_clear()


@pytest.mark.cloud
@pytest.mark.parametrize("who", ROLES)
def test_a_host_with_a_self_signed_certificate_gets_no_secret(world: World, tmp_path: Path, who: str) -> None:
    with impostor(world, who, tmp_path) as simulator:
        refuse(world, who, simulator)


@pytest.mark.cloud
def test_a_workspace_with_a_self_signed_certificate_gets_no_token_and_adobe_decides(
    world: World, tmp_path: Path
) -> None:
    with impostor(world, "adobe", tmp_path) as simulator:
        done = world.invoke(REQUEST, service_for(world, "DATABRICKS_URL", simulator.url))

        assert (done["outcome"], done["readiness"]) == ("created", "warn")
        assert simulator.calls == []
    report = str(world.item()["readiness"])
    assert "No reply from Databricks: its TLS certificate is not trusted." in report


@pytest.mark.cloud
@pytest.mark.parametrize("who", ROLES)
def test_a_self_signed_certificate_in_ssl_cert_file_is_trusted(
    world: World, tmp_path: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with impostor(world, who, tmp_path) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        if who == "ims":
            world.adobe._ims = simulator  # type: ignore[assignment]

        assert world.invoke(REQUEST, service_for(world, ROLES[who], simulator.url))["outcome"] == "created"

        assert simulator.calls


@pytest.mark.parametrize(("host", "age"), [("localhost", 7), ("localhost", -7), ("platform.adobe.io", 0)])
@pytest.mark.parametrize("who", ROLES)
def test_a_trusted_certificate_is_valid_only_in_its_period_and_for_its_host(
    world: World, tmp_path: Path, who: str, host: str, age: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with impostor(world, who, tmp_path, host, age) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        refuse(world, who, simulator)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONHTTPSVERIFY", "0"),
        ("REQUESTS_CA_BUNDLE", "{certificate}"),
        ("REQUESTS_CA_BUNDLE", "/nowhere"),
        ("REQUESTS_CA_BUNDLE", ""),
        ("CURL_CA_BUNDLE", "{certificate}"),
        ("CURL_CA_BUNDLE", ""),
        ("AWS_CA_BUNDLE", "{certificate}"),
        ("HTTPS_PROXY", "http://localhost:9"),
        ("ALL_PROXY", "http://localhost:9"),
        ("VERIFY", "false"),
        ("ADOBE_VERIFY_TLS", "false"),
    ],
)
def test_no_variable_of_the_environment_makes_an_impostor_trusted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with impostor(world, "ims", tmp_path) as simulator:
        monkeypatch.setenv(name, value.format(certificate=tmp_path / "certificate.pem"))
        refuse(world, "ims", simulator)


@pytest.mark.cloud
def test_an_invalid_or_missing_certificate_file_fails_the_start(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for file in (tmp_path / "empty.pem", tmp_path / "nowhere.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        transport._trusting.cache_clear()
        with pytest.raises(OSError, match=r"(?i)no certificate|no such file"):
            world.new_service()


@pytest.mark.parametrize("variable", ROLES.values())
@pytest.mark.parametrize(
    "url",
    ["http://ims-na1.adobelogin.com", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.2",
     "http://localhost@evil.example", "HTTP://evil.example", "ftp://localhost", "//localhost", "http://[::2]", "http://0.0.0.0"],
)  # fmt: skip
def test_plain_http_to_a_host_other_than_localhost_is_refused_at_the_start(
    world: World, variable: str, url: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"{variable} must be an https URL"):
        world.new_service(**{variable: url})


def test_the_session_verifies_certificates_and_host_names() -> None:
    session = transport.new_session()

    assert session.verify is True
    assert session.trust_env is False
    for adapter in session.adapters.values():
        context = adapter.poolmanager.connection_pool_kw["ssl_context"]  # type: ignore[attr-defined]
        assert context.check_hostname
        assert context.verify_mode.name == "CERT_REQUIRED"
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def switches_off(node: ast.AST) -> bool:
    """Whether a piece of code can leave a certificate unverified."""
    match node:
        case ast.keyword(arg="verify" | "assert_hostname" | "check_hostname" | "verify_mode" | "cert_reqs"):
            return True
        case ast.Assign(targets=[ast.Attribute(attr="verify" | "check_hostname" | "verify_mode")]):
            return True
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
            return name in UNVERIFIED
        case ast.Constant(value=str() as text):
            return text in UNVERIFIED or text == "PYTHONHTTPSVERIFY"
    return False


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_can_leave_a_certificate_unverified(path: Path) -> None:
    found = [node for node in ast.walk(ast.parse(path.read_text())) if switches_off(node)]

    assert [ast.unparse(node) for node in found] == []


@pytest.mark.parametrize(
    "code",
    [
        *("get(u, verify=False)", "c.check_hostname = False", "c.verify_mode = ssl.CERT_NONE", "s.verify = x"),
        *("ssl._create_unverified_context()", "from ssl import CERT_NONE", "client('s3', verify=no)"),
        "os.environ['PYTHONHTTPSVERIFY'] = '0'",
    ],
)
def test_code_that_could_leave_a_certificate_unverified_is_found(code: str) -> None:
    assert any(map(switches_off, ast.walk(ast.parse(code))))
