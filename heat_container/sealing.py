# SPDX-License-Identifier: Apache-2.0
"""Secrets that Heat does not keep: in its database, and so in events, there is a salted hash instead. Pure.

A hash tells whether an update has the same secret, and cannot be turned back into it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from heat_container import credentials

_MARK = 'sealed:scrypt:'
_SECRET_MAPS = ('secret_environment',)
_CREDENTIALS = 'registry_credentials'


def sealed(props: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Properties as they may be kept.

    :param known: as they were kept before: a secret that did not change keeps its hash.
    """
    kept = dict(known or {})
    return _each(props, lambda value, path: _sealed(value, _at(kept, path)))


def opened(kept: Mapping[str, Any], props: Mapping[str, Any]) -> dict[str, Any]:
    """Kept properties with each hash that is of the secret in ``props`` replaced by it; another stays, and differs."""
    given = dict(props)
    return _each(kept, lambda value, path: _opened(value, _at(given, path)))


def _each(props: Mapping[str, Any], change: Callable[[Any, tuple[str, str]], Any]) -> dict[str, Any]:
    """With each secret changed."""
    found = dict(props)
    for name in _SECRET_MAPS:
        if isinstance(found.get(name), Mapping):
            found[name] = {key: change(value, (name, key)) for key, value in found[name].items()}
    login = found.get(_CREDENTIALS)
    if isinstance(login, Mapping) and login.get(credentials.PASSWORD):
        found[_CREDENTIALS] = {**login, credentials.PASSWORD: change(
            login[credentials.PASSWORD], (_CREDENTIALS, credentials.PASSWORD))}
    return found


def _at(props: Mapping[str, Any], path: tuple[str, str]) -> Any:
    holder = props.get(path[0])
    return holder.get(path[1]) if isinstance(holder, Mapping) else None


def _sealed(value: Any, known: Any) -> Any:
    if value is None or _is_sealed(value):
        return value
    if _is_sealed(known) and _is_of(known, str(value)):
        return known
    salt = secrets.token_hex(16)
    return f'{_MARK}{salt}:{_hash(salt, str(value))}'


def _opened(kept: Any, value: Any) -> Any:
    return value if _is_sealed(kept) and value is not None and _is_of(kept, str(value)) else kept


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_MARK)


def _is_of(kept: str, value: str) -> bool:
    salt, _, found = kept.removeprefix(_MARK).partition(':')
    return hmac.compare_digest(found, _hash(salt, value))


def _hash(salt: str, value: str) -> str:
    return hashlib.scrypt(value.encode(), salt=bytes.fromhex(salt), n=1 << 12, r=8, p=1, dklen=32).hex()
