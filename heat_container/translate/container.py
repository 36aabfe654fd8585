# SPDX-License-Identifier: Apache-2.0
"""Properties of a container -> ``ContainerSpec``. Pure: what a template leaves out is left to the engine."""

import json
from collections.abc import Mapping
from typing import Any

from heat_container.translate import limits, networks, storage
from nova_container import errors
from nova_container.engine import ContainerSpec, Device, HealthCheck, LogLimits, ProcessSpec, Security, Sharing

Properties = Mapping[str, Any]
_HOST = 'host'


def spec_of(props: Properties, *, name: str, image: str | None = None, labels: Mapping[str, str] | None = None,
            secrets: Mapping[str, str] | None = None, beside: str = '') -> ContainerSpec:
    """The container that properties describe.

    :param image: an id, instead of the property.
    :param labels: of Heat, beside those of the template.
    :param secrets: the values of ``secret_environment``.
    :param beside: the container whose network is shared, '' for none.
    :raises InvalidSpec: properties contradict each other; the text says which.
    """
    default = ContainerSpec(name='', image='')
    return ContainerSpec(
        name=name, image=image or props['image'], process=process_of(props, secrets or {}),
        hostname=props['hostname'] or '', domainname=props['domainname'] or '', resources=limits.resources_of(props),
        mounts=storage.mounts_of(props['mounts']), devices=tuple(map(_device, props['devices'] or ())),
        security=_security(props), network=networks.network_of(props, beside), restart=limits.restart_of(props),
        log=_log(props['log_config']), labels={**mapping_of(props['labels']), **(labels or {})},
        sysctls=mapping_of(props['sysctls']), ulimits=limits.ulimits_of(props['ulimits']),
        shm_bytes=props['shm_size'] or default.shm_bytes, init=props['init'],
        oom_score_adj=props['oom_score_adj'] or 0, health=health_of(props['healthcheck']),
        no_health=_test(props['healthcheck'])[:1] == ('NONE',), sharing=_sharing(props),
        cgroup_parent=props['cgroup_parent'] or '', device_rules=texts(props['device_cgroup_rules']),
        volumes_from=texts(props['volumes_from']), volumes=texts(props['anonymous_volumes']),
        exposed_ports=networks.exposed_of(props['exposed_ports']), annotations=mapping_of(props['annotations']),
        runtime=props['runtime'] or '', shell=texts(props['shell']), on_build=texts(props['on_build']))


def process_of(props: Properties, secrets: Mapping[str, str]) -> ProcessSpec:
    """:raises InvalidSpec: a variable is given twice, or has a name that none can have."""
    return ProcessSpec(
        entrypoint=_texts_or_none(props['entrypoint']), command=_texts_or_none(props['command']),
        env=environment_of(props['environment'], secrets), cwd=props['working_dir'] or None,
        user=props['user'] or None, tty=bool(props['tty']), open_stdin=bool(props['open_stdin']),
        stdin_once=bool(props['stdin_once']), stop_signal=props['stop_signal'] or None,
        stop_timeout_s=props['stop_timeout'])


def environment_of(given: Properties | None, secrets: Mapping[str, str]) -> tuple[str, ...]:
    """As NAME=VALUE. :raises InvalidSpec: a variable is given twice, or has a name that none can have."""
    plain = mapping_of(given)
    twice = sorted(plain.keys() & secrets.keys())
    if twice:
        raise errors.InvalidSpec(f'{", ".join(twice)} is in environment and in secret_environment: give it once')
    for name in (*plain, *secrets):
        if not name or '=' in name or '\0' in name:
            raise errors.InvalidSpec(f'environment: {name[:80]!r} cannot be the name of a variable')
    return tuple(f'{name}={value}' for name, value in {**plain, **secrets}.items())


def health_of(wanted: Properties | None) -> HealthCheck | None:
    """None leaves it to the image. :raises InvalidSpec: ``test`` is no test."""
    test = _test(wanted)
    if wanted is None or test[:1] == ('NONE',):
        return None
    if test and (test[0] not in ('CMD', 'CMD-SHELL') or len(test) < 2):
        raise errors.InvalidSpec('healthcheck: test is [CMD, program, ...], [CMD-SHELL, command line] or [NONE]')
    found = HealthCheck(
        test=test[1:], shell=test[:1] == ('CMD-SHELL',), interval_s=wanted['interval'], timeout_s=wanted['timeout'],
        start_period_s=wanted['start_period'], start_interval_s=wanted['start_interval'], retries=wanted['retries'])
    return None if found == HealthCheck() else found


def mapping_of(values: Mapping[str, Any] | None) -> dict[str, str]:
    """A map of a template as texts: YAML's true is ``true``, and what has a structure is JSON."""
    return {str(name): _text(value) for name, value in (values or {}).items()}


def texts(values: Any) -> tuple[str, ...]:
    return tuple(values or ())


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return '' if value is None else json.dumps(value)


def _texts_or_none(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _test(wanted: Properties | None) -> tuple[str, ...]:
    return texts(wanted['test']) if wanted else ()


def _log(wanted: Properties | None) -> LogLimits:
    default = LogLimits()
    if wanted is None:
        return default
    return LogLimits(file_bytes=wanted['max_size'] or default.file_bytes, files=wanted['max_files'] or default.files,
                     driver=wanted['driver'] or default.driver, options=mapping_of(wanted['options']))


def _device(wanted: Properties) -> Device:
    return Device(path_on_host=wanted['path_on_host'], permissions=wanted['permissions'],
                  path_in_container=wanted['path_in_container'] or wanted['path_on_host'])


def _security(props: Properties) -> Security:
    return Security(
        privileged=bool(props['privileged']), cap_add=texts(props['cap_add']), cap_drop=texts(props['cap_drop']),
        no_new_privileges=bool(props['no_new_privileges']), seccomp_unconfined=bool(props['seccomp_unconfined']),
        read_only_root=bool(props['read_only']), masked_paths=_texts_or_none(props['masked_paths']),
        read_only_paths=_texts_or_none(props['readonly_paths']), groups=texts(props['group_add']))


def _sharing(props: Properties) -> Sharing:
    ipc = props['ipc_mode'] or ''
    return Sharing(pid=props['pid_mode'] or '', ipc='' if ipc == 'private' else ipc, uts=props['uts_mode'] or '',
                   user=props['userns_mode'] or '', cgroup=props['cgroupns_mode'] or '')
