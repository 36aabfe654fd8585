# SPDX-License-Identifier: Apache-2.0
"""User data that starts with ``#container-config``: what does not fit into 255 characters of metadata.

::

    #container-config
    entrypoint: [/usr/bin/env]
    command: [nginx, -g, daemon off;]
    workdir: /srv
    user: www-data
    tty: false
    env:
      GREETING: hello
    stop_signal: SIGQUIT
    stop_timeout: 30

Any other user data (cloud-init's, a script) is left to the container, which finds it at the metadata service.
"""

import base64
import binascii
from collections.abc import Mapping

import yaml

from nova_container import errors
from nova_container.virt.translate import metadata, process

HEADING = '#container-config'
_WHERE = 'user data'


def wish(user_data: str | None) -> process.ProcessWish:
    """What user data, as Nova keeps it (base64), says of the process; nothing if it is not for us.

    :raises InvalidSpec: it is for us and wrong.
    """
    content = _decoded(user_data)
    if content is None or content.split('\n', 1)[0].rstrip() != HEADING:
        return process.ProcessWish()
    document = _parsed(content)
    env = _environment(document.pop('env', None))
    said: dict[str, object] = {}
    for key, value in document.items():
        if key not in metadata.FIELDS:
            known = ', '.join((*metadata.FIELDS, 'env'))
            raise errors.InvalidSpec(f'{_WHERE}: {str(key)[:40]!r} is not known; there may be {known}')
        if value is not None:
            field, read = metadata.FIELDS[key]
            said[field] = read(f'{_WHERE}: {key}', value)
    return process.ProcessWish(env=env, **said)


def _decoded(user_data: str | None) -> str | None:
    try:
        return base64.b64decode(user_data or '', validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _parsed(content: str) -> dict[object, object]:
    try:
        document = yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else '?'
        raise errors.InvalidSpec(f'{_WHERE}: not YAML: {error.problem} in line {line}') from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise errors.InvalidSpec(f'{_WHERE}: not YAML') from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise errors.InvalidSpec(f'{_WHERE}: after {HEADING} there must be lines of KEY: VALUE')
    return document


def _environment(value: object) -> Mapping[str, str]:
    """A mapping, or a list of NAME=VALUE as Compose has it too."""
    key = f'{_WHERE}: env'
    if value is None:
        return {}
    if isinstance(value, list):
        pairs = [str(one).split('=', 1) if isinstance(one, str) and '=' in one else None for one in value]
        if None in pairs:
            raise errors.InvalidSpec(f'{key}: give NAME: VALUE, or a list of NAME=VALUE')
        value = dict(pairs)
    if not isinstance(value, dict):
        raise errors.InvalidSpec(f'{key}: give NAME: VALUE, or a list of NAME=VALUE')
    return dict(process.variable(key, name, text) for name, text in value.items())
