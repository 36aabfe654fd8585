# SPDX-License-Identifier: Apache-2.0
"""Handlers: images made from Dockerfiles. The classic builder's API; BuildKit's sessions are refused elsewhere."""

from nova_container import errors
from nova_container.docker.server import telling
from nova_container.docker.server.message import Answer, Call, Stream, of_json
from nova_container.docker.wire import build as wire
from nova_container.docker.wire import registry as registry_wire
from nova_container.image import reference as references

_FIELDS = (*wire.REFUSED, 'dockerfile', 'buildargs', 'labels', 'target', 'nocache', 'pull', 'platform', 'networkmode',
           'extrahosts', 'memory', 'cpushares', 'cpusetcpus')


def build(call: Call) -> Answer:
    if call.query.text('version') == '2':
        raise errors.Unsupported('This engine has no BuildKit: set DOCKER_BUILDKIT=0')
    values = {name: call.query.text(name) for name in _FIELDS}
    wire.check(values)
    tags = tuple(references.parse(tag).familiar() for tag in call.query.texts('t') if tag)
    spec = wire.spec_of(values, tags, registry_wire.all_credentials_of(call.headers.get(b'x-registry-config')))
    quiet = call.query.flag('q')
    told = call.engine.build(call.body, spec)
    kept = (one for one in told if not quiet or one.result or one == type(one)()) if quiet else told
    return Stream(telling.lines(call, kept, lambda one: {'ID': one.result}))


def prune(call: Call) -> Answer:
    return of_json({'CachesDeleted': [], 'SpaceReclaimed': call.engine.prune_builds()})
