"""The HTTP API: who may call what, how often, and what is logged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from aep_connections.api.routes import ROUTES
from local.aws.template import Template, translated
from local.stack import ROOT
from tests.support.templates import ARN, BARE, BOTH, FULL, OPTIONS, of_type

KEY = "/connections/{sandbox}/{name}"
DEFAULT = "$default"
"""The route for all other calls, so that the function can report a wrong path or method."""
WAITING = {"POST /connections", f"PUT {KEY}", f"DELETE {KEY}"}


def only(template: Template, kind: str) -> dict[str, Any]:
    ((_, properties),) = of_type(template, f"AWS::ApiGatewayV2::{kind}").items()
    return properties


@BOTH
def test_there_is_one_http_api_named_like_the_stack(template: Template) -> None:
    api = only(template, "Api")

    assert (api["Name"], api["ProtocolType"]) == ("local", "HTTP")
    assert "CorsConfiguration" not in api
    assert api["Tags"] == {"application": "aep-databricks-connections"}


@BOTH
def test_the_template_has_the_routes_of_the_code_and_no_other_and_each_leads_to_the_function(
    template: Template,
) -> None:
    routes, integration = of_type(template, "AWS::ApiGatewayV2::Route").values(), only(template, "Integration")

    assert sorted(route["RouteKey"] for route in routes) == sorted([*ROUTES, DEFAULT])
    assert {(route["ApiId"], route["Target"]) for route in routes} == {("Api", "integrations/ApiIntegration")}
    assert integration == {
        "ApiId": "Api",
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": "ApiFunction.Arn",
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": 30_000,
    }


@BOTH
def test_the_function_times_out_before_the_api_does(template: Template) -> None:
    functions = of_type(template, "AWS::Lambda::Function")

    api_seconds = only(template, "Integration")["TimeoutInMillis"] / 1000
    assert functions["ExploreFunction"]["Timeout"] < functions["ApiFunction"]["Timeout"] < api_seconds


@BOTH
def test_every_route_requires_signed_calls_or_the_configured_tokens(template: Template) -> None:
    wanted: dict[str, Any] = {"AuthorizationType": "AWS_IAM"}
    if template is FULL:
        wanted = {
            "AuthorizationType": "JWT", "AuthorizerId": "ApiAuthorizer", "AuthorizationScopes": ["connections/use"],
        }  # fmt: skip

    for route in of_type(template, "AWS::ApiGatewayV2::Route").values():
        assert {name: route[name] for name in route if name.startswith("Auth")} == wanted, route["RouteKey"]


def test_tokens_must_have_the_given_issuer_and_audience() -> None:
    assert only(FULL, "Authorizer") == {
        "ApiId": "Api",
        "Name": "local",
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": OPTIONS["ApiJwtIssuer"], "Audience": ["connections", "console"]},
    }
    assert of_type(BARE, "AWS::ApiGatewayV2::Authorizer") == {}


@pytest.mark.parametrize("given", [{"ApiJwtAudience": "a"}, {"ApiJwtScope": "s"}], ids=["audience", "scope"])
def test_without_an_issuer_calls_stay_signed(given: dict[str, str]) -> None:
    template = Template.load({"AdobeSecretArn": ARN, **given})

    routes = of_type(template, "AWS::ApiGatewayV2::Route").values()
    assert {route["AuthorizationType"] for route in routes} == {"AWS_IAM"}
    assert not any("AuthorizationScopes" in route for route in routes)


def test_incomplete_token_settings_are_refused_before_anything_is_created() -> None:
    rules = translated()["Rules"]
    empty = {name: {"Fn::Equals": [{"Ref": f"ApiJwt{name}"}, ""]} for name in ("Issuer", "Audience", "Scope")}

    assert rules["JwtHasAudience"]["RuleCondition"] == {"Fn::Not": [empty["Issuer"]]}
    assert [one["Assert"] for one in rules["JwtHasAudience"]["Assertions"]] == [{"Fn::Not": [empty["Audience"]]}]
    assert rules["JwtHasIssuer"]["RuleCondition"] == {"Fn::Not": [{"Fn::And": [empty["Audience"], empty["Scope"]]}]}
    assert [one["Assert"] for one in rules["JwtHasIssuer"]["Assertions"]] == [{"Fn::Not": [empty["Issuer"]]}]


@BOTH
def test_only_this_api_may_invoke_the_function(template: Template) -> None:
    permissions = of_type(template, "AWS::Lambda::Permission")

    assert [name for name, one in permissions.items() if one["FunctionName"] == "ApiFunction"] == ["ApiPermission"]
    assert permissions["ApiPermission"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "ApiFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:Api/*",
    }


@BOTH
def test_the_stage_deploys_automatically(template: Template) -> None:
    stage = only(template, "Stage")

    assert (stage["ApiId"], stage["StageName"], stage["AutoDeploy"]) == ("Api", "$default", True)


@BOTH
def test_routes_whose_caller_may_wait_are_throttled_more_than_the_others(template: Template) -> None:
    stage = only(template, "Stage")
    default, settings = stage["DefaultRouteSettings"], stage["RouteSettings"]

    assert limits(default) == ((20, 40) if template is BARE else (100, 40))
    assert set(settings) == WAITING
    assert {limits(of_route) for of_route in settings.values()} == {(5, 10)}
    assert all(isinstance(number, int) for of_route in settings.values() for number in of_route.values())


@BOTH
def test_every_route_has_metrics_of_its_own(template: Template) -> None:
    stage = only(template, "Stage")

    for settings in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        assert settings["DetailedMetricsEnabled"] is True
        assert set(settings) == {"DetailedMetricsEnabled", "ThrottlingRateLimit", "ThrottlingBurstLimit"}


def limits(settings: dict[str, Any]) -> tuple[int, int]:
    return int(settings["ThrottlingRateLimit"]), int(settings["ThrottlingBurstLimit"])


@BOTH
def test_the_stage_is_created_after_the_routes_that_it_names(template: Template) -> None:
    routes = {name: route["RouteKey"] for name, route in of_type(template, "AWS::ApiGatewayV2::Route").items()}

    assert {routes[name] for name in template.resources()["ApiStage"]["DependsOn"]} == WAITING


@BOTH
def test_a_call_is_logged_on_one_line_of_json_without_headers_and_query(template: Template) -> None:
    settings = only(template, "Stage")["AccessLogSettings"]
    written: dict[str, str] = json.loads(settings["Format"])

    assert settings["DestinationArn"] == "ApiAccessLogs.Arn"
    assert "\n" not in settings["Format"]
    assert set(written) == {
        "requestId", "time", "ip", "caller", "subject", "method", "path", "routeKey", "status", "responseLength",
        "integrationError", "integrationLatency", "responseLatency",
    }  # fmt: skip
    assert all(value.startswith("$context.") for value in written.values())
    assert not any(word in settings["Format"].lower() for word in ("header", "query", "useragent", "token", "body"))


def test_the_runbooks_query_uses_fields_of_a_calls_log_line() -> None:
    written = json.loads(only(BARE, "Stage")["AccessLogSettings"]["Format"])
    runbook = (ROOT / "docs/runbook.md").read_text()
    (query,) = re.findall(r"\$\(out ApiAccessLogGroup\).*?--query-string '(.+?)'", runbook, re.DOTALL)

    (fields,) = re.findall(r"fields ([^|]+)", query)
    assert query.startswith("filter status >= 500 |")
    assert {name.strip() for name in fields.split(",")} - {"@timestamp"} <= set(written)


@BOTH
def test_access_logs_are_kept_as_long_as_other_logs(template: Template) -> None:
    assert of_type(template, "AWS::Logs::LogGroup")["ApiAccessLogs"]["RetentionInDays"] == "90"
