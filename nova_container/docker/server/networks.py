# SPDX-License-Identifier: Apache-2.0
"""Handlers: networks, and containers put into and taken out of them."""

from collections.abc import Callable, Mapping

from nova_container.docker.server import filters
from nova_container.docker.server.message import Answer, Call, Reply, of_json
from nova_container.docker.wire import networks as wire
from nova_container.docker.wire import versions
from nova_container.engine.network import NetworkInfo

_BUILT_IN = ('bridge', 'host', 'none')
_OK = Reply(200)

_Test = Callable[[NetworkInfo, str], bool]
_TESTS: Mapping[str, _Test] = {
    'name': lambda info, value: value in info.spec.name,
    'id': lambda info, value: info.id.startswith(value),
    'driver': lambda info, value: value in (info.spec.driver, 'null' if info.spec.driver == 'none' else ''),
    'type': lambda info, value: value == ('builtin' if info.spec.name in _BUILT_IN else 'custom'),
    'scope': lambda info, value: value == 'local',
}


def listed(call: Call) -> Answer:
    wanted = filters.of(call, (*_TESTS, 'label', 'dangling'))
    found = [info for info in call.engine.list_networks() if _fits(info, wanted)]
    return of_json([versions.network(wire.info_body(info, containers=False), call.version) for info in found])


def _fits(info: NetworkInfo, wanted: filters.Filters) -> bool:
    dangling = filters.is_true(wanted, 'dangling')
    if dangling is not None and dangling is not (not info.endpoints and info.spec.name not in _BUILT_IN):
        return False
    if not filters.has_labels(info.spec.labels, wanted.get('label', ())):
        return False
    return all(any(_TESTS[name](info, value) for value in values) for name, values in wanted.items()
               if name in _TESTS)


def show(call: Call) -> Answer:
    return of_json(versions.network(wire.info_body(call.engine.inspect_network(call.params['id'])), call.version))


def create(call: Call) -> Answer:
    return of_json({'Id': call.engine.create_network(wire.wanted_of(call.document())), 'Warning': ''}, 201)


def remove(call: Call) -> Answer:
    """Docker answers 404 for none; the contract's verb is silent, so it is asked first."""
    call.engine.remove_network(call.engine.inspect_network(call.params['id']).id)
    return Reply(204)


def connect(call: Call) -> Answer:
    call.engine.connect(*wire.connect_of(call.params['id'], call.document()))
    return _OK


def disconnect(call: Call) -> Answer:
    container, force = wire.disconnect_of(call.document())
    call.engine.disconnect(container, call.params['id'], force=force)
    return _OK


def prune(call: Call) -> Answer:
    """All that no container is in, or of those only the ones with the labels asked for."""
    wanted = filters.of(call, ('label', 'label!', 'until'))
    if not wanted:
        return of_json({'NetworksDeleted': list(call.engine.prune_networks()) or None})
    removed, moment = [], filters.before(wanted)
    for info in call.engine.list_networks():
        if info.endpoints or info.spec.name in _BUILT_IN or (moment is not None and info.created_at >= moment):
            continue
        if not info.spec.config_only and filters.fits_labels(info.spec.labels, wanted):
            call.engine.remove_network(info.id)
            removed.append(info.spec.name)
    return of_json({'NetworksDeleted': removed or None})
