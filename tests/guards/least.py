"""The guards of invariant 7, Least. In addition, a test fails if the service makes a call that its role denies."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

IN_ROLES, IN_REQUESTS = "tests/template/test_roles.py::", "tests/template/test_requests_in.py::"
IN_PROVISIONING = "tests/integration/test_provisioning.py::"
SECRETS = (
    IN_ROLES + "test_only_current_versions_of_the_adobe_secret_or_below_the_prefix_are_readable[defaults-ProvisionRole]"
)
ADOBE_SECRET = (
    "                Resource: !GetAtt DeadLetters.Arn\n"
    "              - Sid: AdobeSecret\n"
    "                Effect: Allow\n"
    "                Action: 'secretsmanager:GetSecretValue'\n"
    "                Resource: !Ref AdobeSecretArn\n"
)
CURRENT = "                Condition: {StringEquals: {'secretsmanager:VersionStage': AWSCURRENT}}\n"
DATABRICKS_SECRETS = (
    f"{ADOBE_SECRET}{CURRENT}"
    "              - Sid: DatabricksSecrets\n"
    "                Effect: Allow\n"
    "                Action: 'secretsmanager:GetSecretValue'\n"
    "                Resource: !Sub\n"
    "                  - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
)
THESE_SECRETS = (
    "                    StringLike:\n"
    "                      'kms:EncryptionContext:SecretARN':\n"
    "                        - !Ref AdobeSecretArn\n"
    "                        - !Sub\n"
    "                          - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${Names}*'\n"
    "                          - {Names: !Join ['*', !Split ['{sandbox}', !Ref DatabricksSecretPrefix]]}\n"
    "                - !Ref AWS::NoValue\n"
    "              - Sid: Keys\n"
)
PARAMETERS = (
    "              - Sid: ConnectionIds\n"
    "                Effect: Allow\n"
    "                Action: ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter']\n"
)
BELOW_THE_PREFIX = (
    f"{PARAMETERS}"
    "                Resource: !Sub 'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
    ":parameter${ParameterPrefix}/*'\n"
)
OF_THIS_ACCOUNT = "            Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}\n"
SCHEDULERS = f"{OF_THIS_ACCOUNT}      Policies:\n        - PolicyName: send\n"
IN_HTTP_API = "tests/template/test_http_api.py::"
OTHER_ROUTE = (
    "      RouteKey: $default # the function reports what is wrong with a path or a method\n"
    "      Target: !Sub 'integrations/${ApiIntegration}'\n"
    "      AuthorizationType: "
)
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
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query']",
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query', 'dynamodb:DeleteItem']",
            (
                IN_ROLES + "test_the_role_allows_nothing_that_the_function_does_not_need",
                IN_ROLES + "test_everything_that_the_role_allows",
            ),
        ),
        Guard(
            "the role allows everything that is called",
            "in AWS, a call that succeeds in every test is denied",
            TEMPLATE,
            "Action: ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter']",
            "Action: ['ssm:GetParameter', 'ssm:PutParameter']",
            (IN_PROVISIONING + "test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key",),
        ),
        Guard(
            "the current version of a secret is requested",
            "in AWS, every read of a secret is denied, since the role allows the current version only",
            CORE + "aws/secrets.py",
            ", VersionStage=stage)",
            ")",
            (IN_PROVISIONING + "test_a_first_request_creates_tests_publishes_and_announces",),
        ),
        Guard(
            "only the current version of Adobe's secret",
            "the function may read every version of Adobe's secret",
            TEMPLATE,
            ADOBE_SECRET + CURRENT,
            ADOBE_SECRET,
            (SECRETS,),
        ),
        Guard(
            "only Databricks secrets below the prefix",
            "the function may read every secret of the account",
            TEMPLATE,
            DATABRICKS_SECRETS + "${Names}*'\n",
            DATABRICKS_SECRETS + "*'\n",
            (SECRETS, IN_ROLES + "test_everything_that_the_role_allows"),
            also=(3,),
        ),
        Guard(
            "the secrets' KMS key for these secrets only",
            "the function may decrypt anything that this key encrypts",
            TEMPLATE,
            "                    StringEquals: {'kms:ViaService': !Sub "
            "'secretsmanager.${AWS::Region}.${AWS::URLSuffix}'}\n" + THESE_SECRETS,
            THESE_SECRETS,
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
            "                  Condition: {StringEquals: {'kms:ViaService': !Sub "
            "'dynamodb.${AWS::Region}.${AWS::URLSuffix}'}}\n"
            "                - !Ref AWS::NoValue\n" + PARAMETERS,
            "                - !Ref AWS::NoValue\n" + PARAMETERS,
            (IN_ROLES + "test_the_key_of_the_registry_is_used_through_dynamodb_only[ProvisionRole]",),
        ),
        Guard(
            "the HTTP API's function reads no secret",
            "anyone who breaks into the function behind the HTTP API can read the secrets",
            TEMPLATE,
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
            "                Condition:\n"
            "                  'ForAllValues:StringEquals':\n"
            "                    'dynamodb:Attributes': [sandbox, name, order, noted, expiresAt]\n",
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
            OTHER_ROUTE + "!If [AcceptsTokens, JWT, AWS_IAM]",
            OTHER_ROUTE + "NONE",
            (
                IN_HTTP_API + "test_every_route_requires_signed_calls_or_the_configured_tokens[defaults]",
                IN_HTTP_API + "test_every_route_requires_signed_calls_or_the_configured_tokens[everything given]",
            ),
        ),
        Guard(
            "only our HTTP API invokes the function",
            "any HTTP API, of any owner, may invoke the function",
            TEMPLATE,
            "      SourceArn: !Sub 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*'\n",
            "",
            (IN_HTTP_API + "test_only_this_api_may_invoke_the_function[defaults]",),
        ),
        Guard(
            "only parameters below the prefix",
            "the function may overwrite every parameter of the account",
            TEMPLATE,
            BELOW_THE_PREFIX,
            BELOW_THE_PREFIX.replace("${ParameterPrefix}", ""),
            (IN_ROLES + "test_everything_that_the_role_allows",),
            also=(9,),
        ),
        Guard(
            "events only under its own source",
            "the function may send requests for connections in the name of other systems",
            TEMPLATE,
            "                    'events:source': aep.connections\n"
            "                    'events:detail-type':\n"
            "                      - AEP Base Connection Ready\n",
            "                    'events:detail-type':\n                      - AEP Base Connection Ready\n",
            (IN_ROLES + "test_the_function_announces_only_what_the_contract_names[defaults]",),
        ),
        Guard(
            "only Lambda assumes the function's role",
            "another service can assume the role and read the secrets",
            TEMPLATE,
            "Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]\n"
            "      Policies:\n"
            "        - PolicyName: provision\n",
            "Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]\n"
            "      Policies:\n"
            "        - PolicyName: provision\n",
            (IN_ROLES + "test_only_its_own_service_may_assume_a_role[defaults]",),
        ),
        Guard(
            "scheduler's role for this account only",
            "another account's schedules can assume the role",
            TEMPLATE,
            SCHEDULERS,
            SCHEDULERS.replace(OF_THIS_ACCOUNT, ""),
            (IN_ROLES + "test_only_its_own_service_may_assume_a_role[everything given]",),
        ),
        Guard(
            "only our rule sends to the queue",
            "every rule of the account may send to the queue",
            TEMPLATE,
            ":rule/${BusPath}${AWS::StackName}-requests'",
            ":rule/*'",
            (IN_REQUESTS + SEND_ONLY,),
        ),
        Guard(
            "queues over TLS only",
            "requests travel unencrypted",
            TEMPLATE,
            "          - Sid: OnlyTls\n"
            "            Effect: Deny\n"
            "            Principal: '*'\n"
            "            Action: sqs:*\n"
            "            Resource: [!GetAtt Requests.Arn, !GetAtt DeadLetters.Arn]\n"
            "            Condition: {Bool: {'aws:SecureTransport': 'false'}}\n",
            "",
            (IN_REQUESTS + SEND_ONLY,),
            also=(3,),
        ),
    ),
)
