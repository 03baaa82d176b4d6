"""The guards of invariant 3, Secret."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

FLOW_SERVICE, IMS, TRANSPORT, WIRE = (
    CORE + f"{name}.py" for name in ("adobe/flow_service", "adobe/ims", "http/transport", "adobe/wire")
)
MODEL, SECRECY, DATABRICKS = (
    CORE + name for name in ("domain/model.py", "domain/redaction.py", "sources/databricks/secret.py")
)
REQUEST = CORE + "contract/request.py"
IN_SECRET, IN_BOUNDED, IN_TOKENS, IN_AUTHENTICATION, IN_ENDINGS = (
    f"tests/integration/test_{name}.py::" for name in ("secret", "bounded", "tokens", "authentication", "endings")
)
IN_SECRECY, HOLDER = (
    "tests/unit/test_secrecy.py::",
    "tests/unit/test_secrecy.py::test_what_holds_a_secret_does_not_show_it",
)
UNREAD = IN_SECRET + "test_a_token_that_this_delivery_does_not_read_is_shown_nowhere_either"
RULE = "tests/unit/test_request.py::test_a_field_that_breaks_its_rule_is_refused"
IN_REQUESTS = "tests/integration/test_requests.py::"
EVERYWHERE = "tests/integration/test_secret_everywhere.py::test_no_secret_leaves_the_process_except_to_where_it_belongs"
IN_HTTP = "tests/integration/test_http.py::"
IN_EXPLORING = "tests/integration/test_exploring.py::"

INVARIANT = Invariant(
    3,
    "Secret",
    "A secret's value goes from Secrets Manager to memory, and from there to Adobe or Databricks over verified TLS. It "
    "goes nowhere else: not to logs, errors (including `repr`, `__cause__` and `__context__`), events, metrics, the "
    "registry, SSM, queues or HTTP responses.",
    (
        Guard(
            "messages of other systems are redacted",
            "a token that Adobe's refusal quotes is shown in the log, the event and the registry",
            SECRECY,
            "redacted = self.redact(str(text))",
            "redacted = str(text)",
            (IN_SECRET + "test_a_message_of_databricks_through_adobe_is_shown_without_the_token_that_it_quotes",),
        ),
        Guard(
            "redacted in every encoding",
            "a token that is echoed in base64 is shown",
            SECRECY,
            'return found | {form.replace("+", "-").replace("/", "_") for form in found}',
            "return found",
            (
                IN_SECRECY + "test_every_form_in_which_a_service_may_echo_a_secret_is_redacted"
                "[w5xtbGF1dCArLz9-PiInXGVuZD8-fg==]",
            ),
        ),
        Guard(
            "longest form first",
            "if one secret contains another, the rest of it is shown",
            SECRECY,
            "sorted(self._forms, key=len, reverse=True)",
            "sorted(self._forms, key=len)",
            (IN_SECRECY + "test_a_secret_that_contains_another_is_redacted_completely",),
        ),
        Guard(
            "redacted before it is shortened",
            "the first half of a secret at the end of a long text is shown",
            SECRECY,
            "redacted = self.redact(str(text))",
            "redacted = self.redact(str(text)[:limit])",
            (IN_SECRECY + "test_text_of_others_is_redacted_before_it_is_shortened_or_made_printable",),
        ),
        Guard(
            "tokens are recognized by their pattern",
            "a token of an earlier version of the secret, which Adobe still holds, is shown",
            SECRECY,
            "return _TOKENS.sub(REDACTED, text)",
            "return text",
            (UNREAD + "[present-True]",),
        ),
        Guard(
            "Databricks token is remembered",
            "the token that was read is not redacted when Adobe quotes it",
            CORE + "provision/job.py",
            "            self.ports.redactor.remember(value)\n",
            "            self.ports.redactor.remember(value[:0])\n",
            (IN_SECRET + "test_a_message_of_databricks_through_adobe_is_shown_without_the_token_that_it_quotes",),
        ),
        Guard(
            "client secret is remembered",
            "the client secret is shown when IMS quotes it",
            IMS,
            "        self._upstream.redactor.remember(credentials.client_secret)\n",
            "",
            (IN_SECRET + "test_a_message_of_ims_is_shown_without_the_client_secret[body2]",),
        ),
        Guard(
            "Adobe's token is remembered",
            "the token of this invocation is shown when Adobe quotes it",
            IMS,
            "        upstream.redactor.remember(token.value)\n",
            "",
            (IN_TOKENS + "test_a_token_that_adobe_quotes_is_redacted[first]",),
        ),
        Guard(
            "renewed token is remembered",
            "the second token of this invocation is shown when Adobe quotes it",
            IMS,
            "        upstream.redactor.remember(value)\n",
            "",
            (IN_TOKENS + "test_a_token_that_adobe_quotes_is_redacted[renewed]",),
        ),
        Guard(
            "the parts of a secret that Adobe shows are remembered",
            "a token that only Adobe still has is shown when Adobe quotes it",
            FLOW_SERVICE,
            "                self._upstream.redactor.remember(value)\n",
            "                continue\n",
            (UNREAD + "[present-False]",),
        ),
        Guard(
            "messages are withheld for requests for absence",
            "a request for absence reads no Databricks secret, and shows the parts that Adobe quotes",
            CORE + "provision/retire.py",
            "    ports.redactor.silence()\n",
            "",
            (UNREAD + "[absent-False]",),
        ),
        Guard(
            "code of a refusal is a number",
            "a token in the place of the gateway's code is shown",
            WIRE,
            'refusal.gateway_code if (refusal.gateway_code or "").isdigit() else None',
            "refusal.gateway_code",
            (UNREAD + "[absent-False]",),
        ),
        Guard(
            "request id is redacted",
            "a secret in the place of the request id is shown",
            WIRE,
            "return redactor.quote_id(refusal.request_id) if refusal.request_id else None",
            "return refusal.request_id",
            (IN_SECRET + "test_a_canary_is_seen_nowhere[3]",),
        ),
        Guard(
            "state is redacted",
            "a secret in the place of the connection's state is shown",
            CORE + "provision/find.py",
            "job.ports.redactor.printable(connection.state, 40)",
            "connection.state",
            (IN_SECRET + "test_a_state_that_adobe_gives_is_shown_without_a_secret",),
        ),
        Guard(
            "faults name fields, not values",
            "the refusal of a faulty secret shows its values",
            DATABRICKS,
            'faults.append(Fault(field, f"the value in the secret {secret_name} {fault}"))',
            'faults.append(Fault(field, f"the value in the secret {secret_name} {value} {fault}"))',
            (IN_SECRET + "test_a_faulty_field_of_a_secret_is_named_without_its_value",),
        ),
        Guard(
            "unexpected error without its text",
            "the text of an unexpected error, which may contain anything, is recorded and announced",
            CORE + "domain/errors.py",
            'f"Unexpected {type(error).__name__} at {place}.',
            'f"Unexpected {error!r} at {place}.',
            (
                IN_ENDINGS + "test_an_unexpected_error_is_recorded_and_announced_without_its_text",
                IN_ENDINGS
                + "test_an_unexpected_error_before_acceptance_returns_the_message_and_does_not_show_its_text",
            ),
        ),
        Guard(
            "a direct invoke drops the causes of its error",
            "an error of a direct invoke carries whatever led to it, such as a request",
            CORE + "provision/service.py",
            "raise forget_causes(processed.error",
            "raise (processed.error",
            ("tests/integration/test_error_causes.py::test_a_direct_invoke_raises_its_error_without_causes",),
        ),
        Guard(
            "reconciling drops the causes of its error",
            "an error that stops reconciling carries whatever led to it",
            CORE + "reconcile/service.py",
            "            raise forget_causes(error)",
            "            raise error",
            ("tests/integration/test_error_causes.py::test_reconcile_raises_the_error_that_stops_it_without_causes",),
        ),
        Guard(
            "transport errors have no cause",
            "an error holds the HTTP library's error, and with it the request and its token",
            TRANSPORT,
            "            problem = error\n",
            "            problem = error\n            raise _lost(call, _in_words(problem), sent=True) from None\n",
            (IN_BOUNDED + "test_an_error_of_the_transport_has_no_cause_and_no_context",),
        ),
        Guard(
            "transport errors use our own words",
            "the HTTP library's text, which may quote the request, is shown",
            TRANSPORT,
            'return "the connection was reset."',
            "return str(error)",
            ("tests/unit/test_transport.py::test_an_error_of_the_http_library_is_reported_without_its_text",),
        ),
        Guard(
            "parser's error is dropped",
            "an error quotes the secret's text",
            CORE + "aws/secrets.py",
            "    except (ValueError, RecursionError):\n        return None\n",
            "    except (ValueError, RecursionError):\n"
            '        raise SecretInvalid(f"The secret cannot be used: {text}.") from None\n',
            (
                IN_SECRET
                + "test_a_secret_that_is_not_a_json_object_is_refused_without_its_text[not json: canary-in-text]",
            ),
        ),
        Guard(
            "`repr` of a secret",
            "a secret is shown wherever its holder is printed",
            MODEL,
            "    values: JsonObject = field(repr=False)",
            "    values: JsonObject",
            (HOLDER + "[Secret]",),
        ),
        Guard(
            "`repr` of auth params",
            "a token is shown wherever the auth params are printed",
            MODEL,
            "    secret: Mapping[str, str] = field(repr=False)",
            "    secret: Mapping[str, str]",
            (HOLDER + "[AuthParams]",),
        ),
        Guard(
            "`repr` of a connection",
            "a token that Adobe shows is shown wherever the connection is printed",
            MODEL,
            "    params: JsonObject = field(repr=False)",
            "    params: JsonObject",
            (HOLDER + "[Connection]",),
        ),
        Guard(
            "`repr` of a call",
            "a token is shown wherever the call is printed",
            TRANSPORT,
            "    headers: Mapping[str, str] = field(repr=False)\n    params",
            "    headers: Mapping[str, str]\n    params",
            (HOLDER + "[Call]",),
        ),
        Guard(
            "`repr` of a reply",
            "the parts of a secret that Adobe shows are shown wherever the reply is printed",
            TRANSPORT,
            "    body: bytes = field(repr=False)\n",
            "    body: bytes\n",
            (HOLDER + "[Reply]",),
        ),
        Guard(
            "`repr` of a credential",
            "the client secret is shown wherever the credential is printed",
            IMS,
            "    client_secret: str = field(repr=False)",
            "    client_secret: str",
            (IN_AUTHENTICATION + "test_a_credential_shows_no_secret",),
        ),
        Guard(
            "`repr` of a token",
            "a token is shown wherever its holder is printed",
            IMS,
            "    value: str = field(repr=False)",
            "    value: str",
            (IN_TOKENS + "test_the_token_source_shows_no_token",),
        ),
        Guard(
            "fingerprint without secret values",
            "the registry stores a hash of the token",
            MODEL,
            "sorted(self.auth.public.items())",
            "sorted(self.auth.whole().items())",
            ("tests/unit/test_fingerprint.py::test_a_secrets_value_is_not_part_of_the_fingerprint",),
        ),
        Guard(
            "TLS is verified",
            "an attacker between the function and IMS can read the client secret",
            TRANSPORT,
            '        context = _trusting(os.environ.get("SSL_CERT_FILE") or None)\n',
            '        self.cert_verify = lambda connection, *_: setattr(connection, "cert_reqs", "CERT_NONE")\n'
            "        context = ssl._create_unverified_context()\n",
            (IN_BOUNDED + "test_tls_is_verified_and_one_more_ca_can_be_trusted",),
        ),
        Guard(
            "transport ignores the environment",
            "a proxy, a CA or a password of the environment affects every call",
            TRANSPORT,
            "session.trust_env = False",
            "session.trust_env = True",
            (IN_BOUNDED + "test_a_proxy_or_netrc_of_the_environment_is_not_used",),
        ),
        Guard(
            "no redirects",
            "the token is sent to another host when Adobe redirects",
            TRANSPORT,
            "    session.get_redirect_target = lambda _: None  # type: ignore[method-assign,assignment]\n",
            "",
            (IN_BOUNDED + "test_a_redirect_is_not_followed",),
        ),
        Guard(
            "Adobe's URLs use https",
            "a deployment can send the client secret unencrypted",
            CORE + "settings.py",
            'safe = parts.scheme == "https" or',
            'safe = parts.scheme in ("https", "http") or',
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[ADOBE_PLATFORM_URL-good2-bad2]",),
        ),
        Guard(
            "Databricks' messages are redacted",
            "a token that Databricks quotes is recorded and announced",
            CORE + "sources/databricks/replies.py",
            "return redactor.quote(words) if words else",
            "return words if words else",
            ("tests/unit/test_databricks_wire.py::test_messages_are_shown_without_secrets_and_pages_are_not_shown",),
        ),
        Guard(
            "Databricks' pages are not shown",
            "a page that is not a response of the API is recorded and announced",
            CORE + "sources/databricks/replies.py",
            'words = _words(known) or (reply.headers.get("x-databricks-reason-phrase") or "")',
            'words = _words(known) or reply.body.decode(errors="replace")',
            ("tests/unit/test_databricks_wire.py::test_messages_are_shown_without_secrets_and_pages_are_not_shown",),
        ),
        Guard(
            "no cookies",
            "a workspace or Adobe confuses one caller with another, whose cookie was kept",
            TRANSPORT,
            "    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # else a cookie "
            "would outlive its call\n",
            "",
            (
                "tests/integration/test_transport.py::"
                "test_no_cookie_is_kept_so_that_no_call_uses_the_session_of_an_earlier_call",
            ),
        ),
        Guard(
            "another URL for Databricks must be safe",
            "the token is sent unencrypted to any host that the environment names",
            CORE + "settings.py",
            "return _url(value) if value else None",
            "return None",
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[DATABRICKS_URL-good4-bad4]",),
        ),
        Guard(
            "host rule",
            "Adobe can be made to send the token to any host",
            DATABRICKS,
            'if field == "domain" and normalised_domain(value) is None:',
            'if field == "domain" and not plain(value):',
            (
                IN_REQUESTS + "test_hostile_domains_are_refused_before_any_call_to_adobe",
                "tests/unit/test_databricks_source.py::test_any_other_host_is_refused[https://169.254.169.254]",
            ),
        ),
        Guard(
            "whole host is matched",
            "a host whose name only begins like a workspace gets the token",
            DATABRICKS,
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
            'overrides=("clusterId", "catalog", "database"),',
            'overrides=("clusterId", "catalog", "database", "domain"),',
            (RULE + "[domain-https://adb-1234567890123456.16.azuredatabricks.net]",),
        ),
        Guard(
            "secret prefix",
            "a request creates a connection with any secret that the role may read",
            REQUEST,
            "        faults += _faults_of_prefix(fields, source.secret_field, secret_prefix)\n",
            "        faults += []\n",
            (RULE + "[databricksSecretId-aep/prod/databricks/sales]",),
            also=(7,),
        ),
        Guard(
            "secret prefix of the sandbox",
            "a request for one sandbox uses the secrets of another one",
            REQUEST,
            'prefix = secret_prefix.replace("{sandbox}", sandbox)',
            'prefix = secret_prefix.partition("{sandbox}")[0]',
            (RULE + "[databricksSecretId-aep/prod/databricks/sales]",),
            also=(7,),
        ),
        Guard(
            "malformed tokens are refused",
            "a text that IMS sends instead of a token ends up in a header",
            IMS,
            "or not isinstance(value, str) or not _TOKEN.fullmatch(value):",
            "or not isinstance(value, str) or not value:",
            (
                IN_AUTHENTICATION + "test_an_invalid_token_reply_is_not_used_as_a_token"
                '[200-{"access_token": "two words", "expires_in": 1}-Unavailable]',
            ),
        ),
        Guard(
            "the SDK logs only warnings",
            "with log level DEBUG, the SDK writes the responses of Secrets Manager to the log",
            CORE + "observability.py",
            'logging.getLogger("botocore").setLevel(logging.WARNING)\n',
            "",
            ("tests/integration/test_observability.py::test_the_sdk_writes_no_log_lines",),
        ),
        Guard(
            "log line from an allow-list",
            "anything that a request contains is written to the log",
            CORE + "observability.py",
            '            "parked": processed.parked,\n',
            '            "parked": processed.parked,\n            "processed": repr(processed),\n',
            ("tests/integration/test_accounted.py::test_a_log_line_has_allow_listed_fields_only",),
        ),
        Guard(
            "messages are withheld when exploring without the secret",
            "exploring without the Databricks secret shows whatever Adobe quotes",
            CORE + "explore/explore.py",
            "    ports.redactor.silence()\n",
            "",
            (IN_EXPLORING + "test_without_the_databricks_secret_adobes_message_is_withheld",),
        ),
        Guard(
            "results of exploring are redacted",
            "a table's name that quotes a secret is shown",
            CORE + "explore/explore.py",
            "name: value and redactor.redact(value)",
            "name: value",
            (EVERYWHERE + "[with_tables_that_quote_secrets]", EVERYWHERE + "[with_columns_that_quote_secrets]"),
        ),
        Guard(
            "unexpected error over HTTP without its text",
            "the text of an unexpected error, which may contain anything, is sent to the caller",
            CORE + "api/service.py",
            "except Exception as error:",
            "except AssertionError as error:",
            (IN_HTTP + "test_an_unexpected_error_is_reported_without_its_text",),
        ),
        Guard(
            "messages are withheld when reconciling",
            "a refusal that quotes a token is logged by a function that does not know the token",
            CORE + "reconcile/service.py",
            "        upstream.redactor.silence()\n",
            "",
            (
                "tests/integration/test_secret_everywhere.py::test_no_secret_leaves_the_process_except_to_where_it_belongs[with_a_token_that_adobe_rejects]",
            ),
        ),
        Guard(
            "drift is announced without secrets",
            "a token that someone pasted into a name is announced",
            CORE + "reconcile/drift.py",
            "redactor.printable(self.shown, MAX_SHOWN)",
            "self.shown",
            ("tests/integration/test_reconcile.py::test_values_from_adobe_are_redacted_before_they_are_announced",),
        ),
    ),
)
