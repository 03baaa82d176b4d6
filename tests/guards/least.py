"""The guards of invariant 7, Least. In addition, a test fails if the service makes a call that its role denies."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

IN_ROLES, IN_REQUESTS = "tests/template/test_roles.py::", "tests/template/test_requests_in.py::"
IN_PROVISIONING = "tests/provision/test_provisioning.py::"
SECRETS = (
    IN_ROLES + "test_only_current_versions_of_the_adobe_secret_or_below_the_prefix_are_readable[defaults-ProvisionRole]"
)
IN_HTTP_API = "tests/template/test_http_api.py::"
SEND_ONLY = "test_only_our_rule_may_send_to_the_queues_and_only_over_tls[defaults]"

INVARIANT = Invariant(
    7,
    "Least",
    "Each function's role allows what the function calls, and nothing more. Tests compare the recorded calls with the "
    "template's policies in both directions.",
    (
        Guard(
            "the role allows only what is called",
            "the function may delete items of its registry",
            TEMPLATE,
            "ProvisionRole",
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query']",
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query', 'dynamodb:DeleteItem']",
            (
                "tests/template/test_roles.py::"
                "test_a_role_allows_nothing_that_its_function_does_not_need[ProvisionRole]",
                "tests/template/test_roles.py::test_everything_that_the_role_allows",
            ),
        ),
        Guard(
            "the role allows everything that is called",
            "in AWS, a call that succeeds in every test is denied",
            TEMPLATE,
            "ProvisionRole",
            "Action: ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter']",
            "Action: ['ssm:GetParameter', 'ssm:PutParameter']",
            ("tests/template/test_roles.py::test_a_role_allows_every_call_of_its_function[ProvisionRole]",),
        ),
        Guard(
            "the current version of a secret is requested",
            "in AWS, every read of a secret is denied, since the role allows the current version only",
            CORE + "aws/secrets.py",
            "Secrets.read",
            "attempt(operation, SecretId=secret_id, VersionStage=stage)",
            "attempt(operation, SecretId=secret_id)",
            (
                "tests/adapters/test_secrets.py::test_the_current_version_of_a_secret_is_read[adapter]",
                "tests/adapters/test_secrets.py::test_the_former_version_is_the_one_before_the_current_one[adapter]",
            ),
        ),
        Guard(
            "only the current version of Adobe's secret",
            "the function may read every version of Adobe's secret",
            TEMPLATE,
            "ProvisionRole",
            "Condition: {StringEquals: {'secretsmanager:VersionStage': AWSCURRENT}}",
            "",
            (SECRETS,),
        ),
        Guard(
            "only Databricks secrets below the prefix",
            "the function may read every secret of the account",
            TEMPLATE,
            "ProvisionRole",
            "Resource: !Sub\n"
            "  - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Names}*'",
            "Resource: !Sub\n  - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*'",
            (SECRETS, IN_ROLES + "test_everything_that_the_role_allows"),
            also=(3,),
        ),
        Guard(
            "the secrets' KMS key for these secrets only",
            "the function may decrypt anything that this key encrypts",
            TEMPLATE,
            "ProvisionRole",
            "StringEquals: {'kms:ViaService': !Sub 'secretsmanager.${AWS::Region}.${AWS::URLSuffix}'}",
            "",
            (
                IN_ROLES + "test_the_secrets_key_decrypts_these_secrets_for_secrets_manager_and_nothing_else"
                "[ProvisionRole]",
            ),
            also=(3,),
        ),
        Guard(
            "the registry's KMS key through DynamoDB only",
            "the function may decrypt anything that this key encrypts",
            TEMPLATE,
            "ProvisionRole",
            "Condition: {StringEquals: {'kms:ViaService': !Sub 'dynamodb.${AWS::Region}.${AWS::URLSuffix}'}}",
            "",
            (IN_ROLES + "test_the_key_of_the_registry_is_used_through_dynamodb_only[ProvisionRole]",),
        ),
        Guard(
            "the HTTP API's function reads no secret",
            "anyone who breaks into the function behind the HTTP API can read the secrets",
            TEMPLATE,
            "ApiRole",
            "Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan']",
            "Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan', 'secretsmanager:GetSecretValue']",
            (
                IN_ROLES + "test_the_api_function_may_read_no_secret[defaults]",
                IN_ROLES + "test_everything_that_the_role_of_the_api_allows",
            ),
            also=(3,),
        ),
        Guard(
            "the HTTP API's function only notes requests",
            "the function behind the HTTP API may change which connection a key has",
            TEMPLATE,
            "ApiRole",
            "Condition:\n"
            "  'ForAllValues:StringEquals':\n"
            "    'dynamodb:Attributes': [sandbox, name, order, noted, expiresAt]",
            "",
            (
                IN_ROLES
                + "test_the_api_function_notes_requests_in_the_registry_and_changes_nothing_else_there[defaults]",
            ),
        ),
        Guard(
            "callers of the HTTP API are authenticated",
            "anyone may request connections and delete them",
            TEMPLATE,
            "OtherRoute",
            "AuthorizationType: !If [AcceptsTokens, JWT, AWS_IAM]",
            "AuthorizationType: NONE",
            (
                IN_HTTP_API + "test_every_route_requires_signed_calls_or_the_configured_tokens[defaults]",
                IN_HTTP_API + "test_every_route_requires_signed_calls_or_the_configured_tokens[everything given]",
            ),
        ),
        Guard(
            "only our HTTP API invokes the function",
            "any HTTP API, of any owner, may invoke the function",
            TEMPLATE,
            "ApiPermission",
            "SourceArn: !Sub 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*'",
            "",
            (IN_HTTP_API + "test_only_this_api_may_invoke_the_function[defaults]",),
        ),
        Guard(
            "only parameters below the prefix",
            "the function may overwrite every parameter of the account",
            TEMPLATE,
            "ProvisionRole",
            "Resource: !Sub 'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${ParameterPrefix}/*'",
            "Resource: !Sub 'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/*'",
            (IN_ROLES + "test_everything_that_the_role_allows",),
            also=(9,),
        ),
        Guard(
            "events only under its own source",
            "the function may send requests for connections in the name of other systems",
            TEMPLATE,
            "ProvisionRole",
            "'events:source': aep.connections",
            "",
            (IN_ROLES + "test_the_function_announces_only_what_the_contract_names[defaults]",),
        ),
        Guard(
            "only Lambda assumes the function's role",
            "another service can assume the role and read the secrets",
            TEMPLATE,
            "ProvisionRole",
            "Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]",
            "Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]",
            (IN_ROLES + "test_only_its_own_service_may_assume_a_role[defaults]",),
        ),
        Guard(
            "scheduler's role for this account only",
            "another account's schedules can assume the role",
            TEMPLATE,
            "ScheduleRole",
            "Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}",
            "",
            (IN_ROLES + "test_only_its_own_service_may_assume_a_role[everything given]",),
        ),
        Guard(
            "only our rule sends to the queue",
            "every rule of the account may send to the queue",
            TEMPLATE,
            "QueuePolicy",
            "- 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/"
            "${BusPath}${AWS::StackName}-requests'",
            "- 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/*'",
            (IN_REQUESTS + SEND_ONLY,),
        ),
        Guard(
            "queues over TLS only",
            "requests travel unencrypted",
            TEMPLATE,
            "QueuePolicy",
            "- Sid: OnlyTls\n"
            "  Effect: Deny\n"
            "  Principal: '*'\n"
            "  Action: sqs:*\n"
            "  Resource: [!GetAtt Requests.Arn, !GetAtt DeadLetters.Arn]\n"
            "  Condition: {Bool: {'aws:SecureTransport': 'false'}}",
            "",
            (IN_REQUESTS + SEND_ONLY,),
            also=(3,),
        ),
    ),
)
