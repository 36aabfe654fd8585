# SPDX-License-Identifier: Apache-2.0
"""The ``filters`` of lists and events: what is known is applied, what is not is refused."""

import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping

from nova_container import errors
from nova_container.docker.server.message import Call
from nova_container.docker.wire import expressions, units
from nova_container.engine import ContainerInfo, Event, ImageInfo
from nova_container.image import reference as references

Filters = Mapping[str, tuple[str, ...]]


def of(call: Call, known: Iterable[str]) -> Filters:
    """The filters of a request: ``{"label": ["a=b"]}``, or of old ``{"label": {"a=b": true}}``.

    :raises InvalidRequest: not such an object, or a filter that is not ``known``.
    """
    text = call.query.text('filters')
    if not text:
        return {}
    try:
        filters = {str(name): tuple(str(value) for value in values) for name, values in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise errors.InvalidRequest('filters must be a JSON object of lists of strings') from None
    for name in filters.keys() - set(known):
        raise errors.InvalidRequest(f'invalid filter {name[:64]!r}')
    return filters


def is_true(filters: Filters, name: str) -> bool | None:
    """A boolean filter; None if it is not there."""
    values = filters.get(name)
    return None if not values else values[0].lower() in ('true', '1')


def has_labels(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether all of ``name`` or ``name=value`` are there."""
    for label in wanted:
        name, equals, value = label.partition('=')
        if name not in labels or (equals and labels[name] != value):
            return False
    return True


def fits_labels(labels: Mapping[str, str], filters: Filters) -> bool:
    """Whether all of ``label`` are there, and none of ``label!``."""
    return has_labels(labels, filters.get('label', ())) and not any(
        has_labels(labels, (label,)) for label in filters.get('label!', ()))


CONTAINER = ('health', 'id', 'name', 'label', 'status', 'ancestor', 'exited', 'network', 'volume', 'before', 'since',
             'publish', 'expose', 'isolation', 'is-task')

_ContainerTest = Callable[[ContainerInfo, str], bool]
_CONTAINER_TESTS: Mapping[str, _ContainerTest] = {
    'health': lambda info, value: value == (info.health.status if info.health else 'none'),
    'id': lambda info, value: info.id.startswith(value),
    'name': lambda info, value: _found(value, f'/{info.name}') or _found(value, info.name),
    'status': lambda info, value: info.status.value == value,
    'ancestor': lambda info, value: value in (info.spec.image, f'{info.spec.image}:latest', info.image_id)
    or info.image_id.removeprefix('sha256:').startswith(value) or info.spec.image == f'{value}:latest',
    'exited': lambda info, value: info.exit is not None and not info.status.active and str(info.exit.code) == value,
    'network': lambda info, value: info.spec.network.mode.value == value
    or any(value in (each.network, each.network_id) for each in info.endpoints),
    'volume': lambda info, value: any(
        value in (mount.source, mount.target, mount.volume.name if mount.volume else '') for mount in info.mounts),
    'publish': lambda info, value: any(_in_range(value, str(port.host_port), port.protocol) for port in info.ports),
    'expose': lambda info, value: any(
        _in_range(value, *port.split('/')) for port in (*info.spec.exposed_ports, *(
            f'{port.container_port}/{port.protocol}' for port in info.ports))),
    'isolation': lambda info, value: value in ('', 'default'),
    'is-task': lambda info, value: value.lower() not in ('1', 'true'),
}


def _in_range(wanted: str, port: str, protocol: str) -> bool:
    """Whether ``80``, ``80-90`` or ``80-90/udp`` has a port in it; without a protocol it is of tcp."""
    numbers, _, kind = wanted.partition('/')
    first, _, last = numbers.partition('-')
    if not (first.isdigit() and (last or first).isdigit()):
        raise errors.InvalidRequest(f'{wanted[:64]!r} must be a port or a range of ports, such as 80-90/tcp')
    return (kind or 'tcp') == protocol and int(first) <= int(port) <= int(last or first)


_WORDS: Mapping[str, tuple[str, ...]] = {
    'status': ('created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'),
    'health': ('starting', 'healthy', 'unhealthy', 'none')}


def containers(infos: Iterable[ContainerInfo], filters: Filters) -> list[ContainerInfo]:
    """Those that fit every filter; of one filter's values, any (of labels, all)."""
    found = list(infos)
    for edge, values in filters.items():
        _check_values(edge, values)
        if edge in ('before', 'since'):
            found = _beside(found, edge, values)
        elif edge == 'label':
            found = [info for info in found if has_labels(info.labels, values)]
        else:
            test = _CONTAINER_TESTS[edge]
            found = [info for info in found if any(test(info, value) for value in values)]
    return found


def _check_values(name: str, values: Iterable[str]) -> None:
    """:raises InvalidRequest: one is a word that nothing is called."""
    for value in values:
        if value not in _WORDS.get(name, (value,)) or (name == 'exited' and not value.lstrip('-').isdigit()):
            raise errors.InvalidRequest(f'invalid filter {name}={value[:64]!r}')


def _beside(infos: list[ContainerInfo], edge: str, values: tuple[str, ...]) -> list[ContainerInfo]:
    for value in values:
        pivot = next((info for info in infos if value == info.name or info.id.startswith(value)), None)
        if pivot is None:
            raise errors.ContainerNotFound(value)
        infos = [info for info in infos if info is not pivot
                 and (info.created_at < pivot.created_at) == (edge == 'before')]
    return infos


IMAGE = ('reference', 'dangling', 'label', 'before', 'since', 'until')


def images(infos: Iterable[ImageInfo], filters: Filters) -> list[ImageInfo]:
    """Those that the filters let through; with ``reference`` an image has the names that match, and no others."""
    found = list(infos)
    dangling = is_true(filters, 'dangling')
    if dangling is not None:
        found = [info for info in found if bool(info.references) is not dangling]
    if patterns := filters.get('reference'):
        shown = [dataclasses.replace(info, references=_matching(info.references, patterns)) for info in found]
        found = [info for info in shown if info.references]
    if labels := filters.get('label'):
        found = [info for info in found if has_labels(_image_labels(info), labels)]
    for label in filters.get('label!', ()):
        found = [info for info in found if not has_labels(_image_labels(info), (label,))]
    for edge in filters.keys() & {'before', 'since'}:
        for value in filters[edge]:
            pivot = _image(infos, value).created_at
            found = [info for info in found if (info.created_at < pivot if edge == 'before'
                                                else info.created_at > pivot)]
    moment = before(filters)
    return found if moment is None else [info for info in found if info.created_at < moment]


def before(filters: Filters) -> float | None:
    """The moment that the filter ``until`` names; None without it. :raises InvalidRequest: it names none."""
    return min((units.moment_of(text, time.time()) or 0.0 for text in filters.get('until', ())), default=None)


def _image(infos: Iterable[ImageInfo], name: str) -> ImageInfo:
    for info in infos:
        if info.id.removeprefix('sha256:').startswith(name.removeprefix('sha256:')) or (
                {name, f'{name}:latest'} & set(info.references)):
            return info
    raise errors.ImageNotFound(name)


def _matching(names: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Docker's match: a shell pattern over the name with or without its tag or digest."""
    expressions = [_expression(pattern) for pattern in patterns]
    return tuple(name for name in names if any(
        expression.fullmatch(name) or expression.fullmatch(references.parse(name).familiar_name())
        for expression in expressions))


def _translated(part: str) -> str:
    if part == '?':
        return '[^/]'
    return part if len(part) > 2 else re.escape(part[-1])


def _expression(pattern: str) -> re.Pattern[str]:
    """A star takes as little as it can and never more afterwards, so that many of them take no time.

    :raises InvalidRequest: it is no shell pattern.
    """
    pieces = ['']
    for part in re.findall(r'\\.|\[[^\]]+\]|\*+|.', pattern, re.DOTALL):
        if part[0] == '*':
            pieces.append('')
        else:
            pieces[-1] += _translated(part)
    first, *others = pieces
    lazy = ''.join(f'(?>[^/]*?{piece})' for piece in others[:-1])
    try:
        return re.compile(first + lazy + ''.join(f'[^/]*{piece}' for piece in others[-1:]))
    except re.error:
        raise errors.InvalidRequest(f'reference: {pattern[:128]!r} is no pattern') from None


def _image_labels(info: ImageInfo) -> Mapping[str, str]:
    labels = info.config.get('Labels')
    return labels if isinstance(labels, dict) else {}


EVENT = ('type', 'event', 'container', 'image', 'label', 'scope', 'daemon', 'network', 'volume')


def wants(event: Event, filters: Filters) -> bool:
    """Whether an event fits every filter."""
    tests: Mapping[str, Callable[[str], bool]] = {
        'type': lambda value: event.type == value,
        'event': lambda value: event.action == value or event.action.startswith(f'{value}:'),
        'container': lambda value: event.type == 'container' and _is_actor(event, value),
        'image': lambda value: (event.type == 'image' and _is_actor(event, value))
        or event.attributes.get('image', '') in (value, f'{value}:latest'),
        'volume': lambda value: event.type == 'volume' and event.actor_id == value,
        'network': lambda value: event.type == 'network' and _is_actor(event, value),
        'scope': lambda value: value == 'local',
    }
    for name, values in filters.items():
        if name == 'label':
            if not has_labels(event.attributes, values):
                return False
        elif name not in tests or not any(tests[name](value) for value in values):
            return False
    return True


def _is_actor(event: Event, value: str) -> bool:
    return event.actor_id.startswith(value) or event.attributes.get('name') == value


def _found(pattern: str, text: str) -> bool:
    return expressions.compiled(pattern, 'name').search(text) is not None
