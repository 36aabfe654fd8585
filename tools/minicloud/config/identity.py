# SPDX-License-Identifier: Apache-2.0
"""keystone.conf and placement.conf."""

import base64
import os
import pathlib

from tools.minicloud import instance
from tools.minicloud.config import ini
from tools.minicloud.config import shared


def keystone(cloud: instance.Instance) -> ini.Sections:
    """Fernet tokens, cheap password hashes, a cache in the one process."""
    return ini.merge(
        shared.logging(), shared.database(cloud, 'keystone'),
        {'identity': {'password_hash_rounds': 4},
         'token': {'provider': 'fernet', 'expiration': 86400},
         'fernet_tokens': {'key_repository': cloud.path('keys', 'fernet')},
         'fernet_receipts': {'key_repository': cloud.path('keys', 'fernet')},
         'credential': {'key_repository': cloud.path('keys', 'credential')},
         'cache': {'enabled': True, 'backend': 'dogpile.cache.memory'},
         'oslo_messaging_notifications': {'driver': 'noop'}})


def placement(cloud: instance.Instance) -> ini.Sections:
    """The database and the token check; the rest is default."""
    return ini.merge(
        shared.logging(), shared.authtoken(cloud, 'placement'),
        shared.database(cloud, 'placement', 'placement_database'))


def write_keys(repository: pathlib.Path) -> None:
    """Create the staged and the primary Fernet key unless they exist."""
    repository.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ('0', '1'):
        key = repository / name
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
