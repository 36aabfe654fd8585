# SPDX-License-Identifier: Apache-2.0
"""What of the Docker Engine API is answered and honoured: the list of the API held against routes and field tables."""

import ast
import dataclasses
import enum
import functools
import importlib
import inspect
import json
import pathlib
import re
from collections.abc import Iterator, Mapping

from nova_container.docker.server import refused, routes
from nova_container.docker.wire import fields, network, networks

_SURFACE = pathlib.Path(__file__).with_name('surface.json')
OUT_OF_SCOPE = frozenset({'Swarm', 'Node', 'Service', 'Task', 'Secret', 'Config', 'Plugin'})
"""Orchestration is Heat's and Nova's, and plug-ins are packages."""

_TABLES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    'container create': {'': fields.CONFIG, 'Healthcheck': fields.HEALTH},
    'container create: HostConfig': {
        '': fields.HOST_CONFIG, 'Mounts[]': fields.MOUNT, 'Mounts[].BindOptions': fields.BIND_OPTIONS,
        'Mounts[].VolumeOptions': fields.VOLUME_OPTIONS, 'Mounts[].TmpfsOptions': fields.TMPFS_OPTIONS},
    'container create: NetworkingConfig': {
        '': {'EndpointsConfig': None}, 'EndpointsConfig{}': network.ENDPOINT,
        'EndpointsConfig{}.IPAMConfig': network.ADDRESSES},
    'container update': {'': fields.UPDATE}, 'exec create': {'': fields.EXEC}, 'exec start': {'': fields.EXEC_START},
    'volume create': {'': fields.VOLUME},
    'network create': {'': networks.CREATE, 'IPAM': networks.IPAM, 'IPAM.Config[]': networks.SUBNET,
                       'ConfigFrom': networks.CONFIG_FROM},
    'network connect': {'': networks.CONNECT, 'EndpointConfig': network.ENDPOINT,
                        'EndpointConfig.IPAMConfig': network.ADDRESSES},
}
"""For each body, the table of its top level and those of objects inside."""

_NO_MATTER = frozenset((
    'rm', 'forcerm', 'quiet',  # there is nothing to remove, nothing that was not asked for is said
    'all', 'keep-storage', 'reserved-space', 'max-used-space', 'min-free-space',  # a cache may be emptied whole
    'digests', 'manifests', 'identity',  # what is known is told, and more is of stores that keep indexes
    'noprune', 'link', 'verbose', 'scope', 'detachKeys'))  # parents without names, old links, swarms, clients
"""Parameters that change nothing, as what they are about is not here."""


class Verdict(enum.Enum):
    """``REFUSED``: with a sentence that names what is refused. ``MISSING``: nobody thought of it."""

    DONE = 'done'
    REFUSED = 'refused'
    MISSING = 'missing'
    OUT_OF_SCOPE = 'out of scope'


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One endpoint or field."""

    group: str
    name: str
    verdict: Verdict


def endpoints() -> Iterator[Row]:
    """Every endpoint of the API."""
    for line in surface()['endpoints']:
        method, path, tag = line.split(' ')
        found = routes.find(method, re.sub(r'\{[^}]*\}', 'x', path))
        if tag in OUT_OF_SCOPE:
            verdict = Verdict.OUT_OF_SCOPE
        elif found is None:
            verdict = Verdict.MISSING
        else:
            verdict = Verdict.REFUSED if found[0].__module__ == refused.__name__ else Verdict.DONE
        yield Row(tag, f'{method} {path}', verdict)


def parameters() -> Iterator[Row]:
    """Every query parameter of every endpoint: done if the code that answers names it."""
    refused_ones = {row.name: row.verdict for row in endpoints() if row.verdict is not Verdict.DONE}
    for endpoint, names in surface()['parameters'].items():
        found = routes.find(*re.sub(r'\{[^}]*\}', 'x', endpoint).split(' '))
        for name in names:
            verdict = refused_ones.get(endpoint)
            if verdict is None and found is not None:
                known = name in _words(found[0].__module__) or name in _NO_MATTER
                verdict = Verdict.DONE if known else Verdict.MISSING
            yield Row(endpoint, name, verdict or Verdict.MISSING)


@functools.cache
def _words(module: str) -> frozenset[str]:
    """Every string in a module of the server, and in those of its neighbours and of the wire that it uses."""
    own = importlib.import_module(module)
    near = {each for each in vars(own).values() if inspect.ismodule(each)
            and each.__name__.startswith(('nova_container.docker.server.', 'nova_container.docker.wire.'))}
    return frozenset(node.value for each in (own, *near)
                     for node in ast.walk(ast.parse(inspect.getsource(each)))
                     if isinstance(node, ast.Constant) and isinstance(node.value, str))


def body_fields() -> Iterator[Row]:
    """Every field of every body."""
    for body, paths in surface()['fields'].items():
        for path in paths:
            yield Row(body, path, _verdict(_TABLES[body], path))


def _verdict(tables: Mapping[str, Mapping[str, object]], path: str) -> Verdict:
    """A field of an object without a table of its own is done if the object is: it is read as a whole."""
    holder, _, name = path.rpartition('.')
    if holder in tables:
        if holder and (above := _verdict(tables, re.sub(r'(\[\]|\{\}|\{\}\[\])$', '', holder))) is not Verdict.DONE:
            return above
        known = fields.spelled(name, tables[holder])
        if known is None:
            return Verdict.MISSING
        rule = tables[holder][known]
        return Verdict.REFUSED if isinstance(rule, tuple) and not rule else Verdict.DONE
    return _verdict(tables, re.sub(r'(\{\}\[\]|\[\]|\{\})$', '', holder))


def surface() -> dict[str, dict[str, list[str]]]:
    """The API: its endpoints, and the fields of each body."""
    loaded: dict[str, dict[str, list[str]]] = json.loads(_SURFACE.read_text())
    return loaded
