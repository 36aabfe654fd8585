# SPDX-License-Identifier: Apache-2.0
"""What of the Docker Engine API a Heat template reaches: derived from the schema and the sources of ``heat_container``.

An endpoint is reached if the sources call the verb of the contract that stands for it, or name its path (swarms).
"""

import ast
import pathlib
import re
from collections.abc import Iterator, Mapping

from heat.engine.properties import Schema

import heat_container
from heat_container.schema.container import api
from heat_container.schema.container.properties import PROPERTIES
from tools.api_coverage import measure
from tools.api_coverage.measure import Row, Verdict

_BODIES: Mapping[str, str] = {'container create': '', 'container create: HostConfig': 'HostConfig.',
                              'container create: NetworkingConfig': 'NetworkingConfig.'}
_VERBS: Mapping[str, str] = {
    'GET /_ping': 'ping', 'HEAD /_ping': 'ping', 'GET /version': 'info', 'GET /info': 'info',
    'GET /distribution/{name}/json': 'inspect_remote', 'POST /build': 'build', 'POST /commit': 'commit',
    'POST /containers/create': 'create', 'GET /containers/json': 'list', 'DELETE /containers/{id}': 'remove',
    'GET /containers/{id}/archive': 'copy_out', 'HEAD /containers/{id}/archive': 'stat_path',
    'PUT /containers/{id}/archive': 'copy_in', 'GET /containers/{id}/changes': 'changes',
    'POST /containers/{id}/exec': 'create_exec', 'GET /containers/{id}/json': 'inspect',
    'POST /containers/{id}/kill': 'kill', 'GET /containers/{id}/logs': 'logs', 'POST /containers/{id}/pause': 'pause',
    'POST /containers/{id}/rename': 'rename', 'POST /containers/{id}/restart': 'restart',
    'POST /containers/{id}/start': 'start', 'GET /containers/{id}/stats': 'usage', 'POST /containers/{id}/stop': 'stop',
    'GET /containers/{id}/top': 'top', 'POST /containers/{id}/unpause': 'unpause',
    'POST /containers/{id}/update': 'update', 'GET /exec/{id}/json': 'inspect_exec',
    'POST /exec/{id}/start': 'start_exec',
    'POST /images/create': 'pull', 'GET /images/{name}/json': 'inspect_image', 'POST /images/load': 'load',
    'DELETE /images/{name}': 'remove_image', 'GET /images/{name}/history': 'inspect_image',
    'POST /images/{name}/push': 'push', 'POST /images/{name}/tag': 'tag_image', 'GET /networks': 'list_networks',
    'POST /networks/create': 'create_network', 'DELETE /networks/{id}': 'remove_network',
    'GET /networks/{id}': 'inspect_network', 'POST /networks/{id}/connect': 'connect',
    'POST /networks/{id}/disconnect': 'disconnect', 'GET /volumes': 'list_volumes',
    'POST /volumes/create': 'create_volume', 'DELETE /volumes/{name}': 'remove_volume',
    'GET /volumes/{name}': 'inspect_volume',
}
"""Endpoints by the verb of the contract."""
_SWARM_TAGS = frozenset({'Service', 'Secret', 'Config'})
_NOT_IN_A_TEMPLATE: Mapping[str, str] = {
    **dict.fromkeys(('POST /containers/prune', 'POST /images/prune', 'POST /networks/prune', 'POST /volumes/prune',
                     'POST /build/prune'), 'it would remove what other stacks made'),
    **dict.fromkeys(('POST /containers/{id}/attach', 'GET /containers/{id}/attach/ws', 'POST /containers/{id}/resize',
                     'POST /exec/{id}/resize', 'POST /session'), 'somebody sits at a terminal, or a client at its end'),
    **dict.fromkeys(('GET /containers/{id}/export', 'GET /images/get', 'GET /images/{name}/get'),
                    'gigabytes that an attribute cannot hold; commit and push do it'),
    'POST /containers/{id}/wait': 'it would hold a thread of heat-engine, which inspects again and again instead',
    'GET /events': 'it never ends; heat-engine asks instead', 'GET /images/search': 'it is about no desired state',
    'GET /images/json': 'images are found by name', 'GET /system/df': 'it is about all tenants of an engine',
    **dict.fromkeys(('GET /services', 'GET /secrets', 'GET /configs'), 'things of a swarm are found by name'),
    'POST /auth': 'a pull or push says as much', 'PUT /volumes/{name}': 'it is of volumes of a swarm',
    'GET /images/{name}/attestations': 'no engine of ours has it',
}
_ENGINE = re.compile(r'(^|[._])engine(\(\))?$')


