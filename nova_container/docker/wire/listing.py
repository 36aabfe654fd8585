# SPDX-License-Identifier: Apache-2.0
"""Containers in a list: the rows of GET /containers/json."""

from nova_container.docker.wire import inspection, network, networks, ports
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state


_HEALTH = {'starting': ' (health: starting)', 'healthy': ' (healthy)', 'unhealthy': ' (unhealthy)'}


def row_body(info: state.ContainerInfo, argv: tuple[str, ...], now: float) -> Json:
    """One row. ``argv`` is the command as resolved with the image's."""
    return {
        'Id': info.id, 'Names': [f'/{info.name}'], 'Image': info.spec.image, 'ImageID': info.image_id,
        'Command': ' '.join((*argv[:1], *(f"'{word}'" if ' ' in word else word for word in argv[1:]))),
        'Created': int(info.created_at),
        'Ports': ports.rows(info.spec.exposed_ports if info.status.alive else (), info.ports),
        'Labels': dict(info.labels),
        'State': info.status.value, 'Status': sentence(info, now),
        'HostConfig': {'NetworkMode': network.mode_text(info.spec.network)} | (
            {'Annotations': dict(info.spec.annotations)} if info.spec.annotations else {}),
        'NetworkSettings': {'Networks': networks.settings_body(info)},
        'Mounts': inspection.mount_points(info.mounts),
    }


def row_id(row: object) -> str:
    return Document(row).text('Id')


def row_names(row: object) -> tuple[str, ...]:
    return tuple(name.removeprefix('/') for name in Document(row).texts('Names'))


def row_labels(row: object) -> dict[str, str]:
    return Document(row).mapping('Labels')


def row_network_mode(row: object) -> str:
    return Document(row).document('HostConfig').text('NetworkMode')


def row_created_at(row: object) -> int:
    return Document(row).integer('Created') or 0


def sentence(info: state.ContainerInfo, now: float) -> str:
    """The STATUS column of ``docker ps``."""
    if info.status is state.Status.CREATED:
        return 'Created'
    if info.status.alive:
        beside = ' (Paused)' if info.status is state.Status.PAUSED else _HEALTH.get(
            info.health.status if info.health else '', '')
        return f'Up {duration(now - (info.started_at or now))}{beside}'
    word = 'Restarting' if info.status is state.Status.RESTARTING else 'Exited'
    if info.exit is None:
        return word
    return f'{word} ({info.exit.code}) {duration(now - info.exit.finished_at)} ago'


def duration(seconds: float) -> str:
    """A duration in words, as docker/go-units HumanDuration says it."""
    if seconds < 1:
        return 'Less than a second'
    for limit, divisor, one, many in ((60, 1, '1 second', 'seconds'), (3600, 60, 'About a minute', 'minutes'),
                                      (48 * 3600, 3600, 'About an hour', 'hours'),
                                      (14 * 86400, 86400, '1 day', 'days'), (60 * 86400, 604800, '1 week', 'weeks')):
        if seconds < limit:
            count = int(seconds / divisor)
            return one if count == 1 else f'{count} {many}'
    months = int(seconds / (30 * 86400))
    return f'{months} months' if months < 24 else f'{int(seconds / (365 * 86400))} years'
