# SPDX-License-Identifier: Apache-2.0
"""Handlers: volumes."""

from nova_container import errors
from nova_container.docker.server import filters
from nova_container.docker.server.message import NO_CONTENT, Answer, Call, of_json
from nova_container.docker.wire import volumes as wire
from nova_container.engine.volume import VolumeInfo

_FILTERS = ('name', 'label', 'driver', 'dangling')


def create(call: Call) -> Answer:
    volume = wire.requested_volume(call.document())
    return of_json(wire.volume_body(call.engine.create_volume(volume)), 201)


def listed(call: Call) -> Answer:
    wanted = filters.of(call, _FILTERS)
    found = [info for info in call.engine.list_volumes() if _fits(info, wanted)]
    return of_json({'Volumes': [wire.volume_body(info) for info in found], 'Warnings': None})


def _fits(info: VolumeInfo, wanted: filters.Filters) -> bool:
    dangling = filters.is_true(wanted, 'dangling')
    return (dangling is None or dangling is not bool(info.used_by)) and (
        filters.has_labels(info.spec.labels, wanted.get('label', ()))
        and (not wanted.get('name') or any(name in info.name for name in wanted['name']))
        and (not wanted.get('driver') or info.spec.driver in wanted['driver']))


def show(call: Call) -> Answer:
    return of_json(wire.volume_body(call.engine.inspect_volume(call.params['id'])))


def remove(call: Call) -> Answer:
    """Docker answers 404 for none, unless forced; the contract's verb is silent, so it is asked first."""
    force = call.query.flag('force')
    if not force:
        call.engine.inspect_volume(call.params['id'])
    call.engine.remove_volume(call.params['id'], force=force)
    return NO_CONTENT


def prune(call: Call) -> Answer:
    """Anonymous ones, or with the filter ``all`` every unused one."""
    wanted = filters.of(call, ('all', 'label', 'label!'))
    everything = filters.is_true(wanted, 'all') is True or call.version < (1, 42)
    if not wanted.keys() & {'label', 'label!'}:
        gone, freed = call.engine.prune_volumes(all_unused=everything)
        return of_json({'VolumesDeleted': list(gone), 'SpaceReclaimed': freed})
    removed, freed = [], 0
    for info in call.engine.list_volumes(sizes=True):
        if not info.used_by and (everything or info.anonymous) and (
                filters.fits_labels(info.spec.labels, wanted)) and _removed(call, info):
            removed.append(info.name)
            freed += info.size_bytes or 0
    return of_json({'VolumesDeleted': removed, 'SpaceReclaimed': freed})


def _removed(call: Call, info: VolumeInfo) -> bool:
    try:
        call.engine.remove_volume(info.name)
    except errors.WrongState:  # it is used by now
        return False
    return True
