"""The guards of invariant 3, Secret."""

from __future__ import annotations

from tests.guards import redacted
from tests.guards.guard import CORE, Guard, Invariant

IMS, TRANSPORT = CORE + "adobe/ims.py", CORE + "http/transport.py"
REQUEST, DATABRICKS = CORE + "contract/request.py", CORE + "sources/databricks/secret.py"
IN_SECRET, IN_BOUNDED, IN_AUTHENTICATION = (
    f"tests/{name}.py::" for name in ("provision/test_secret", "adapters/test_bounded", "provision/test_authentication")
)
RULE = "tests/unit/test_request.py::test_a_field_that_breaks_its_rule_is_refused"
IN_REQUESTS = "tests/provision/test_requests.py::"
EVERYWHERE = "tests/provision/test_secret_everywhere.py::test_no_secret_leaves_the_process_except_to_where_it_belongs"
IN_HTTP = "tests/api/test_http.py::"
IN_EXPLORING = "tests/api/test_exploring.py::"

INVARIANT = Invariant(
    3,
    "Secret",
    "A secret's value goes from Secrets Manager to memory, and from there to Adobe or Databricks over verified TLS. It "
    "goes nowhere else: not to logs, errors (including `repr`, `__cause__` and `__context__`), events, metrics, the "
    "registry, SSM, queues or HTTP responses.",
    (
        *redacted.GUARDS,
        Guard(
            "TLS is verified",
            "an attacker between the function and IMS can read the client secret",
            TRANSPORT,
            "_Adapter.init_poolmanager",
            'context = _trusting(os.environ.get("SSL_CERT_FILE") or None)',
            'self.cert_verify = lambda connection, *_: setattr(connection, "cert_reqs", "CERT_NONE")\n'
            "context = ssl._create_unverified_context()",
            (IN_BOUNDED + "test_tls_is_verified_and_one_more_ca_can_be_trusted",),
        ),
        Guard(
            "transport ignores the environment",
            "a proxy, a CA or a password of the environment affects every call",
            TRANSPORT,
            "new_session",
            "session.trust_env = False",
            "session.trust_env = True",
            (IN_BOUNDED + "test_a_proxy_or_netrc_of_the_environment_is_not_used",),
        ),
        Guard(
            "no redirects",
            "the token is sent to another host when Adobe redirects",
            TRANSPORT,
            "new_session",
            "session.get_redirect_target = lambda _: None",
            "",
            (IN_BOUNDED + "test_a_redirect_is_not_followed",),
        ),
        Guard(
            "Adobe's URLs use https",
            "a deployment can send the client secret unencrypted",
            CORE + "settings.py",
            "is_safe",
            'parts.scheme == "https"',
            'parts.scheme in ("https", "http")',
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[ADOBE_PLATFORM_URL-good2-bad2]",),
        ),
        Guard(
            "Databricks' messages are redacted",
            "a token that Databricks quotes is recorded and announced",
            CORE + "sources/databricks/replies.py",
            "_shown",
            "redactor.quote(words)",
            "words",
            ("tests/unit/test_databricks_wire.py::test_messages_are_shown_without_secrets_and_pages_are_not_shown",),
        ),
        Guard(
            "Databricks' pages are not shown",
            "a page that is not a response of the API is recorded and announced",
            CORE + "sources/databricks/replies.py",
            "interpret",
            'words = _words(known) or (reply.headers.get("x-databricks-reason-phrase") or "")',
            'words = _words(known) or reply.body.decode(errors="replace")',
            ("tests/unit/test_databricks_wire.py::test_messages_are_shown_without_secrets_and_pages_are_not_shown",),
        ),
        Guard(
            "no cookies",
            "a workspace or Adobe confuses one caller with another, whose cookie was kept",
            TRANSPORT,
            "new_session",
            "session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))",
            "",
            (
                "tests/adapters/test_transport.py::"
                "test_no_cookie_is_kept_so_that_no_call_uses_the_session_of_an_earlier_call",
            ),
        ),
        Guard(
            "another URL for Databricks must be safe",
            "the token is sent unencrypted to any host that the environment names",
            CORE + "settings.py",
            "_url_or_none",
            "return _url(value) if value else None",
            "return None",
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[DATABRICKS_URL-good4-bad4]",),
        ),
        Guard(
            "host rule",
            "Adobe can be made to send the token to any host",
            DATABRICKS,
            "_fault_of",
            'field == "domain" and normalised_domain(value) is None',
            'field == "domain" and not plain(value)',
            (
                IN_REQUESTS + "test_hostile_domains_are_refused_before_any_call_to_adobe",
                "tests/unit/test_databricks_source.py::test_any_other_host_is_refused[https://169.254.169.254]",
            ),
        ),
        Guard(
            "whole host is matched",
            "a host whose name only begins like a workspace gets the token",
            DATABRICKS,
            "normalised_domain",
            "match = _DOMAIN.fullmatch(text)",
            "match = _DOMAIN.match(text)",
            (
                "tests/unit/test_databricks_source.py::test_any_other_host_is_refused"
                "[https://adb-1234567890123456.16.azuredatabricks.net.evil.com]",
            ),
        ),
        Guard(
            "domain comes from the secret",
            "a request sends the token of a secret to a workspace of the caller's choice",
            DATABRICKS,
            "SOURCE",
            '("clusterId", "catalog", "database")',
            '("clusterId", "catalog", "database", "domain")',
            (RULE + "[domain-https://adb-1234567890123456.16.azuredatabricks.net]",),
        ),
        Guard(
            "secret prefix",
            "a request creates a connection with any secret that the role may read",
            REQUEST,
            "read_request",
            "faults += _faults_of_prefix(fields, source.secret_field, secret_prefix)",
            "faults += []",
            (RULE + "[databricksSecretId-aep/prod/databricks/sales]",),
            also=(7,),
        ),
        Guard(
            "secret prefix of the sandbox",
            "a request for one sandbox uses the secrets of another one",
            REQUEST,
            "_faults_of_prefix",
            'prefix = secret_prefix.replace("{sandbox}", sandbox)',
            'prefix = secret_prefix.partition("{sandbox}")[0]',
            (RULE + "[databricksSecretId-aep/prod/databricks/sales]",),
            also=(7,),
        ),
        Guard(
            "malformed tokens are refused",
            "a text that IMS sends instead of a token ends up in a header",
            IMS,
            "TokenSource._exchange",
            "not _TOKEN.fullmatch(value)",
            "not value",
            (
                IN_AUTHENTICATION + "test_an_invalid_token_reply_is_not_used_as_a_token"
                '[200-{"access_token": "two words", "expires_in": 1}-Unavailable]',
            ),
        ),
        Guard(
            "the SDK logs only warnings",
            "with log level DEBUG, the SDK writes the responses of Secrets Manager to the log",
            CORE + "observability.py",
            "",
            'logging.getLogger("botocore").setLevel(logging.WARNING)',
            "",
            ("tests/provision/test_observability.py::test_the_sdk_writes_no_log_lines",),
        ),
        Guard(
            "log line from an allow-list",
            "anything that a request contains is written to the log",
            CORE + "observability.py",
            "Observer.record",
            'self._log.write("request processed", line)',
            'self._log.write("request processed", line | {"processed": repr(processed)})',
            ("tests/provision/test_accounted.py::test_a_log_line_has_allow_listed_fields_only",),
        ),
        Guard(
            "messages are withheld when exploring without the secret",
            "exploring without the Databricks secret shows whatever Adobe quotes",
            CORE + "explore/explore.py",
            "_auth",
            "ports.redactor.silence()",
            "",
            (IN_EXPLORING + "test_without_the_databricks_secret_adobes_message_is_withheld",),
        ),
        Guard(
            "results of exploring are redacted",
            "a table's name that quotes a secret is shown",
            CORE + "explore/explore.py",
            "_explored.redacted",
            "value and redactor.redact(value)",
            "value",
            (EVERYWHERE + "[with_tables_that_quote_secrets]", EVERYWHERE + "[with_columns_that_quote_secrets]"),
        ),
        Guard(
            "unexpected error over HTTP without its text",
            "the text of an unexpected error, which may contain anything, is sent to the caller",
            CORE + "api/service.py",
            "ApiService._reply",
            "Exception",
            "AssertionError",
            (IN_HTTP + "test_an_unexpected_error_is_reported_without_its_text",),
        ),
        Guard(
            "messages are withheld when reconciling",
            "a refusal that quotes a token is logged by a function that does not know the token",
            CORE + "reconcile/service.py",
            "ReconcileService._reconcile",
            "upstream.redactor.silence()",
            "",
            (
                "tests/provision/test_secret_everywhere.py::"
                "test_no_secret_leaves_the_process_except_to_where_it_belongs[with_a_token_that_adobe_rejects]",
            ),
        ),
        Guard(
            "drift is announced without secrets",
            "a token that someone pasted into a name is announced",
            CORE + "reconcile/drift.py",
            "Deviation.document",
            "redactor.printable(self.shown, MAX_SHOWN)",
            "self.shown",
            ("tests/reconcile/test_reconcile.py::test_values_from_adobe_are_redacted_before_they_are_announced",),
        ),
    ),
)
