# SPDX-License-Identifier: Apache-2.0
"""Handlers: images made from Dockerfiles. The classic builder's API; BuildKit's sessions are refused elsewhere."""

import contextlib
import itertools
from collections.abc import Generator, Iterator

from nova_container import errors
from nova_container.docker.server import filters, telling
from nova_container.docker.server.message import Answer, Call, Stream, of_json
from nova_container.docker.wire import build as wire
from nova_container.docker.wire import registry as registry_wire
from nova_container.engine import Progress
from nova_container.image import reference as references

_OF_PARTS = ('id', 'parent', 'type', 'description', 'inuse', 'shared', 'private')
_KEPT_CHARACTERS = 1 << 20
_CACHE_FROM = 'No image is asked for its layers (cachefrom): the steps of earlier builds here are the cache\n'
_FIELDS = (*wire.REFUSED, 'dockerfile', 'buildargs', 'labels', 'target', 'nocache', 'pull', 'platform', 'networkmode',
           'extrahosts', 'shmsize', 'ulimits', *wire.LIMITS)


def build(call: Call) -> Answer:
    if call.query.text('version') == '2':
        raise errors.Unsupported('This engine has no BuildKit: set DOCKER_BUILDKIT=0')
    values = {name: call.query.text(name) for name in _FIELDS}
    wire.check(values)
    tags = tuple(references.parse(tag).familiar() for tag in call.query.texts('t') if tag)
    spec = wire.spec_of(values, tags, registry_wire.all_credentials_of(call.headers.get(b'x-registry-config')))
    told = call.engine.build(call.body, spec)
    if call.query.text('cachefrom') not in ('', '[]', 'null'):
        told = _with_a_note(told, _CACHE_FROM)
    if call.query.flag('q'):
        told = _only_the_id(told)
    return Stream(telling.lines(call, told, lambda one: {'ID': one.result}))


def _closing(told: Iterator[Progress]) -> contextlib.AbstractContextManager[object]:
    return contextlib.closing(told) if isinstance(told, Generator) else contextlib.nullcontext()


def _with_a_note(told: Iterator[Progress], text: str) -> Iterator[Progress]:
    """A line after the first, as what fails before that is an error and no line."""
    with _closing(told):
        for one in itertools.islice(told, 1):
            yield one
            yield Progress(stream=text)
        yield from told


def _only_the_id(told: Iterator[Progress]) -> Iterator[Progress]:
    """What ``docker build -q`` shows, and if a step fails, all that was said; signs of life pass."""
    kept, size = [], 0
    with _closing(told):
        try:
            for one in told:
                if one.result:
                    yield Progress(stream=f'{one.result}\n', result=one.result)
                elif one == Progress():
                    yield one
                elif size < _KEPT_CHARACTERS:
                    kept.append(one)
                    size += len(one.stream)
        except errors.StepFailed:
            yield from kept
            raise


def prune(call: Call) -> Answer:
    """What is kept has no parts that other filters could choose, so that they choose none."""
    wanted = filters.of(call, ('until', 'unused-for', *_OF_PARTS))
    if wanted.keys() & set(_OF_PARTS):
        freed = 0
    else:
        moments = wanted.get('until', ()) + wanted.get('unused-for', ())
        freed = call.engine.prune_builds(until=filters.before({'until': moments}))
    return of_json({'CachesDeleted': [], 'SpaceReclaimed': freed})
