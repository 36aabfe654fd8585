# SPDX-License-Identifier: Apache-2.0
"""The whole API on one screen: method, path and handler. ``{id}`` is one segment, ``{name}`` any number."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from nova_container.docker.server import (
    build, containers, execs, files, images, lifecycle, measures, networks, output, refused, registry, system, volumes)
from nova_container.docker.server.message import Handler

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ('GET HEAD', '/_ping', system.ping),
    ('GET', '/version', system.version),
    ('GET', '/info', system.info),
    ('GET', '/events', system.events),
    ('GET', '/system/df', images.disk_usage),
    ('POST', '/auth', registry.login),
    ('POST', '/session', refused.session),
    ('POST', '/grpc', refused.session),

    ('POST', '/containers/create', containers.create),
    ('GET', '/containers/json', containers.listed),
    ('POST', '/containers/prune', containers.prune),
    ('GET', '/containers/{id}/json', containers.show),
    ('DELETE', '/containers/{id}', containers.remove),
    ('POST', '/containers/{id}/update', containers.update),
    ('POST', '/containers/{id}/rename', containers.rename),
    ('POST', '/containers/{id}/start', lifecycle.start),
    ('POST', '/containers/{id}/stop', lifecycle.stop),
    ('POST', '/containers/{id}/restart', lifecycle.restart),
    ('POST', '/containers/{id}/kill', lifecycle.kill),
    ('POST', '/containers/{id}/pause', lifecycle.pause),
    ('POST', '/containers/{id}/unpause', lifecycle.unpause),
    ('POST', '/containers/{id}/wait', lifecycle.wait),
    ('GET', '/containers/{id}/logs', output.logs),
    ('POST', '/containers/{id}/attach', output.attach),
    ('GET', '/containers/{id}/attach/ws', output.attach_by_websocket),
    ('POST', '/containers/{id}/resize', output.resize),
    ('GET', '/containers/{id}/stats', measures.stats),
    ('GET', '/containers/{id}/top', measures.top),
    ('GET', '/containers/{id}/changes', files.changed),
    ('GET', '/containers/{id}/export', files.export),
    ('HEAD', '/containers/{id}/archive', files.show),
    ('GET', '/containers/{id}/archive', files.copy_out),
    ('PUT', '/containers/{id}/archive', files.copy_in),
    ('POST', '/containers/{id}/exec', execs.create),
    ('POST', '/exec/{id}/start', execs.start),
    ('GET', '/exec/{id}/json', execs.show),
    ('POST', '/exec/{id}/resize', execs.resize),
    ('GET POST DELETE', '/containers/{id}/checkpoints{name}', refused.checkpoint),
    ('POST', '/commit', files.commit),

    ('POST', '/images/load', images.load),
    ('GET', '/images/get', images.save_many),
    ('GET', '/images/json', images.listed),
    ('POST', '/images/prune', images.prune),
    ('POST', '/images/create', registry.create),
    ('GET', '/images/search', registry.search),
    ('GET', '/images/{name}/get', images.save),
    ('GET', '/images/{name}/json', images.show),
    ('GET', '/images/{name}/attestations', refused.attestations),
    ('GET', '/images/{name}/history', images.history),
    ('POST', '/images/{name}/tag', images.tag),
    ('POST', '/images/{name}/push', registry.push),
    ('DELETE', '/images/{name}', images.remove),
    ('GET', '/distribution/{name}/json', registry.distribution),
    ('POST', '/build', build.build),
    ('POST', '/build/prune', build.prune),
    ('POST', '/build/cancel', refused.session),

    ('GET', '/networks', networks.listed),
    ('POST', '/networks/create', networks.create),
    ('POST', '/networks/prune', networks.prune),
    ('GET', '/networks/{id}', networks.show),
    ('DELETE', '/networks/{id}', networks.remove),
    ('POST', '/networks/{id}/connect', networks.connect),
    ('POST', '/networks/{id}/disconnect', networks.disconnect),
    ('GET', '/volumes', volumes.listed),
    ('POST', '/volumes/create', volumes.create),
    ('POST', '/volumes/prune', volumes.prune),
    ('GET', '/volumes/{id}', volumes.show),
    ('DELETE', '/volumes/{id}', volumes.remove),
    ('PUT', '/volumes/{id}', refused.cluster_volume),
    ('GET', '/plugins', system.no_plugins),
    ('GET', '/plugins/{id}/json', system.no_plugin),
    ('GET POST DELETE', '/plugins/{name}', refused.plugin),
    ('GET POST', '/swarm{name}', refused.swarm),
    ('GET POST DELETE', '/nodes{name}', refused.swarm),
    ('GET POST DELETE', '/services{name}', refused.swarm),
    ('GET', '/tasks{name}', refused.swarm),
    ('GET POST DELETE', '/secrets{name}', refused.swarm),
    ('GET POST DELETE', '/configs{name}', refused.swarm),
)

_Found = tuple[Handler, Mapping[str, str]]


def find(method: str, path: str) -> _Found | None:
    """The handler of a path without version, and what the path names; None if there is none."""
    exact = _EXACT.get((method, path))
    if exact is not None:
        return exact, {}
    for pattern, handler in _PATTERNS.get((method, path.split('/', 2)[1] if path.startswith('/') else ''), ()):
        match = pattern.fullmatch(path)
        if match is not None:
            return handler, {name: unquote(text) for name, text in match.groupdict().items()}
    return None


def _expression(pattern: str) -> re.Pattern[str]:
    expression = re.escape(pattern).replace(r'\{id\}', '(?P<id>[^/]+)')
    if pattern.endswith('{name}') and not pattern.endswith('/{name}'):
        return re.compile(expression.replace(r'\{name\}', '(?P<name>(?:/.*)?)'))
    return re.compile(expression.replace(r'\{name\}', '(?P<name>.+)'))


_EXACT: dict[tuple[str, str], Handler] = {}
_PATTERNS: dict[tuple[str, str], list[tuple[re.Pattern[str], Handler]]] = {}
for _methods, _path, _handler in ROUTES:
    for _method in _methods.split():
        if '{' in _path:
            _PATTERNS.setdefault((_method, re.split('[/{]', _path)[1]), []).append((_expression(_path), _handler))
        else:
            _EXACT[(_method, _path)] = _handler
