"""The local stack reads templates as CloudFormation does, and refuses what it does not support."""

from __future__ import annotations

import pytest

from local.aws.account import Aws, Resources
from local.aws.template import Template


def test_an_unsupported_resource_type_is_an_error(aws: Aws) -> None:
    template = Template({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}, {})

    with pytest.raises(ValueError, match="cannot make AWS::SNS::Topic"):
        Resources(aws, template).make()


def test_an_unknown_intrinsic_function_is_refused() -> None:
    template = Template({"Resources": {}}, {})

    with pytest.raises(ValueError, match="Fn::Cidr"):
        template.resolve({"Fn::Cidr": []}, lambda name, attribute: "")


def test_parameters_without_a_default_are_required_and_unknown_ones_are_refused() -> None:
    document = {"Parameters": {"A": {"Type": "String"}}, "Resources": {}}

    with pytest.raises(ValueError, match="no default: A"):
        Template(document, {})
    with pytest.raises(ValueError, match="no parameter B"):
        Template(document, {"A": "1", "B": "2"})


def test_a_condition_on_a_resource_is_refused_as_cloudformation_does() -> None:
    document = {"Resources": {"Queue": {}}, "Conditions": {"Odd": {"Fn::Equals": [{"Ref": "Queue"}, ""]}}}

    with pytest.raises(ValueError, match="cannot use the resource Queue"):
        Template(document, {}).holds("Odd")
