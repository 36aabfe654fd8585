# SPDX-License-Identifier: Apache-2.0
"""Short words for properties and attributes: what a schema of many of them repeats."""

from typing import Any

from heat.engine import attributes, constraints
from heat.engine.properties import Schema


def text(description: str, **options: Any) -> Schema:
    return Schema(Schema.STRING, description, **options)


def texts(description: str, *, item: list[Any] | None = None, **options: Any) -> Schema:
    """A list of strings; ``item`` are constraints of each."""
    return Schema(Schema.LIST, description, schema=Schema(Schema.STRING, constraints=item or []), **options)


def whole(description: str, low: int | None = None, high: int | None = None, **options: Any) -> Schema:
    """An integer from ``low`` to ``high``."""
    return Schema(Schema.INTEGER, description, constraints=_range(low, high), **options)


def number(description: str, low: float | None = None, high: float | None = None, **options: Any) -> Schema:
    return Schema(Schema.NUMBER, description, constraints=_range(low, high), **options)


def flag(description: str, default: bool | None = None, **options: Any) -> Schema:
    return Schema(Schema.BOOLEAN, description, default=default, **options)


def mapping(description: str, **options: Any) -> Schema:
    """Names to values, both free."""
    return Schema(Schema.MAP, description, **options)


def record(description: str, fields: dict[str, Schema], **options: Any) -> Schema:
    """A map of these keys."""
    return Schema(Schema.MAP, description, schema=fields, **options)


def records(description: str, fields: dict[str, Schema], **options: Any) -> Schema:
    """A list of maps of these keys."""
    return Schema(Schema.LIST, description, schema=Schema(Schema.MAP, schema=fields), **options)


def one_of(*values: Any) -> list[Any]:
    return [constraints.AllowedValues(list(values))]


def like(pattern: str, otherwise: str | None = None) -> list[Any]:
    """Constraints: the whole text matches."""
    return [constraints.AllowedPattern(pattern, description=otherwise)]


def custom(name: str) -> list[Any]:
    return [constraints.CustomConstraint(name)]


def live(description: str, kind: str) -> attributes.Schema:
    """An attribute that is asked for each time, and never kept."""
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


def _range(low: float | None, high: float | None) -> list[Any]:
    return [] if low is None and high is None else [constraints.Range(low, high)]
