# SPDX-License-Identifier: Apache-2.0
"""What a tenant says in the metadata of a server (``openstack server create --property KEY=VALUE``).

======================  ==============================================  ==========================
key                     value                                           Docker's word
======================  ==============================================  ==========================
container:entrypoint    words as for a shell, or a JSON array           ``--entrypoint``
container:command       words as for a shell, or a JSON array           the arguments
container:workdir       absolute path                                   ``--workdir``
container:user          name or id, and ``:group``                      ``--user``
container:tty           true or false; keeps standard input open too    ``--tty --interactive``
container:env:NAME      the value of NAME                               ``--env``
container:stop_signal   name of a signal                                ``--stop-signal``
container:stop_timeout  seconds until it is killed                      ``--stop-timeout``
======================  ==============================================  ==========================

They override the image's configuration and ``#container-config`` user data. As in Docker, an entrypoint drops
the image's command. Other metadata has no meaning here; a ``container:`` key that is not in the table is an
error, as a typing mistake would otherwise go unseen. What only operators grant is in ``flavor.py``.
"""

import re
from collections.abc import Callable, Mapping

from nova_container import errors
from nova_container.virt.translate import process

PREFIX = 'container:'
_ENV = 'container:env:'
_SIGNAL = re.compile(r'(SIG)?[A-Z0-9+-]{2,12}|[0-9]{1,2}')


def signal(key: str, value: object) -> str:
    """The name or number of a signal. :raises InvalidSpec: naming ``key``."""
    found = process.text(key, value).upper()
    if not _SIGNAL.fullmatch(found):
        raise errors.InvalidSpec(f'{key}: give a signal, as SIGTERM')
    return found


def _seconds(key: str, value: object) -> int:
    return process.whole_number(key, value, most=3600)


FIELDS: Mapping[str, tuple[str, Callable[[str, object], object]]] = {
    'entrypoint': ('entrypoint', process.words),
    'command': ('command', process.words),
    'workdir': ('workdir', process.path),
    'user': ('user', process.text),
    'tty': ('tty', process.truth),
    'stop_signal': ('stop_signal', signal),
    'stop_timeout': ('stop_timeout_s', _seconds),
}
"""Word of the tenant: field of ProcessWish, and what reads it."""


def wish(metadata: Mapping[str, str]) -> process.ProcessWish:
    """What the metadata says of the process.

    :raises InvalidSpec: a key or a value is wrong.
    """
    said: dict[str, object] = {}
    env: dict[str, str] = {}
    for key, value in metadata.items():
        if key.startswith(_ENV):
            name, text = process.variable(key, key.removeprefix(_ENV), value)
            env[name] = text
        elif key.startswith(PREFIX):
            field, read = _field(key)
            said[field] = read(key, value)
    return process.ProcessWish(env=env, **said)


def _field(key: str) -> tuple[str, Callable[[str, object], object]]:
    try:
        return FIELDS[key.removeprefix(PREFIX)]
    except KeyError:
        known = ', '.join((*FIELDS, 'env:NAME'))
        raise errors.InvalidSpec(f'Metadata {key[:50]} is not known; after container: there may be {known}') from None
