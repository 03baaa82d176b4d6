"""What keeps invariant 7, Least; beside this, every test fails if the service calls what its role does not allow."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

IN_ROLES, IN_REQUESTS = "tests/template/test_roles.py::", "tests/template/test_requests_in.py::"
IN_PROVISIONING = "tests/integration/test_provisioning.py::"
SECRETS = IN_ROLES + "test_secrets_are_read_by_the_adobe_arn_or_below_the_prefix_and_only_the_current_version[defaults]"
CURRENT = "Condition: {StringEquals: {'secretsmanager:VersionStage': AWSCURRENT}}\n"
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
            ', VersionStage="AWSCURRENT")',
            ")",
            (IN_PROVISIONING + "test_a_first_request_creates_tests_publishes_and_announces",),
        ),
        Guard(
            "Adobe's secret in its current version only",
            "the function may read every version of Adobe's secret",
            TEMPLATE,
            "                Resource: !Ref AdobeSecretArn\n                " + CURRENT,
            "                Resource: !Ref AdobeSecretArn\n",
            (SECRETS,),
            part="  ProvisionRole:\n",
        ),
        Guard(
            "Databricks secrets below the prefix only",
            "the function may read every secret of the account",
            TEMPLATE,
            "                Action: 'secretsmanager:GetSecretValue'\n"
            "                Resource: !Sub\n"
            "                  - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
            "${Names}*'\n",
            "                Action: 'secretsmanager:GetSecretValue'\n"
            "                Resource: !Sub\n"
            "                  - 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*'\n",
            (SECRETS, IN_ROLES + "test_what_the_role_allows_in_one_look"),
            also=(3,),
            part="  ProvisionRole:\n",
        ),
        Guard(
            "secrets' key for these secrets only",
            "the function may decrypt whatever that key encrypts",
            TEMPLATE,
            "                    StringEquals: {'kms:ViaService': !Sub "
            "'secretsmanager.${AWS::Region}.${AWS::URLSuffix}'}\n",
            "",
            (IN_ROLES + "test_the_secrets_key_decrypts_these_secrets_for_secrets_manager_and_nothing_else",),
            also=(3,),
            part="  ProvisionRole:\n",
        ),
        Guard(
            "registry's key through DynamoDB only",
            "the function may decrypt whatever that key encrypts",
            TEMPLATE,
            "                  Condition: {StringEquals: {'kms:ViaService': !Sub "
            "'dynamodb.${AWS::Region}.${AWS::URLSuffix}'}}\n",
            "",
            (IN_ROLES + "test_the_key_of_the_registry_is_used_through_dynamodb_only",),
            part="  ProvisionRole:\n",
        ),
        Guard(
            "parameters below the prefix only",
            "the function may overwrite every parameter of the account",
            TEMPLATE,
            ":parameter${ParameterPrefix}/*'",
            ":parameter/*'",
            (IN_ROLES + "test_what_the_role_allows_in_one_look",),
            also=(9,),
        ),
        Guard(
            "announces only as itself",
            "the function may ask for connections in the name of others",
            TEMPLATE,
            "                    'events:source': aep.connections\n",
            "",
            (IN_ROLES + "test_the_function_announces_only_what_the_contract_names[defaults]",),
        ),
        Guard(
            "role is the function's",
            "another service takes the role, and reads the secrets",
            TEMPLATE,
            "Principal: {Service: lambda.amazonaws.com}",
            "Principal: {Service: ec2.amazonaws.com}",
            (IN_ROLES + "test_only_its_own_service_takes_a_role[defaults]",),
            part="  ProvisionRole:\n",
        ),
        Guard(
            "scheduler's role for this account only",
            "another account's schedules take the role",
            TEMPLATE,
            "            Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}\n",
            "",
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
