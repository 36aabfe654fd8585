# SPDX-License-Identifier: Apache-2.0
"""The page of one resource type, in reStructuredText. Pure."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from heat.engine import attributes, constraints, properties
from heat.engine.resource import Resource

_HANDLERS = {
    'suspend': 'handle_suspend', 'resume': 'handle_resume', 'check': 'handle_check', 'snapshot': 'handle_snapshot',
    'restore': 'handle_restore', 'signal': 'handle_signal', 'observe reality': 'parse_live_resource_data'}


def slug(name: str) -> str:
    """The file name of a type's page, without its end."""
    return name.replace('::', '_').lower()


def text(name: str, cls: type[Resource]) -> str:
    """The whole page."""
    return '\n'.join([*_heading(name, '='), '', *_about(cls), '', *_actions(cls), '', *_heading('Properties', '-'), '',
                      *_properties(cls), '', *_heading('Attributes', '-'), '', *_attributes(cls), ''])


def index(known: Mapping[str, type[Resource]]) -> str:
    """The page that lists all types."""
    return '\n'.join([
        *_heading('Resource types of Heat', '='), '', '.. toctree::', '   :maxdepth: 1', '',
        *(f'   {slug(name)}' for name in sorted(known)), '', '.. list-table::', '   :header-rows: 1', '',
        '   * - Type', '     - What it is',
        *(line for name in sorted(known) for line in (f'   * - :doc:`{name} <{slug(name)}>`',
                                                      f'     - {_about(known[name])[0]}')), ''])


def handled(cls: type[Resource]) -> list[str]:
    """The actions beside create, update and delete that a type does something for."""
    return [action for action, method in _HANDLERS.items() if getattr(cls, method, None) is not None
            and getattr(cls, method) is not getattr(Resource, method, None)]


def schema_of(cls: type[Resource]) -> dict[str, properties.Schema]:
    """The properties of a type, those without which it cannot be made first."""
    found = {name: properties.Schema.from_legacy(one) for name, one in cls.properties_schema.items()}
    return dict(sorted(found.items(), key=lambda item: (not item[1].required, item[0])))


def attributes_of(cls: type[Resource]) -> dict[str, Any]:
    """The attributes of a type, without those of all types, which heat adds once it makes one."""
    return {name: one for name, one in cls.attributes_schema.items() if name not in cls.base_attributes_schema}


def _heading(title: str, line: str) -> list[str]:
    return [title, line * len(title)]


def _about(cls: type[Resource]) -> list[str]:
    return (inspect.getdoc(cls) or '').strip().splitlines() or ['']


def _actions(cls: type[Resource]) -> list[str]:
    more = handled(cls)
    return [f'Actions: create, update, delete{"".join(f", {one}" for one in more)}.']


def _properties(cls: type[Resource]) -> Iterator[str]:
    for name, schema in schema_of(cls).items():
        yield from _property(name, schema, '', top=True)


def _property(name: str, schema: properties.Schema, indent: str, *, top: bool) -> Iterator[str]:
    words = [_kind(schema)]
    if schema.required:
        words.append('required')
    if top:
        words.append('updated in place' if schema.update_allowed else 'an update replaces the resource')
    if schema.default is not None:
        words.append(f'default ``{json.dumps(schema.default)}``')
    yield f'{indent}``{name}``'
    yield f'{indent}   *{words[0]}*{"".join(f", {word}" for word in words[1:])}.'
    yield from (f'{indent}   {line}'.rstrip() for line in ['', str(schema.description or '').strip()])
    for rule in schema.constraints:
        yield from ('', f'{indent}   {_rule(rule)}')
    inner = _inner(schema)
    if inner:
        yield ''
        for key, value in sorted(inner.items(), key=lambda item: (not item[1].required, item[0])):
            yield from _property(key, value, f'{indent}   ', top=False)
            yield ''
        return
    yield ''


def _inner(schema: properties.Schema) -> Mapping[str, properties.Schema]:
    """The keys of a map, or of each map in a list."""
    if schema.type == properties.Schema.LIST and schema.schema is not None:
        return _inner(schema.schema['*'])
    return schema.schema if schema.type == properties.Schema.MAP and schema.schema is not None else {}


def _kind(schema: properties.Schema) -> str:
    if schema.type == properties.Schema.LIST and schema.schema is not None:
        return f'list of {schema.schema["*"].type.lower()}s'
    return str(schema.type).lower()


def _rule(rule: constraints.Constraint) -> str:
    if isinstance(rule, constraints.CustomConstraint):
        return f'Checked as ``{rule.name}``.'
    if isinstance(rule, constraints.AllowedValues):
        return f'One of {", ".join(f"``{json.dumps(one)}``" for one in rule.allowed)}.'
    if isinstance(rule, constraints.AllowedPattern):
        return f'Matches ``{rule.pattern}``.'
    return f'{str(rule).rstrip(".")}.'


def _attributes(cls: type[Resource]) -> Iterator[str]:
    for name, given in sorted(attributes_of(cls).items()):
        schema = attributes.Schema.from_attribute(given) if not isinstance(given, attributes.Schema) else given
        live = schema.cache_mode == attributes.Schema.CACHE_NONE
        yield f'``{name}``'
        yield f'   *{(schema.type or "any").lower()}*{", always read anew" if live else ""}. {_sentence(schema)}'
        yield ''


def _sentence(schema: Any) -> str:
    return str(schema.description or '').strip()
