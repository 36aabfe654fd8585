# SPDX-License-Identifier: Apache-2.0
"""Secret properties in Heat's database, and so in its events: encrypted with the key of heat.conf."""

from collections.abc import Collection, Mapping
from typing import Any

from heat.common import crypt
from oslo_serialization import jsonutils

_MARK = 'sealed'


def seal(props: Mapping[str, Any] | None, secret: Collection[str]) -> dict[str, Any] | None:
    """Properties as they may be kept; what is sealed stays so."""
    if props is None:
        return None
    return {name: _sealed(value) if name in secret and value is not None and not _is_sealed(value) else value
            for name, value in props.items()}


def unseal(kept: Mapping[str, Any], secret: Collection[str]) -> dict[str, Any]:
    """Kept properties as they were given."""
    return {name: jsonutils.loads(crypt.decrypt(*value[_MARK])) if name in secret and _is_sealed(value) else value
            for name, value in kept.items()}


def _sealed(value: Any) -> dict[str, Any]:
    return {_MARK: list(crypt.encrypt(jsonutils.dumps(value)))}


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {_MARK}
