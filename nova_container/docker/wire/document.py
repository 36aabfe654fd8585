# SPDX-License-Identifier: Apache-2.0
"""Typed reading of JSON objects: a wrong type is an ``InvalidSpec`` that names the field."""

from collections.abc import Mapping
from typing import Any

from nova_container import errors

Json = dict[str, Any]


class Document:
    """One JSON object and the path that leads to it. A field that is absent or null reads as None or empty."""

    def __init__(self, fields: object, where: str = '') -> None:
        self.where = where
        if fields is None:
            fields = {}
        if not isinstance(fields, dict):
            raise errors.InvalidSpec(f'{where or "The body"} must be an object, not {_kind(fields)}')
        self.fields: Json = fields

    def has(self, name: str) -> bool:
        """Whether the field is there and is not null."""
        return self.fields.get(name) is not None

    def path(self, name: str) -> str:
        """The field's name as a person finds it: ``HostConfig.Mounts[0].Type``."""
        return f'{self.where}.{name}' if self.where else name

    def text(self, name: str) -> str:
        return str(self._typed(name, str, 'a string') or '')

    def flag(self, name: str) -> bool | None:
        value = self._typed(name, bool, 'true or false')
        return None if value is None else bool(value)

    def integer(self, name: str) -> int | None:
        value = self._typed(name, int, 'a whole number')
        if isinstance(value, bool):
            raise errors.InvalidSpec(f'{self.path(name)} must be a whole number, not true or false')
        return None if value is None else int(value)

    def positive(self, name: str) -> int | None:
        """A number of which Docker's zero means that none is set."""
        value = self.integer(name)
        return value if value else None

    def document(self, name: str) -> 'Document':
        return Document(self.fields.get(name), self.path(name))

    def documents(self, name: str) -> list['Document']:
        items = self._typed(name, list, 'a list') or []
        return [Document(item, f'{self.path(name)}[{index}]') for index, item in enumerate(items)]

    def texts(self, name: str) -> tuple[str, ...]:
        return self.texts_or_none(name) or ()

    def texts_or_none(self, name: str) -> tuple[str, ...] | None:
        """A list of strings; a lone string is a list of one, as Docker reads ``Cmd``."""
        value = self.fields.get(name)
        if isinstance(value, str):
            return (value,)
        items = self._typed(name, list, 'a list of strings')
        if items is None:
            return None
        for item in items:
            if not isinstance(item, str):
                raise errors.InvalidSpec(f'{self.path(name)} must hold strings only, not {_kind(item)}')
        return tuple(items)

    def mapping(self, name: str) -> dict[str, str]:
        """An object whose values are strings."""
        fields = self.document(name).fields
        for key, value in fields.items():
            if not isinstance(value, str):
                raise errors.InvalidSpec(f'{self.path(name)}.{key} must be a string, not {_kind(value)}')
        return dict(fields)

    def _typed(self, name: str, kind: type, wanted: str) -> Any:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, kind):
            raise errors.InvalidSpec(f'{self.path(name)} must be {wanted}, not {_kind(value)}')
        return value


def without_none(fields: Mapping[str, object]) -> Json:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _kind(value: object) -> str:
    return {dict: 'an object', list: 'a list', str: 'a string', bool: 'true or false', int: 'a number',
            float: 'a fraction', type(None): 'null'}.get(type(value), type(value).__name__)
