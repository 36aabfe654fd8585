# SPDX-License-Identifier: Apache-2.0
"""Handlers: containers made, shown, changed and removed.

``GET /containers/json?inspect=1`` is ours: inspect bodies instead of rows, one request instead of many.
"""

import contextlib
import secrets
import time
from collections.abc import Iterable

from nova_container import errors
from nova_container.docker import status as statuses
from nova_container.docker.server import filters, platforms
from nova_container.docker.server.message import NO_CONTENT, Answer, Call, of_json
from nova_container.docker.wire import container as wire
from nova_container.docker.wire import inspection, listing, logs, versions
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import ContainerInfo, ContainerSpec
from nova_container.engine.spec import NetworkMode


def create(call: Call) -> Answer:
    document = call.document()
    spec = wire.requested_spec(call.query.text('name').removeprefix('/') or _any_name(), document)
    host = Document(document).document('HostConfig')
    _check_cpus(call, host)
    if call.query.text('platform'):
        platforms.check(call.engine.inspect_image(spec.image), call.query.text('platform'))
    try:
        return of_json({'Id': call.engine.create(spec), 'Warnings': [*_warnings(spec), *logs.warnings_of(host)]}, 201)
    except errors.ImageNotFound:
        raise
    except errors.NotFound as error:  # a 404 would say to clients that the image is not here
        return of_json(statuses.body_of(error), 400)


def _warnings(spec: ContainerSpec) -> list[str]:
    """What was asked for and means nothing beside the rest of it, in Docker's words."""
    network = spec.network
    if network.mode is NetworkMode.HOST and network.ports:
        return ['Published ports are discarded when using host network mode']
    return []


def _check_cpus(call: Call, host: Document) -> None:
    """:raises InvalidSpec: more CPUs are asked for than there are."""
    if (host.integer('NanoCpus') or 0) > call.context.cpus * 1_000_000_000:
        raise errors.InvalidSpec(f'{host.path("NanoCpus")}: this host has {call.context.cpus} CPUs: ask for that many '
                                 'or fewer')


def _any_name() -> str:
    return f'container-{secrets.token_hex(6)}'


def show(call: Call) -> Answer:
    info = call.engine.inspect(call.container)
    body = versions.container(_body(call, info), call.version)
    return of_json(body | _sizes(call, info) if call.query.flag('size') else body)


def _sizes(call: Call, info: ContainerInfo) -> Json:
    """What it wrote, and that with its image."""
    written = call.engine.written_bytes(info.id)
    try:
        below = call.engine.inspect_image(info.image_id).size_bytes
    except errors.ImageNotFound:
        below = 0
    return {'SizeRw': written, 'SizeRootFs': written + below}


def _body(call: Call, info: ContainerInfo) -> Json:
    return inspection.inspect_body(info, call.context.argv(info), call.context.storage_driver)


def listed(call: Call) -> Answer:
    wanted = filters.of(call, filters.CONTAINER)
    infos = filters.containers(call.engine.list(), wanted)
    limit = call.query.number('limit') or 0
    if not (call.query.flag('all') or limit > 0 or wanted.keys() & {'status', 'exited'}):
        infos = [info for info in infos if info.status.active]
    if limit > 0:
        infos = infos[:limit]
    if call.query.flag('inspect'):
        return of_json([_body(call, info) for info in infos])
    return of_json([versions.row(row, call.version) for row in rows(call, infos, sizes=call.query.flag('size'))])


def rows(call: Call, infos: Iterable[ContainerInfo], *, sizes: bool) -> list[Json]:
    """Rows of a list. One that is gone when its size is asked for has none."""
    now, found = time.time(), []
    for info in infos:
        row = listing.row_body(info, call.context.argv(info), now)
        if sizes:
            with contextlib.suppress(errors.ContainerNotFound):
                row |= _sizes(call, info)
        found.append(row)
    return found


def remove(call: Call) -> Answer:
    """Docker answers 404 for none; the contract's ``remove`` is silent, so it is asked first."""
    if call.query.flag('link'):
        raise errors.Unsupported('link is not supported by this engine')
    found = call.engine.inspect(call.container)
    call.engine.remove(found.id, force=call.query.flag('force'), volumes=call.query.flag('v'))
    return NO_CONTENT


def update(call: Call) -> Answer:
    document = call.document()
    limits, restart = wire.update_of(document)
    _check_cpus(call, Document(document))
    call.engine.update(call.container, limits, restart)
    return of_json({'Warnings': []})


def rename(call: Call) -> Answer:
    name = call.query.text('name').removeprefix('/')
    if not name:
        raise errors.InvalidRequest('name must hold the new name')
    call.engine.rename(call.container, name)
    return NO_CONTENT


def prune(call: Call) -> Answer:
    """Remove what is not alive."""
    wanted = filters.of(call, ('label', 'label!', 'until'))
    moment = filters.before(wanted)
    removed, freed = [], 0
    for info in call.engine.list():
        if info.status.active or (moment is not None and info.created_at >= moment):
            continue
        if filters.fits_labels(info.labels, wanted):
            written = _written(call, info.id)
            if _removed(call, info.id):
                removed.append(info.id)
                freed += written
    return of_json({'ContainersDeleted': removed or None, 'SpaceReclaimed': freed})


def _written(call: Call, container_id: str) -> int:
    try:
        return call.engine.written_bytes(container_id)
    except errors.ContainerNotFound:
        return 0


def _removed(call: Call, container_id: str) -> bool:
    try:
        call.engine.remove(container_id)
    except errors.WrongState:  # it was started meanwhile
        return False
    return True
