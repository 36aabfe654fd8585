# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests, as a client would send them, with all the fields there are at one time or another."""

import copy
import json
import re
from pathlib import Path
from random import Random

from tools.fuzz import mutation

IMAGE = 'localhost/box:1'
_SURFACE: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / 'api_coverage' / 'surface.json').read_text())['fields']
_FULL: dict[str, object] = {
    'Cmd': ['sleep', '5'], 'Entrypoint': ['/bin/sh', '-c'], 'Env': ['A=b'], 'Labels': {'a': 'b'}, 'User': '1000:50',
    'WorkingDir': '/tmp', 'ExposedPorts': {'80/tcp': {}}, 'Volumes': {'/v': {}}, 'StopSignal': 'SIGINT', 'Tty': True,
    'Healthcheck': {'Test': ['CMD', 'true'], 'Interval': 10**9, 'Timeout': 10**9, 'Retries': 2, 'StartPeriod': 0},
    'Shell': ['/bin/sh', '-c'], 'StopTimeout': 1, 'OpenStdin': True, 'Hostname': 'h', 'Domainname': 'd.example'}
_HOST: dict[str, object] = {
    'Memory': 64 << 20, 'NanoCpus': 500_000_000, 'PidsLimit': 50, 'CapAdd': ['NET_RAW'], 'CapDrop': ['ALL'],
    'Binds': ['v:/v', '/etc:/x'], 'Mounts': [{'Type': 'volume', 'Source': 'v', 'Target': '/w'}],
    'Tmpfs': {'/t': 'size=1m'}, 'RestartPolicy': {'Name': 'on-failure', 'MaximumRetryCount': 1}, 'Init': True,
    'PortBindings': {'80/tcp': [{'HostPort': ''}]}, 'NetworkMode': 'none', 'Privileged': True, 'PidMode': 'host',
    'Ulimits': [{'Name': 'nofile', 'Soft': 64, 'Hard': 64}], 'Sysctls': {'net.ipv4.ip_forward': '0'},
    'Dns': ['10.0.0.1'], 'ExtraHosts': ['a:10.0.0.2'], 'LogConfig': {'Type': 'json-file', 'Config': {'max-size': '1k'}},
    'ReadonlyRootfs': True, 'SecurityOpt': ['no-new-privileges'], 'ShmSize': 1 << 20, 'AutoRemove': True,
    'CgroupParent': '/x', 'Devices': [{'PathOnHost': '/dev/null', 'PathInContainer': '/dev/n'}], 'OomScoreAdj': 5,
    'IpcMode': 'private', 'UsernsMode': '', 'StorageOpt': {}, 'GroupAdd': ['50'], 'Links': ['runs:r']}
_ENDPOINT = {'Aliases': ['a'], 'IPAMConfig': {'IPv4Address': '10.99.0.9'}, 'MacAddress': '02:42:ac:11:00:02'}


def of(random: Random, pattern: str) -> object:
    """A body for an endpoint."""
    maker = next((maker for key, maker in _MAKERS.items() if re.search(key, pattern)), None)
    return maker(random) if maker else random.choice(({}, None, mutation.odd(random)))


def _some(random: Random, fields: dict[str, object]) -> dict[str, object]:
    chosen = random.sample(sorted(fields), min(len(fields), random.choice((0, 1, 2, 4))))
    return {name: fields[name] for name in chosen}


def _container(random: Random) -> dict[str, object]:
    host = _with_odd_fields(random, _some(random, _HOST), 'container create: HostConfig')
    body = {'Image': IMAGE, 'Cmd': ['sleep', '5'], **_some(random, _FULL), 'HostConfig': host}
    if random.random() < 0.3:
        body['NetworkingConfig'] = {'EndpointsConfig': {random.choice(('bridge', 'fuzz-net')): _ENDPOINT}}
    return _with_odd_fields(random, body, 'container create')


def _with_odd_fields(random: Random, body: dict[str, object], kind: str) -> dict[str, object]:
    """Also fields that the API has and nobody thinks of, with values that may be wrong."""
    for path in random.sample(_SURFACE[kind], random.choice((0, 0, 1, 3))):
        place = body
        *above, last = [part.rstrip('[]*{}') for part in path.split('.')]
        for name in above:
            inner = place.get(name)
            place[name] = inner = copy.copy(inner) if isinstance(inner, dict) else {}
            place = inner
        place[last] = mutation.odd(random)
    return body


def _network(random: Random) -> dict[str, object]:
    subnet = random.choice(('10.99.0.0/24', '10.99.0.0/30', 'fd00::/64', '0.0.0.0/0', '127.0.0.0/8', '224.0.0.0/4'))
    return {'Name': random.choice(('fuzz-net', 'n2', 'bridge')), **_some(random, {
        'Driver': random.choice(('bridge', 'macvlan', 'overlay')), 'Internal': True, 'EnableIPv6': True,
        'Labels': {'a': 'b'}, 'Options': {'com.docker.network.bridge.name': 'fz0'}, 'CheckDuplicate': True,
        'IPAM': {'Driver': 'default', 'Config': [
            {'Subnet': subnet, 'Gateway': '10.99.0.1', 'IPRange': '10.99.0.0/28'}]}})}


_MAKERS = {
    '/containers/create': _container,
    '/update': lambda random: _some(random, _HOST),
    '/containers/.*/exec': lambda random: {'Cmd': ['echo', 'x'], **_some(random, {
        'AttachStdout': True, 'AttachStdin': True, 'Tty': True, 'User': 'x', 'WorkingDir': '/no', 'Env': ['A'],
        'Privileged': True, 'DetachKeys': 'ctrl-x'})},
    '/exec/.*/start': lambda random: {'Detach': random.random() < 0.5, 'Tty': random.random() < 0.5},
    '/networks/create': _network,
    '/connect': lambda random: {'Container': random.choice(('runs', 'fuzz-1')), 'EndpointConfig': _ENDPOINT},
    '/disconnect': lambda random: {'Container': random.choice(('runs', 'fuzz-1')), 'Force': True},
    '/volumes/create': lambda random: {'Name': random.choice(('v', 'fuzz-vol')), **_some(random, {
        'Driver': 'local', 'Labels': {'a': 'b'}, 'DriverOpts': {'type': 'none', 'o': 'bind', 'device': '/etc'}})},
    '/commit': lambda random: {'Cmd': ['x'], **_some(random, _FULL)},
    '/auth': lambda random: {'username': 'u', 'password': 'p', 'serveraddress': '127.0.0.1:1'},
}
