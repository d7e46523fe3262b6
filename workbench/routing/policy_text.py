"""Texts of policies: `name(parameter=value, …)`, where a value may be the name of an LLM."""

import json
import re
from collections.abc import Mapping

from workbench.aggregation.calls import parsed_assignment
from workbench.errors import BadValue

GRAMMAR = 'name(parameter=value, …); an LLM\'s name with a comma in it in double quotes, "a, b"'

_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
# Items between commas; a comma within double quotes divides nothing.
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",])+', re.DOTALL)
_PLAIN = re.compile(r'[^\s",;()=]+(?: [^\s",;()=]+)*')


def parsed_policy(text: str) -> tuple[str, dict[str, str]]:
    """Name and parameters of a policy's text, values without their quotes.

    Raises:
        BadValue: broken grammar, or a parameter given twice.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        raise BadValue("policy", text, GRAMMAR)
    listed = call[2] or ""
    items = _ITEM.findall(listed) if listed.strip() else []
    if listed.strip() and ",".join(items) != listed:
        raise BadValue("policy", text, GRAMMAR)
    pairs = [parsed_assignment("policy", text, item, GRAMMAR) for item in items]
    if len(dict(pairs)) < len(pairs):
        raise BadValue("policy", text, "each parameter once")
    return call[1], {key: _unquoted(text, value) for key, value in pairs}


def policy_text(name: str, params: Mapping[str, str | float]) -> str:
    """The canonical text, which `parsed_policy` reads back; the bare name without parameters."""
    values = ", ".join(f"{key}={_quoted(value)}" for key, value in params.items())
    return f"{name}({values})" if values else name


def _quoted(value: str | float) -> str:
    """A number as it is; a name in double quotes only where it could be misread without."""
    if not isinstance(value, str):
        return repr(value)
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _unquoted(text: str, value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError as error:
        raise BadValue("policy", text, GRAMMAR) from error
