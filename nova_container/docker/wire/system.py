# SPDX-License-Identifier: Apache-2.0
"""The engine itself <-> the bodies of GET /version and GET /info."""

from typing import Any

from nova_container.docker.wire import units, versions
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state

COMPONENT = 'nova-container-engine'
"""The component of /version by which a client knows our server."""

API_VERSION = versions.text_of(versions.NEWEST)
MIN_API_VERSION = versions.text_of(versions.OLDEST)

_HUB, _INDEX_SERVER = 'docker.io', 'https://index.docker.io/v1/'
_LOOPBACK = ('127.0.0.0/8', '::1/128')
_GO_ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64', 'armv7l': 'arm', 'i686': '386'}


def go_architecture(name: str) -> str:
    """The name that images and Docker have for an architecture of the kernel's."""
    return _GO_ARCHITECTURES.get(name, name)


def version_body(info: state.EngineInfo) -> Json:
    architecture = go_architecture(info.architecture)
    details = {'ApiVersion': API_VERSION, 'MinAPIVersion': MIN_API_VERSION, 'Os': 'linux',
               'Arch': architecture, 'KernelVersion': info.kernel_version, 'Experimental': 'false',
               'GitCommit': '', 'BuildTime': units.timestamp_of(info.started_at), 'GoVersion': ''}
    return {
        'Platform': {'Name': info.name},
        'Components': [{'Name': COMPONENT, 'Version': info.version, 'Details': details},
                       {'Name': info.runtime, 'Version': info.runtime_version, 'Details': {'GitCommit': ''}}],
        'Version': info.version, 'ApiVersion': API_VERSION, 'MinAPIVersion': MIN_API_VERSION, 'GitCommit': '',
        'GoVersion': '', 'Os': 'linux', 'Arch': architecture, 'KernelVersion': info.kernel_version,
        'BuildTime': units.timestamp_of(info.started_at),
    }


def is_ours(version: object) -> bool:
    """Whether a /version body is of our own server."""
    return any(component.text('Name') == COMPONENT for component in Document(version).documents('Components'))


def info_body(info: state.EngineInfo, now: float) -> Json:
    """``NovaContainer`` is ours: what /info has no field for."""
    counts = info.containers
    return {
        'ID': info.hostname, 'Containers': sum(counts.values()), 'ContainersRunning': counts.get('running', 0),
        'ContainersPaused': counts.get('paused', 0),
        'ContainersStopped': counts.get('stopped', 0), 'Images': info.images,
        'Driver': info.storage_driver, 'DriverStatus': [], 'DockerRootDir': info.state_dir,
        'Plugins': {'Volume': ['local'], 'Network': ['bridge', 'host', 'macvlan', 'null'], 'Authorization': None,
                    'Log': ['json-file', 'local']},
        'MemoryLimit': True, 'SwapLimit': True, 'CpuCfsPeriod': True, 'CpuCfsQuota': True, 'CPUShares': True,
        'CPUSet': True, 'PidsLimit': True, 'OomKillDisable': info.cgroup_version == 1, 'IPv4Forwarding': True,
        'Debug': False, 'NFd': 0, 'NGoroutines': 0,
        'SystemTime': units.timestamp_of(now), 'LoggingDriver': 'json-file', 'CgroupDriver': 'cgroupfs',
        'CgroupVersion': str(info.cgroup_version), 'NEventsListener': 0, 'KernelVersion': info.kernel_version,
        'OperatingSystem': info.operating_system, 'OSVersion': '', 'OSType': 'linux',
        'Architecture': info.architecture, 'NCPU': info.cpus, 'MemTotal': info.memory_bytes,
        'IndexServerAddress': _INDEX_SERVER, 'RegistryConfig': _registries(info),
        'GenericResources': None, 'HttpProxy': '', 'HttpsProxy': '', 'NoProxy': '',
        'Name': info.hostname, 'Labels': [], 'ExperimentalBuild': False,
        'ServerVersion': info.version,
        'Runtimes': {name: {'path': name} for name in info.runtimes},
        'DefaultRuntime': info.runtime, 'Swarm': {'LocalNodeState': 'inactive', 'NodeID': '', 'NodeAddr': ''},
        'LiveRestoreEnabled': True, 'Isolation': '', 'InitBinary': '',
        'ContainerdCommit': {'ID': ''}, 'RuncCommit': {'ID': ''}, 'InitCommit': {'ID': ''}, 'CDISpecDirs': [],
        'FirewallBackend': {'Driver': 'nftables'}, 'SecurityOptions': ['name=seccomp,profile=builtin'],
        'Warnings': None,
        'NovaContainer': {'Name': info.name, 'RuntimeVersion': info.runtime_version, 'ApiVersion': info.api_version,
                          'Features': sorted(feature.value for feature in info.features),
                          'Containers': dict(counts), 'StartedAt': units.timestamp_of(info.started_at)},
    }


