# SPDX-License-Identifier: Apache-2.0
"""Bodies of answers as older versions of the API had them, from what the newest says.

Source: moby ``api/docs/CHANGELOG.md``, by version. Bodies are changed in place and returned.
"""

from collections.abc import Callable

from nova_container.docker.wire.document import Json

Version = tuple[int, int]
NEWEST: Version = (1, 51)
OLDEST: Version = (1, 24)

_NO_PART_OF_IMAGES = {
    'Hostname': '', 'Domainname': '', 'AttachStdin': False, 'AttachStdout': False, 'AttachStderr': False, 'Tty': False,
    'OpenStdin': False, 'StdinOnce': False, 'Image': ''}
"""Fields that an image's Config had before 1.50, though no image has them."""


def text_of(version: Version) -> str:
    return f'{version[0]}.{version[1]}'


def image(body: Json, version: Version) -> Json:
    """Of GET /images/{name}/json."""
    if version < (1, 50):
        body['Config'] = {**_NO_PART_OF_IMAGES, **body['Config']}
    if version < (1, 45):
        body |= {'Container': '', 'ContainerConfig': {}}
    return _with_virtual_size(body, version)


def image_row(body: Json, version: Version) -> Json:
    """One of GET /images/json."""
    if version < (1, 51):
        body['Containers'] = -1
    return _with_virtual_size(body, version)


def _with_virtual_size(body: Json, version: Version) -> Json:
    return body | {'VirtualSize': body['Size']} if version < (1, 44) else body


def container(body: Json, version: Version) -> Json:
    """Of GET /containers/{id}/json."""
    _endpoints(body, version)
    return body


def row(body: Json, version: Version) -> Json:
    """One of GET /containers/json."""
    _endpoints(body, version)
    if version < (1, 46):
        body['HostConfig'].pop('Annotations', None)
    return body


def _endpoints(body: Json, version: Version) -> None:
    for each in body['NetworkSettings']['Networks'].values():
        if version < (1, 45) and body['Id'][:12] in (each.get('DNSNames') or ()):
            each['Aliases'] = [*(each['Aliases'] or ()), body['Id'][:12]]
        if version < (1, 48):
            each.pop('GwPriority', None)
        if version < (1, 44):
            each.pop('DNSNames', None)


def network(body: Json, version: Version) -> Json:
    """Of GET /networks and /networks/{id}."""
    if version < (1, 48):
        body.pop('EnableIPv4', None)
    return body


def info(body: Json, version: Version) -> Json:
    """Of GET /info."""
    for since, names in ((1, 44), ('CDISpecDirs',)), ((1, 49), ('FirewallBackend',)):
        if version < since:
            for name in names:
                body.pop(name)
    if version < (1, 50):
        body |= {'BridgeNfIptables': version < (1, 48), 'BridgeNfIp6tables': version < (1, 48)}
    if version < (1, 49):
        for name in ('ContainerdCommit', 'RuncCommit', 'InitCommit'):
            body[name] = {**body[name], 'Expected': ''}
    return body


def disk(body: Json, version: Version) -> Json:
    """Of GET /system/df."""
    body['Images'] = [_with_virtual_size(each, version) for each in body['Images']]
    _each(row, body['Containers'], version)
    if version < (1, 42):
        body['BuilderSize'] = 0
    return body


def _each(change: Callable[[Json, Version], Json], bodies: list[Json], version: Version) -> None:
    for body in bodies:
        change(body, version)
