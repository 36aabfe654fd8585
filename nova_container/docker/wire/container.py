# SPDX-License-Identifier: Apache-2.0
"""Container specs <-> the body of POST /containers/create.

What Docker has no word for: a command of ``[]`` is an empty command, where Docker takes the image's; an
entry point of ``()`` is written ``[""]``, Docker's way to clear it.
"""

from nova_container import errors
from nova_container.docker.wire import fields, health, logs, mounts, network, ports, resources, security, sharing
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs


def create_body(spec: specs.ContainerSpec) -> Json:
    """The whole body; the name goes into the query."""
    return config_body(spec) | {'HostConfig': host_config_body(spec)} | networking_body(spec)


def networking_body(spec: specs.ContainerSpec) -> Json:
    """``NetworkingConfig``, of a container in networks of the engine."""
    endpoints = network.endpoints_body(spec.network)
    return {'NetworkingConfig': {'EndpointsConfig': endpoints}} if endpoints else {}


def config_body(spec: specs.ContainerSpec) -> Json:
    """The part that Docker keeps as ``Config``."""
    process = spec.process
    return without_none({
        'Image': spec.image, 'Hostname': spec.hostname, 'Domainname': spec.domainname,
        'Entrypoint': _entrypoint_body(process.entrypoint),
        'Cmd': None if process.command is None else list(process.command),
        'Env': list(process.env) or None, 'WorkingDir': process.cwd, 'User': process.user, 'Tty': process.tty,
        'OpenStdin': process.open_stdin, 'StdinOnce': process.stdin_once, 'StopSignal': process.stop_signal,
        'StopTimeout': process.stop_timeout_s, 'Labels': dict(spec.labels),
        'Volumes': {target: {} for target in spec.volumes} or None,
        'ExposedPorts': {port: {} for port in spec.exposed_ports} or None,
        'Healthcheck': health.check_body(spec.health, none=spec.no_health), **sharing.image_body(spec),
    })


def host_config_body(spec: specs.ContainerSpec) -> Json:
    """The part that Docker keeps as ``HostConfig``."""
    return without_none({
        'Binds': [bind for mount in spec.mounts if (bind := mounts.bind_body(mount)) is not None] or None,
        'Mounts': [mounts.mount_body(mount) for mount in spec.mounts if mounts.bind_body(mount) is None] or None,
        'VolumesFrom': list(spec.volumes_from) or None,
        'Devices': [mounts.device_body(device) for device in spec.devices] or None,
        'RestartPolicy': resources.restart_body(spec.restart), 'LogConfig': logs.log_body(spec.log),
        'Sysctls': dict(spec.sysctls) or None, 'Ulimits': resources.ulimits_body(spec.ulimits) or None,
        'ShmSize': spec.shm_bytes, 'Init': spec.init, 'OomScoreAdj': spec.oom_score_adj or None,
        'AutoRemove': spec.auto_remove or None,
        **resources.resources_body(spec.resources), **security.security_body(spec.security),
        **network.network_body(spec.network), **sharing.sharing_body(spec.sharing), **sharing.runtime_body(spec),
    })


def requested_spec(name: str, fields_of_body: object) -> specs.ContainerSpec:
    """The spec that a create request asks for.

    :raises InvalidSpec: a field is wrong.
    :raises Unsupported: a field asks for what this engine does not do, or is unknown.
    """
    body = Document(fields_of_body)
    fields.check(body, fields.CONFIG)
    host = body.document('HostConfig')
    fields.check(host, fields.HOST_CONFIG)
    if not body.text('Image'):
        raise errors.InvalidSpec('Image must name an image')
    return spec_of(name, body, host, strict=True)


def spec_of(name: str, config: Document, host: Document, endpoints: Document | None = None, *,
            strict: bool = False) -> specs.ContainerSpec:
    """A spec out of a Config and a HostConfig.

    :param endpoints: what the container wants of networks; None is the ``NetworkingConfig`` of a request.
    :param strict: refuse what a spec cannot hold (of a request); else leave it out (of an answer).
    """
    return specs.ContainerSpec(
        name=name, image=config.text('Image'), process=_process_of(config), hostname=config.text('Hostname'),
        domainname=config.text('Domainname'), resources=resources.resources_of(host),
        mounts=mounts.mounts_of(host, strict=strict), devices=mounts.devices_of(host),
        security=security.security_of(host, strict=strict), network=network.network_of(
            config, host, endpoints or config.document('NetworkingConfig').document('EndpointsConfig'), strict=strict),
        restart=resources.restart_of(host) or specs.RestartPolicy(),
        log=logs.log_of(host) if strict else logs.known_log_of(host),
        labels=config.mapping('Labels'), sysctls=host.mapping('Sysctls'), ulimits=resources.ulimits_of(host),
        shm_bytes=host.positive('ShmSize') or specs.ContainerSpec(name='', image='').shm_bytes,
        init=host.flag('Init'), oom_score_adj=host.integer('OomScoreAdj') or 0,
        auto_remove=bool(host.flag('AutoRemove')), volumes=tuple(config.document('Volumes').fields),
        volumes_from=host.texts('VolumesFrom'), exposed_ports=ports.exposed_of(config.document('ExposedPorts')),
        health=health.check_of(config), no_health=health.is_none(config), **sharing.fields_of(config, host))


def _process_of(config: Document) -> specs.ProcessSpec:
    return specs.ProcessSpec(
        entrypoint=_entrypoint_of(config.texts_or_none('Entrypoint')), command=config.texts_or_none('Cmd'),
        env=config.texts('Env'), cwd=config.text('WorkingDir') or None, user=config.text('User') or None,
        tty=bool(config.flag('Tty')), open_stdin=bool(config.flag('OpenStdin')),
        stdin_once=bool(config.flag('StdinOnce')), stop_signal=config.text('StopSignal') or None,
        stop_timeout_s=config.integer('StopTimeout'))


def _entrypoint_body(entrypoint: tuple[str, ...] | None) -> list[str] | None:
    if entrypoint is None:
        return None
    return list(entrypoint) or ['']


def _entrypoint_of(entrypoint: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return () if entrypoint == ('',) else entrypoint


def update_body(limits: specs.Resources, restart: specs.RestartPolicy | None) -> Json:
    """The body of POST /containers/{id}/update: what is set changes, the rest stays."""
    body = resources.resources_body(limits)
    return body if restart is None else body | {'RestartPolicy': resources.restart_body(restart)}


def update_of(fields_of_body: object) -> tuple[specs.Resources, specs.RestartPolicy | None]:
    """What an update request asks for. :raises Unsupported: a field that cannot change."""
    body = Document(fields_of_body)
    fields.check(body, fields.UPDATE)
    return resources.resources_of(body), resources.restart_of(body)