def _registries(info: state.EngineInfo) -> Json:
    networks = [name for name in info.insecure_registries if '/' in name]
    hosts = [name for name in info.insecure_registries if '/' not in name]
    index = {'Name': _HUB, 'Mirrors': list(info.mirrors), 'Secure': True, 'Official': True}
    return {'InsecureRegistryCIDRs': [*_LOOPBACK, *networks], 'Mirrors': list(info.mirrors), 'IndexConfigs': {
        _HUB: index, **{name: {'Name': name, 'Mirrors': [], 'Secure': False, 'Official': False} for name in hosts}}}


def _insecure(registries: Document) -> tuple[str, ...]:
    networks = (name for name in registries.texts('InsecureRegistryCIDRs') if name not in _LOOPBACK)
    indexes = registries.document('IndexConfigs')
    return (*networks, *(name for name in indexes.fields if not indexes.document(name).flag('Secure')))


def engine_info_of(fields: object, version: object | None = None) -> state.EngineInfo:
    """The engine that an /info body describes; ``version`` is the /version body of a Docker that is not ours."""
    body, ours = Document(fields), Document(fields).document('NovaContainer')
    return state.EngineInfo(
        name=ours.text('Name') or 'docker', version=body.text('ServerVersion'),
        api_version=ours.text('ApiVersion') or Document(version).text('ApiVersion'),
        runtime=body.text('DefaultRuntime'),
        runtime_version=ours.text('RuntimeVersion') or _runtime_version(version, body.text('DefaultRuntime')),
        kernel_version=body.text('KernelVersion'), operating_system=body.text('OperatingSystem'),
        architecture=body.text('Architecture'), cpus=body.integer('NCPU') or 0,
        memory_bytes=body.integer('MemTotal') or 0, hostname=body.text('Name'), state_dir=body.text('DockerRootDir'),
        storage_driver=body.text('Driver'), cgroup_version=int(body.text('CgroupVersion') or '1'),
        runtimes=tuple(body.document('Runtimes').fields),
        insecure_registries=_insecure(body.document('RegistryConfig')),
        mirrors=body.document('RegistryConfig').texts('Mirrors'),
        features=_features(ours), containers=_counts(body, ours), images=body.integer('Images') or 0,
        started_at=units.seconds_of(ours.text('StartedAt')) or 0.0)


def _features(ours: Document) -> frozenset[state.Feature]:
    """Those this side knows too: a newer server may have more."""
    known = {feature.value: feature for feature in state.Feature}
    return frozenset(known[name] for name in ours.texts('Features') if name in known)


def _counts(body: Document, ours: Document) -> dict[str, int]:
    if ours.has('Containers'):
        counts: dict[str, Any] = ours.document('Containers').fields
        return {name: int(count) for name, count in counts.items()}
    return {'running': body.integer('ContainersRunning') or 0, 'paused': body.integer('ContainersPaused') or 0,
            'stopped': body.integer('ContainersStopped') or 0}


def _runtime_version(version: object, runtime: str) -> str:
    for component in Document(version).documents('Components'):
        if component.text('Name') == runtime:
            return component.text('Version')
    return ''
