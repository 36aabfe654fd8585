# SPDX-License-Identifier: Apache-2.0
"""Handlers: containers made, shown, changed and removed.

``GET /containers/json?inspect=1`` is ours: inspect bodies instead of rows, one request instead of many.
"""

import secrets
import time

from nova_container import errors
from nova_container.docker.server import filters
from nova_container.docker.server.message import NO_CONTENT, Answer, Call, of_json
from nova_container.docker.wire import container as wire
from nova_container.docker.wire import inspection, listing
from nova_container.engine import ContainerInfo


def create(call: Call) -> Answer:
    platform = call.query.text('platform')
    if platform and not platform.startswith('linux'):
        raise errors.Unsupported(f'platform {platform[:64]!r} is not supported: only linux is')
    spec = wire.requested_spec(call.query.text('name').removeprefix('/') or _any_name(), call.document())
    return of_json({'Id': call.engine.create(spec), 'Warnings': []}, 201)


def _any_name() -> str:
    return f'container-{secrets.token_hex(6)}'


def show(call: Call) -> Answer:
    _refuse_sizes(call)
    return of_json(_body(call, call.engine.inspect(call.container)))


def _body(call: Call, info: ContainerInfo) -> object:
    return inspection.inspect_body(info, call.context.argv(info), call.context.storage_driver)


def listed(call: Call) -> Answer:
    _refuse_sizes(call)
    wanted = filters.of(call, filters.CONTAINER)
    infos = filters.containers(call.engine.list(), wanted)
    limit = call.query.number('limit') or 0
    if not (call.query.flag('all') or limit > 0 or wanted.keys() & {'status', 'exited'}):
        infos = [info for info in infos if info.status.alive]
    if limit > 0:
        infos = infos[:limit]
    if call.query.flag('inspect'):
        return of_json([_body(call, info) for info in infos])
    now = time.time()
    return of_json([listing.row_body(info, call.context.argv(info), now) for info in infos])


def _refuse_sizes(call: Call) -> None:
    if call.query.flag('size'):
        raise errors.Unsupported('size is not supported by this engine: leave it out')


def remove(call: Call) -> Answer:
    """Docker answers 404 for none; the contract's ``remove`` is silent, so it is asked first."""
    if call.query.flag('link'):
        raise errors.Unsupported('link is not supported by this engine')
    found = call.engine.inspect(call.container)
    call.engine.remove(found.id, force=call.query.flag('force'), volumes=call.query.flag('v'))
    return NO_CONTENT


def update(call: Call) -> Answer:
    limits, restart = wire.update_of(call.document())
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
    wanted = filters.of(call, ('label', 'until'))
    if 'until' in wanted:
        raise errors.Unsupported('The filter until is not supported by this engine')
    removed = []
    for info in filters.containers(call.engine.list(), wanted):
        if not info.status.alive and _removed(call, info.id):
            removed.append(info.id)
    return of_json({'ContainersDeleted': removed, 'SpaceReclaimed': 0})


def _removed(call: Call, container_id: str) -> bool:
    try:
        call.engine.remove(container_id)
    except errors.WrongState:  # it was started meanwhile
        return False
    return True
