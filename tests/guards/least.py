"""What keeps invariant 7, Least; beside this, every test fails if the service calls what its role does not allow."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

IN_ROLES, IN_REQUESTS = "tests/template/test_roles.py::", "tests/template/test_requests_in.py::"
IN_PROVISIONING = "tests/integration/test_provisioning.py::"
SECRETS = (
    IN_ROLES
    + "test_secrets_are_read_by_the_adobe_arn_or_below_the_prefix_and_only_the_current_version[defaults-ProvisionRole]"
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
    "      RouteKey: $default # so that the function says what is wrong with a path or a method\n"
    "      Target: !Sub 'integrations/${ApiIntegration}'\n"
    "      AuthorizationType: "
)
SEND_ONLY = "test_only_our_rule_may_send_to_the_queues_and_nobody_without_tls[defaults]"

INVARIANT = Invariant(
    7,
    "Least",
    "Each function's role allows what it calls and nothing more; a test compares recorded calls with the template's "
    "policies in both directions.",
    (
        Guard(
            "nothing is allowed that is not called",
            "the function may empty its registry",
            TEMPLATE,
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query']",
            "Action: ['dynamodb:UpdateItem', 'dynamodb:Query', 'dynamodb:DeleteItem']",
            (
                IN_ROLES + "test_the_role_allows_nothing_that_the_function_does_not_need",
                IN_ROLES + "test_what_the_role_allows_in_one_look",
            ),
        ),
        Guard(
            "nothing is called that is not allowed",
            "in AWS the function is refused what it does in every test",
            TEMPLATE,
            "Action: ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter']",
            "Action: ['ssm:GetParameter', 'ssm:PutParameter']",
            (IN_PROVISIONING + "test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key",),
        ),
        Guard(
            "secrets are read in their current version",
            "in AWS each read of a secret is refused, since the role allows the current version only",
            CORE + "aws/secrets.py",
            ", VersionStage=stage)",
            ")",
            (IN_PROVISIONING + "test_a_first_request_creates_tests_publishes_and_announces",),
        ),
        Guard(
            "Adobe's secret in its current version only",
            "the function may read every version of Adobe's secret",
            TEMPLATE,
            ADOBE_SECRET + CURRENT,
            ADOBE_SECRET,
            (SECRETS,),
        ),
        Guard(
            "Databricks secrets below the prefix only",
            "the function may read every secret of the account",
            TEMPLATE,
            DATABRICKS_SECRETS + "${Names}*'\n",
            DATABRICKS_SECRETS + "*'\n",
            (SECRETS, IN_ROLES + "test_what_the_role_allows_in_one_look"),
            also=(3,),
        ),
        Guard(
            "secrets' key for these secrets only",
            "the function may decrypt whatever that key encrypts",
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
            "registry's key through DynamoDB only",
            "the function may decrypt whatever that key encrypts",
            TEMPLATE,
            "                  Condition: {StringEquals: {'kms:ViaService': !Sub "
            "'dynamodb.${AWS::Region}.${AWS::URLSuffix}'}}\n"
            "                - !Ref AWS::NoValue\n" + PARAMETERS,
            "                - !Ref AWS::NoValue\n" + PARAMETERS,
            (IN_ROLES + "test_the_key_of_the_registry_is_used_through_dynamodb_only[ProvisionRole]",),
        ),
        Guard(
            "no secret for the HTTP API",
            "whoever breaks into the function that the world talks to reads the secrets",
            TEMPLATE,
            "Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan']",
            "Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan', 'secretsmanager:GetSecretValue']",
            (
                IN_ROLES + "test_the_api_function_may_read_no_secret[defaults]",
                IN_ROLES + "test_what_the_role_of_the_api_allows_in_one_look",
            ),
            also=(3,),
        ),
        Guard(
            "HTTP API notes requests only",
            "the function that the world talks to may change which connection a key has",
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
            "callers of the HTTP API are known",
            "anybody may ask for connections and delete them",
            TEMPLATE,
            OTHER_ROUTE + "!If [TakesTokens, JWT, AWS_IAM]",
            OTHER_ROUTE + "NONE",
            (
                IN_HTTP_API + "test_every_route_takes_signed_calls_only_unless_tokens_are_taken[defaults]",
                IN_HTTP_API + "test_every_route_takes_signed_calls_only_unless_tokens_are_taken[everything given]",
            ),
        ),
        Guard(
            "our HTTP API only invokes",
            "every HTTP API, whoever owns it, may invoke the function",
            TEMPLATE,
            "      SourceArn: !Sub 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*'\n",
            "",
            (IN_HTTP_API + "test_this_api_and_nobody_else_may_invoke_the_function[defaults]",),
        ),
        Guard(
            "parameters below the prefix only",
            "the function may overwrite every parameter of the account",
            TEMPLATE,
            BELOW_THE_PREFIX,
            BELOW_THE_PREFIX.replace("${ParameterPrefix}", ""),
            (IN_ROLES + "test_what_the_role_allows_in_one_look",),
            also=(9,),
        ),
        Guard(
            "announces only as itself",
            "the function may ask for connections in the name of others",
            TEMPLATE,
            "                    'events:source': aep.connections\n"
            "                    'events:detail-type':\n"
            "                      - AEP Base Connection Ready\n",
            "                    'events:detail-type':\n                      - AEP Base Connection Ready\n",
            (IN_ROLES + "test_the_function_announces_only_what_the_contract_names[defaults]",),
        ),
        Guard(
            "role is the function's",
            "another service takes the role, and reads the secrets",
            TEMPLATE,
            "Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]\n"
            "      Policies:\n"
            "        - PolicyName: provision\n",
            "Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]\n"
            "      Policies:\n"
            "        - PolicyName: provision\n",
            (IN_ROLES + "test_only_its_own_service_takes_a_role[defaults]",),
        ),
        Guard(
            "scheduler's role for this account only",
            "another account's schedules take the role",
            TEMPLATE,
            SCHEDULERS,
            SCHEDULERS.replace(OF_THIS_ACCOUNT, ""),
            (IN_ROLES + "test_only_its_own_service_takes_a_role[everything given]",),
        ),
        Guard(
            "only our rule sends",
            "every rule of the account may send to the queue",
            TEMPLATE,
            ":rule/${BusPath}${AWS::StackName}-requests'",
            ":rule/*'",
            (IN_REQUESTS + SEND_ONLY,),
        ),
        Guard(
            "queues by TLS only",
            "requests travel in the clear",
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
