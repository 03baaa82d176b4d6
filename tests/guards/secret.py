"""What keeps invariant 3, Secret."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

FLOW_SERVICE, IMS, TRANSPORT, WIRE = (
    CORE + f"{name}.py" for name in ("adobe/flow_service", "adobe/ims", "http/transport", "adobe/wire")
)
MODEL, SECRECY, DATABRICKS = (
    CORE + name for name in ("domain/model.py", "domain/redaction.py", "sources/databricks/secret.py")
)
PROVISION, REQUEST = CORE + "provision/provision.py", CORE + "contract/request.py"
IN_SECRET, IN_BOUNDED, IN_TOKENS, IN_AUTHENTICATION, IN_PROVISIONING, IN_ENDINGS = (
    f"tests/integration/test_{name}.py::"
    for name in ("secret", "bounded", "tokens", "authentication", "provisioning", "endings")
)
IN_SECRECY, HOLDER = (
    "tests/unit/test_secrecy.py::",
    "tests/unit/test_secrecy.py::test_what_holds_a_secret_does_not_show_it",
)
UNREAD = IN_SECRET + "test_a_token_that_this_delivery_does_not_read_is_shown_nowhere_either"
RULE = "tests/unit/test_request.py::test_a_broken_rule_is_refused_by_its_field"
IN_REQUESTS = "tests/integration/test_requests.py::"
EVERYWHERE = "tests/integration/test_secret_everywhere.py::test_no_secret_leaves_the_process_but_to_where_it_belongs"
IN_HTTP = "tests/integration/test_http.py::"
IN_EXPLORING = "tests/integration/test_exploring.py::"

INVARIANT = Invariant(
    3,
    "Secret",
    "A secret's value goes from Secrets Manager to memory to Adobe or Databricks over verified TLS, and nowhere else: "
    "not to logs, errors (`repr`, `__cause__` and `__context__` included), events, metrics, the registry, SSM, queues "
    "or HTTP answers.",
    (
        Guard(
            "words of others are struck",
            "Adobe's refusal quotes the token into the log, the event and the registry",
            SECRECY,
            "redacted = self.redact(str(text))",
            "redacted = str(text)",
            (IN_SECRET + "test_what_databricks_says_through_adobe_is_shown_without_the_token_it_quotes",),
        ),
        Guard(
            "struck in each form",
            "a token that is echoed in base64 is shown",
            SECRECY,
            'return found | {form.replace("+", "-").replace("/", "_") for form in found}',
            "return found",
            (
                IN_SECRECY + "test_every_form_in_which_a_service_may_echo_a_secret_is_struck_whole"
                "[w5xtbGF1dCArLz9-PiInXGVuZD8-fg==]",
            ),
        ),
        Guard(
            "longest form first",
            "of a secret that contains another one the rest is shown",
            SECRECY,
            "sorted(self._forms, key=len, reverse=True)",
            "sorted(self._forms, key=len)",
            (IN_SECRECY + "test_a_secret_that_contains_another_is_struck_whole",),
        ),
        Guard(
            "struck before it is cut",
            "the first half of a secret at the end of a long text is shown",
            SECRECY,
            "redacted = self.redact(str(text))",
            "redacted = self.redact(str(text)[:limit])",
            (IN_SECRECY + "test_text_of_others_is_struck_before_it_is_cut_and_before_it_is_made_printable",),
        ),
        Guard(
            "token by its looks",
            "a token of an earlier version of the secret, which Adobe still holds, is shown",
            SECRECY,
            "return _TOKENS.sub(REDACTED, text)",
            "return text",
            (UNREAD + "[present-True]",),
        ),
        Guard(
            "Databricks token is remembered",
            "the token that was read is not known when Adobe quotes it",
            CORE + "provision/job.py",
            "            self.ports.redactor.remember(value)\n",
            "            self.ports.redactor.remember(value[:0])\n",
            (IN_SECRET + "test_what_databricks_says_through_adobe_is_shown_without_the_token_it_quotes",),
        ),
        Guard(
            "client secret is remembered",
            "the client secret is shown when IMS quotes it",
            IMS,
            "        self._upstream.redactor.remember(credentials.client_secret)\n",
            "",
            (IN_SECRET + "test_what_ims_says_is_shown_without_the_client_secret[body2]",),
        ),
        Guard(
            "Adobe's token is remembered",
            "the token of this invocation is shown when Adobe quotes it",
            IMS,
            "        upstream.redactor.remember(token.value)\n",
            "",
            (IN_TOKENS + "test_a_token_that_adobe_quotes_is_struck[first]",),
        ),
        Guard(
            "renewed token is remembered",
            "the second token of this invocation is shown when Adobe quotes it",
            IMS,
            "        upstream.redactor.remember(value)\n",
            "",
            (IN_TOKENS + "test_a_token_that_adobe_quotes_is_struck[renewed]",),
        ),
        Guard(
            "what Adobe shows of a secret is remembered",
            "a token that only Adobe still knows is shown when it quotes it",
            FLOW_SERVICE,
            "                self._upstream.redactor.remember(value)\n",
            "                continue\n",
            (UNREAD + "[present-False]",),
        ),
        Guard(
            "words are withheld where the token is not known",
            "absence reads no Databricks secret, and shows what Adobe quotes of it",
            CORE + "provision/retire.py",
            "    ports.redactor.silence()\n",
            "",
            (UNREAD + "[absent-False]",),
        ),
        Guard(
            "code of a refusal is a number",
            "a token that stands where the gateway's code should is shown",
            WIRE,
            'refusal.gateway_code if (refusal.gateway_code or "").isdigit() else None',
            "refusal.gateway_code",
            (UNREAD + "[absent-False]",),
        ),
        Guard(
            "request id is struck",
            "a secret that stands where the request id should is shown",
            WIRE,
            "return redactor.quote_id(refusal.request_id) if refusal.request_id else None",
            "return refusal.request_id",
            (IN_SECRET + "test_a_canary_is_seen_nowhere[3]",),
        ),
        Guard(
            "state is struck",
            "a secret that stands where the connection's state should is shown",
            CORE + "provision/find.py",
            "job.ports.redactor.printable(connection.state, 40)",
            "connection.state",
            (IN_SECRET + "test_a_state_that_adobe_gives_is_shown_without_a_secret",),
        ),
        Guard(
            "faults name fields, not values",
            "the refusal of a faulty secret shows it",
            DATABRICKS,
            'faults.append(Fault(field, f"in the secret {secret_name} {fault}"))',
            'faults.append(Fault(field, f"in the secret {secret_name} {value} {fault}"))',
            (IN_SECRET + "test_a_faulty_field_of_a_secret_is_named_without_its_value",),
        ),
        Guard(
            "unforeseen error without its text",
            "the text of an error that nobody foresaw, which may hold anything, is recorded and announced",
            CORE + "domain/errors.py",
            'f"Unexpected {type(error).__name__} at {place}.',
            'f"Unexpected {error!r} at {place}.',
            (
                IN_ENDINGS + "test_an_unforeseen_error_is_recorded_and_announced_without_its_text",
                IN_ENDINGS + "test_an_unforeseen_error_before_a_request_is_accepted_is_put_back_without_its_text",
            ),
        ),
        Guard(
            "a direct invoke forgets causes",
            "an error of a direct invoke brings along whatever led to it, a request for one",
            CORE + "provision/service.py",
            "raise forget_causes(processed.error",
            "raise (processed.error",
            ("tests/integration/test_exits.py::test_a_direct_invoke_raises_its_error_without_causes",),
        ),
        Guard(
            "reconciling forgets causes",
            "an error that stops reconciling brings along whatever led to it",
            CORE + "reconcile/service.py",
            "            raise forget_causes(error)",
            "            raise error",
            ("tests/integration/test_exits.py::test_reconciling_raises_what_stops_it_without_causes",),
        ),
        Guard(
            "transport's errors chain nothing",
            "an error holds the HTTP library's one, and with it the request and its token",
            TRANSPORT,
            "            problem = error\n",
            "            problem = error\n            raise _lost(call, _in_words(problem), sent=True) from None\n",
            (IN_BOUNDED + "test_an_error_of_the_transport_chains_nothing",),
        ),
        Guard(
            "transport's errors in our words",
            "the HTTP library's text, which may quote the request, is shown",
            TRANSPORT,
            'return "the connection broke."',
            "return str(error)",
            ("tests/unit/test_transport.py::test_an_error_of_the_http_library_is_told_without_its_text",),
        ),
        Guard(
            "parser's error is dropped",
            "an error quotes the secret's text",
            CORE + "aws/secrets.py",
            "    except (ValueError, RecursionError):\n        return None\n",
            "    except (ValueError, RecursionError):\n"
            '        raise SecretInvalid(f"The secret cannot be used: {text}.") from None\n',
            (IN_SECRET + "test_a_secret_that_is_no_json_object_is_refused_without_its_text[not json: canary-in-text]",),
        ),
        Guard(
            "`repr` of a secret",
            "a secret is shown by whatever shows its holder",
            MODEL,
            "    values: JsonObject = field(repr=False)",
            "    values: JsonObject",
            (HOLDER + "[Secret]",),
        ),
        Guard(
            "`repr` of params",
            "a token is shown by whatever shows the params",
            MODEL,
            "    secret: Mapping[str, str] = field(repr=False)",
            "    secret: Mapping[str, str]",
            (HOLDER + "[AuthParams]",),
        ),
        Guard(
            "`repr` of a connection",
            "a token that Adobe shows is shown by whatever shows the connection",
            MODEL,
            "    params: JsonObject = field(repr=False)",
            "    params: JsonObject",
            (HOLDER + "[Connection]",),
        ),
        Guard(
            "`repr` of a call",
            "a token is shown by whatever shows the call",
            TRANSPORT,
            "    headers: Mapping[str, str] = field(repr=False)\n    params",
            "    headers: Mapping[str, str]\n    params",
            (HOLDER + "[Call]",),
        ),
        Guard(
            "`repr` of a reply",
            "what Adobe shows of a secret is shown by whatever shows the reply",
            TRANSPORT,
            "    body: bytes = field(repr=False)\n",
            "    body: bytes\n",
            (HOLDER + "[Reply]",),
        ),
        Guard(
            "`repr` of a credential",
            "the client secret is shown by whatever shows the credential",
            IMS,
            "    client_secret: str = field(repr=False)",
            "    client_secret: str",
            (IN_AUTHENTICATION + "test_a_credential_shows_no_secret",),
        ),
        Guard(
            "`repr` of a token",
            "a token is shown by whatever shows where it is kept",
            IMS,
            "    value: str = field(repr=False)",
            "    value: str",
            (IN_TOKENS + "test_the_source_of_tokens_does_not_show_one",),
        ),
        Guard(
            "fingerprint without values",
            "the registry keeps a hash of the token",
            MODEL,
            "sorted(self.auth.public.items())",
            "sorted(self.auth.whole().items())",
            ("tests/unit/test_fingerprint.py::test_a_secrets_value_is_no_part_of_the_fingerprint",),
        ),
        Guard(
            "TLS is verified",
            "whoever stands in between reads the client secret",
            TRANSPORT,
            '        context = _trusting(os.environ.get("SSL_CERT_FILE") or None)\n',
            '        self.cert_verify = lambda connection, *_: setattr(connection, "cert_reqs", "CERT_NONE")\n'
            "        context = ssl._create_unverified_context()\n",
            (IN_BOUNDED + "test_tls_is_verified_and_one_more_ca_can_be_trusted",),
        ),
        Guard(
            "nothing from the environment",
            "a proxy, a CA or a password of the environment has its way with every call",
            TRANSPORT,
            "session.trust_env = False",
            "session.trust_env = True",
            (IN_BOUNDED + "test_a_proxy_or_netrc_of_the_environment_is_not_used",),
        ),
        Guard(
            "no redirects",
            "the token follows Adobe's answer to another host",
            TRANSPORT,
            "    session.get_redirect_target = lambda _: None  # type: ignore[method-assign,assignment]\n",
            "",
            (IN_BOUNDED + "test_a_redirect_is_not_followed",),
        ),
        Guard(
            "Adobe's URLs are https",
            "a deployment sends the client secret in the clear",
            CORE + "settings.py",
            'safe = parts.scheme == "https" or',
            'safe = parts.scheme in ("https", "http") or',
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[ADOBE_PLATFORM_URL-good2-bad2]",),
        ),
        Guard(
            "Databricks' words are struck",
            "what Databricks quotes of a token is recorded and announced",
            CORE + "sources/databricks/replies.py",
            "return redactor.quote(words) if words else",
            "return words if words else",
            ("tests/unit/test_databricks_wire.py::test_words_are_shown_without_a_secret_and_pages_not_at_all",),
        ),
        Guard(
            "Databricks' pages are not shown",
            "a page that is no answer of the API is recorded and announced",
            CORE + "sources/databricks/replies.py",
            'words = _words(known) or (reply.headers.get("x-databricks-reason-phrase") or "")',
            'words = _words(known) or reply.body.decode(errors="replace")',
            ("tests/unit/test_databricks_wire.py::test_words_are_shown_without_a_secret_and_pages_not_at_all",),
        ),
        Guard(
            "no cookies",
            "a workspace or Adobe remembers who asked before, and takes the next one for that",
            TRANSPORT,
            "    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # or a caller "
            "before would be remembered\n",
            "",
            (
                "tests/integration/test_transport.py::"
                "test_no_cookie_is_kept_so_that_nobody_asks_as_whoever_asked_before",
            ),
        ),
        Guard(
            "another host for Databricks is safe",
            "the token is sent in the clear to whatever host the environment names",
            CORE + "settings.py",
            "return _url(value) if value else None",
            "return None",
            ("tests/template/test_environment.py::test_each_variable_has_its_rule[DATABRICKS_URL-good4-bad4]",),
        ),
        Guard(
            "host rule",
            "Adobe is told to send the token to any host",
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
            "a host that only begins like a workspace gets the token",
            DATABRICKS,
            "match = _DOMAIN.fullmatch(text)",
            "match = _DOMAIN.match(text)",
            (
                "tests/unit/test_databricks_source.py::test_any_other_host_is_refused"
                "[https://adb-1234567890123456.16.azuredatabricks.net.evil.com]",
            ),
        ),
        Guard(
            "domain is the secret's",
            "a request sends the token of a secret to a workspace of its own",
            DATABRICKS,
            'overrides=("clusterId", "catalog", "database"),',
            'overrides=("clusterId", "catalog", "database", "domain"),',
            (RULE + "[domain-https://adb-1234567890123456.16.azuredatabricks.net]",),
        ),
        Guard(
            "secret prefix",
            "a request makes a connection with any secret that the role may read",
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
            "token that can be one",
            "a text that IMS sends in its place ends up in a header",
            IMS,
            "or not isinstance(value, str) or not _TOKEN.fullmatch(value):",
            "or not isinstance(value, str) or not value:",
            (
                IN_AUTHENTICATION + "test_what_is_no_token_is_not_taken_for_one"
                '[200-{"access_token": "two words", "expires_in": 1}-Unavailable]',
            ),
        ),
        Guard(
            "SDK's news are not logged",
            "with DEBUG as the log level the SDK writes the answers of Secrets Manager into the log",
            CORE + "observability.py",
            'logging.getLogger("botocore").setLevel(logging.WARNING)\n',
            "",
            ("tests/integration/test_observability.py::test_the_sdk_says_nothing_of_its_own",),
        ),
        Guard(
            "log line from an allow-list",
            "whatever a request holds is written into the log",
            CORE + "observability.py",
            '            "parked": processed.parked,\n',
            '            "parked": processed.parked,\n            "processed": repr(processed),\n',
            ("tests/integration/test_accounted.py::test_a_log_line_has_allow_listed_fields_only",),
        ),
        Guard(
            "words are withheld if the token is not known",
            "exploring without the Databricks secret tells whatever Adobe quotes",
            CORE + "explore/explore.py",
            "    ports.redactor.silence()\n",
            "",
            (IN_EXPLORING + "test_without_the_databricks_secret_adobes_words_are_withheld",),
        ),
        Guard(
            "what is explored is struck clean",
            "a table's name that quotes a secret is shown",
            CORE + "explore/explore.py",
            "name: value and redactor.redact(value)",
            "name: value",
            (EVERYWHERE + "[with_tables_that_quote_secrets]", EVERYWHERE + "[with_columns_that_quote_secrets]"),
        ),
        Guard(
            "what nobody foresaw is not told over HTTP",
            "the text of an error, which may hold anything, is an answer",
            CORE + "api/service.py",
            "except Exception as error:",
            "except AssertionError as error:",
            (IN_HTTP + "test_what_nobody_foresaw_is_told_without_its_text",),
        ),
        Guard(
            "what Adobe says to the fleet is withheld",
            "a refusal that quotes a token is logged by a function that does not know the token",
            CORE + "reconcile/service.py",
            "        upstream.redactor.silence()\n",
            "",
            (
                "tests/integration/test_secret_everywhere.py::test_no_secret_leaves_the_process_but_to_where_it_belongs[with_a_token_that_adobe_rejects]",
            ),
        ),
        Guard(
            "drift is told without secrets",
            "a token that somebody pasted into a name is announced",
            CORE + "reconcile/drift.py",
            "redactor.printable(self.shown, MAX_SHOWN)",
            "self.shown",
            ("tests/integration/test_reconcile.py::test_what_adobe_shows_is_struck_clean_before_it_is_announced",),
        ),
    ),
)