def endpoints() -> Iterator[Row]:
    """Every endpoint: done if a template reaches it; refused with a reason; missing; or of swarms' operators."""
    verbs, paths = _called(), _asked()
    for line in measure.surface()['endpoints']:
        method, path, tag = line.split(' ')
        name = f'{method} {path}'
        if tag in measure.OUT_OF_SCOPE - _SWARM_TAGS:
            verdict = Verdict.OUT_OF_SCOPE
        elif name in _NOT_IN_A_TEMPLATE:
            verdict = Verdict.REFUSED
        elif tag in _SWARM_TAGS:
            verdict = Verdict.DONE if _general(method, path) & paths else Verdict.MISSING
        else:
            verdict = Verdict.DONE if _VERBS.get(name) in verbs else Verdict.MISSING
        yield Row(tag, name, verdict)


def create_fields() -> Iterator[Row]:
    """Every field of a container create body: a property, gated, or missing."""
    for body, prefix in _BODIES.items():
        for field in measure.surface()['fields'][body]:
            yield Row(body, field, _verdict(f'{prefix}{field}'))


def _verdict(field: str) -> Verdict:
    if field in api.GATED:
        return Verdict.MISSING if field in api.EXPOSED else Verdict.REFUSED
    return Verdict.DONE if field in api.EXPOSED and _is_property(api.EXPOSED[field]) else Verdict.MISSING


def _is_property(path: str) -> bool:
    """Whether the schema has ``mounts[].target``, with a description."""
    fields: Mapping[str, Schema] = PROPERTIES
    for part in path.split('.'):
        name, is_list = part.removesuffix('[]'), part.endswith('[]')
        if name not in fields or not fields[name].description:
            return False
        inner = fields[name].schema
        fields = (inner[0].schema if is_list else inner) or {}
    return True


def _called() -> frozenset[str]:
    """The verbs that the sources name of something called engine; running a command is three of them."""
    found = {node.attr for tree in _trees() for node in ast.walk(tree)
             if isinstance(node, ast.Attribute) and _ENGINE.search(ast.unparse(node.value))}
    if any(isinstance(node, ast.Attribute) and ast.unparse(node) == 'execution.run'
           for tree in _trees() for node in ast.walk(tree)):
        found |= {'create_exec', 'start_exec', 'inspect_exec'}
    return frozenset(found)


def _asked() -> frozenset[str]:
    """The requests of the part about swarms, as ``GET /services/{}/logs``; ``{}`` is what is told when it is asked."""
    found = set()
    for node in (node for tree in _trees('swarm') for node in ast.walk(tree) if isinstance(node, ast.Call)):
        verb = node.func.attr if isinstance(node.func, ast.Attribute) else ''
        if verb == 'get' and node.args:
            found.add(f'GET {_text(node.args[0])}')
        elif verb in ('ask', 'do') and len(node.args) > 1:
            found.add(f'{_text(node.args[0])} {_text(node.args[1])}')
    return frozenset(found)


def _text(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return ''.join(str(part.value) if isinstance(part, ast.Constant) else '{}' for part in parts)


def _general(method: str, path: str) -> frozenset[str]:
    """An endpoint as it may be written in the sources, its kind named or not."""
    plain = re.sub(r'\{[^}]*\}', '{}', path)
    return frozenset((f'{method} {plain}', f'{method} {re.sub("^/[a-z]+", "/{}", plain)}'))


def _trees(under: str = '') -> Iterator[ast.Module]:
    for path in sorted((pathlib.Path(heat_container.__file__).parent / under).rglob('*.py')):
        if path.parent.name != 'guard':  # names every verb to judge it
            yield ast.parse(path.read_text())
