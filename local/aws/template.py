"""Reads template.yaml as CloudFormation does: SAM's own translator expands it, and its parameters, conditions and
intrinsic functions are resolved. Makes no calls."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

PATH = Path(__file__).resolve().parent.parent.parent / "template.yaml"
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-west-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "local",
}
NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _short_form, _Loader)


CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
BUCKET = "local"
"""The bucket in which translated resources have their code; the key is the path in the template."""


@functools.cache
def translated(path: Path = PATH) -> dict[str, Any]:
    """The CloudFormation template that SAM generates."""
    source: dict[str, Any] = yaml.load(path.read_text(), _Loader)
    for resource in source["Resources"].values():
        if resource["Type"] in CODE:
            properties = resource["Properties"]
            properties[CODE[resource["Type"]]] = f"s3://{BUCKET}/{properties[CODE[resource['Type']]]}"
    session = boto3.Session(region_name=PSEUDO["AWS::Region"])
    document: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(source, {})
    return document


Attribute = Callable[[str, str | None], str]
"""Logical id, attribute name (None for `Ref`) -> the value of that attribute."""


class Template:
    """A template with values for its parameters."""

    def __init__(
        self, document: Mapping[str, Any], parameters: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO
    ) -> None:
        declared = document.get("Parameters", {})
        if unknown := set(parameters) - set(declared):
            raise ValueError(f"The template has no parameter {', '.join(sorted(unknown))}.")
        given = {name: parameters.get(name, about.get("Default")) for name, about in declared.items()}
        if missing := [name for name, value in given.items() if value is None]:
            raise ValueError(f"These parameters have no default: {', '.join(missing)}.")
        self.document = document
        self.values = {**pseudo, **{name: str(value) for name, value in given.items()}}

    @classmethod
    def load(cls, parameters: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO, path: Path = PATH) -> Template:
        """The project's template, or the template of a build."""
        return cls(translated(path), parameters, pseudo)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources whose condition is true, by logical id."""
        return {
            name: resource
            for name, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }

    def holds(self, condition: str) -> bool:
        """Whether a named condition is true."""
        return self._truth(self.document["Conditions"][condition])

    def resolve(self, value: Any, attribute: Attribute) -> Any:
        """`value` with every intrinsic function resolved. Raises ValueError for one that is not supported."""
        if isinstance(value, list):
            return [one for one in (self.resolve(item, attribute) for item in value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._ref(argument, attribute)
            if name.startswith("Fn::"):
                return self._function(name, argument, attribute)
        resolved = {name: self.resolve(item, attribute) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}

    def _ref(self, name: str, attribute: Attribute) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        return self.values[name] if name in self.values else attribute(name, None)

    def _function(self, name: str, argument: Any, attribute: Attribute) -> Any:
        if name == "Fn::If":
            condition, yes, no = argument
            return self.resolve(yes if self.holds(condition) else no, attribute)
        if name == "Fn::GetAtt":
            return attribute(argument[0], argument[1])
        if name == "Fn::Sub":
            return self._substituted(argument, attribute)
        resolved = self.resolve(argument, attribute)
        if name == "Fn::Join":
            return resolved[0].join(str(part) for part in resolved[1])
        if name == "Fn::Split":
            return resolved[1].split(resolved[0])
        if name == "Fn::Select":
            return resolved[1][int(resolved[0])]
        raise ValueError(f"{name} is not supported by the local stack.")

    def _substituted(self, argument: Any, attribute: Attribute) -> str:
        text, more = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self.resolve(value, attribute) for name, value in more.items()}

        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(own[name])
            logical, _, attribute_name = name.partition(".")
            return str(attribute(logical, attribute_name) if attribute_name else self._ref(name, attribute))

        return re.sub(r"\$\{([^!}]+)\}", one, text)

    def _truth(self, value: Any) -> bool:
        ((name, argument),) = value.items()
        match name:
            case "Fn::Equals":
                left, right = (self._constant(item) for item in argument)
                return left == right
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(self._truth(item) for item in argument)
            case "Fn::Or":
                return any(self._truth(item) for item in argument)
            case "Condition":
                return self.holds(argument)
        raise ValueError(f"{name} is not supported in a condition.")

    def _constant(self, value: Any) -> str:
        def refuse(logical: str, attribute_name: str | None) -> str:
            raise ValueError(f"A condition cannot use the resource {logical}.")

        return str(self.resolve(value, refuse))
