# SPDX-License-Identifier: Apache-2.0
"""Properties of a service -> ``ServiceSpec`` of the Docker Engine API 1.41 (moby, api/docs/v1.41.yaml). Pure."""

from collections.abc import Mapping
from typing import Any

from heat_container.translate.container import health_of, mapping_of, process_of
from heat_container.translate.storage import mounts_of
from nova_container import errors
from nova_container.engine import Mount, MountKind

Made = dict[str, Any]
_NANO = 1_000_000_000


def service_spec(props: Mapping[str, Any], *, name: str, labels: Mapping[str, str], networks: Mapping[str, str],
                 names: Mapping[str, str], secrets: Mapping[str, str]) -> Made:
    """What is sent.

    :param networks: ids of networks, by what the template calls them.
    :param names: names of secrets and configs, by their ids.
    :param secrets: the values of ``secret_environment``.
    :raises InvalidSpec: properties contradict each other.
    """
    task = {'ContainerSpec': _container(props, names, secrets), 'Resources': _resources(props),
            'RestartPolicy': _restart(props['restart_policy']), 'Placement': _placement(props['placement']),
            'ForceUpdate': props['force_update'], 'Networks': _networks(props, networks),
            'LogDriver': _driver(props['log_driver'])}
    ports = [_given(Protocol=one['protocol'], TargetPort=one['target_port'], PublishedPort=one['published_port'],
                    PublishMode=one['publish_mode'], Name=one['name']) for one in props['ports'] or ()]
    if props['endpoint_mode'] == 'dnsrr' and any(port['PublishMode'] == 'ingress' for port in ports):
        raise errors.InvalidSpec('endpoint_mode: dnsrr has no ports in mode ingress; publish them in mode host')
    return _given(
        Name=name, Labels={**mapping_of(props['labels']), **labels}, TaskTemplate=_given(**task), Mode=_mode(props),
        UpdateConfig=_update(props['update_config']), RollbackConfig=_update(props['rollback_config']),
        EndpointSpec=_given(Mode=props['endpoint_mode'], Ports=ports or None) or None)


def _container(props: Mapping[str, Any], names: Mapping[str, str], secrets: Mapping[str, str]) -> Made:
    process = process_of({**props, 'stdin_once': None}, secrets)
    dns = _given(Nameservers=props['dns'], Search=props['dns_search'], Options=props['dns_options'])
    return _given(
        Image=props['image'], Command=_list(process.entrypoint), Args=_list(process.command),
        Env=_list(process.env) or None, Dir=process.cwd, User=process.user, TTY=process.tty or None,
        OpenStdin=process.open_stdin or None, StopSignal=process.stop_signal, Init=props['init'],
        StopGracePeriod=_ns(process.stop_timeout_s), Hostname=props['hostname'],
        Labels=mapping_of(props['container_labels']) or None, Groups=props['group_add'],
        ReadOnly=props['read_only'] or None, Hosts=_hosts(props['extra_hosts']), DNSConfig=dns or None,
        HealthCheck=_health(props['healthcheck']),
        Mounts=[_mount(one) for one in mounts_of(props['mounts'])] or None,
        Secrets=[_file(one, 'Secret', names) for one in props['secrets'] or ()] or None,
        Configs=[_file(one, 'Config', names) for one in props['configs'] or ()] or None,
        Sysctls=mapping_of(props['sysctls']) or None, CapabilityAdd=props['cap_add'],
        CapabilityDrop=props['cap_drop'],
        Ulimits=[{'Name': one['name'], 'Soft': one['soft'], 'Hard': one['soft'] if one['hard'] is None else one['hard']}
                 for one in props['ulimits'] or ()] or None)


def _mode(props: Mapping[str, Any]) -> Made:
    mode, replicas, total = props['mode'], props['replicas'], props['total_completions']
    if total is not None and mode != 'replicated_job':
        raise errors.InvalidSpec('total_completions is of the mode replicated_job only')
    made: Mapping[str, Made] = {
        'replicated': {'Replicated': {'Replicas': replicas}}, 'global': {'Global': {}},
        'replicated_job': {'ReplicatedJob': {
            'MaxConcurrent': replicas, 'TotalCompletions': replicas if total is None else total}},
        'global_job': {'GlobalJob': {}}}
    return made[mode]


def _resources(props: Mapping[str, Any]) -> Made | None:
    generic = [{'DiscreteResourceSpec': {'Kind': one['kind'], 'Value': one['value']}}
               for one in props['generic_reservations'] or ()]
    limits = _given(NanoCPUs=_ns(props['cpus']), MemoryBytes=props['memory'], Pids=props['pids_limit'])
    reserved = _given(NanoCPUs=_ns(props['cpu_reservation']), MemoryBytes=props['memory_reservation'],
                      GenericResources=generic or None)
    return _given(Limits=limits or None, Reservations=reserved or None) or None


def _restart(wanted: Mapping[str, Any] | None) -> Made | None:
    return None if not wanted else _given(Condition=wanted['condition'], Delay=_ns(wanted['delay']),
                             MaxAttempts=wanted['maximum_attempts'], Window=_ns(wanted['window']))


def _placement(wanted: Mapping[str, Any] | None) -> Made | None:
    return None if not wanted else _given(
        Constraints=wanted['constraints'], MaxReplicas=wanted['maximum_per_node'],
        Preferences=[{'Spread': {'SpreadDescriptor': one}} for one in wanted['spread'] or ()] or None,
        Platforms=[_given(Architecture=one['architecture'], OS=one['os']) for one in wanted['platforms'] or ()] or None)


def _networks(props: Mapping[str, Any], ids: Mapping[str, str]) -> list[Made] | None:
    return [_given(Target=ids[one['network']], Aliases=one['aliases'],
                   DriverOpts=mapping_of(one['driver_options']) or None) for one in props['networks'] or ()] or None


def _driver(wanted: Mapping[str, Any] | None) -> Made | None:
    return None if not wanted else _given(Name=wanted['name'], Options=mapping_of(wanted['options']) or None)


def _update(wanted: Mapping[str, Any] | None) -> Made | None:
    return None if not wanted else _given(
        Parallelism=wanted['parallelism'], Delay=_ns(wanted['delay']), FailureAction=wanted['failure_action'],
        Monitor=_ns(wanted['monitor']), MaxFailureRatio=wanted['max_failure_ratio'], Order=wanted['order'])


def _health(wanted: Mapping[str, Any] | None) -> Made | None:
    if wanted and list(wanted['test'] or ())[:1] == ['NONE']:
        return {'Test': ['NONE']}
    check = health_of(wanted)
    return None if check is None else _given(
        Test=['CMD-SHELL' if check.shell else 'CMD', *check.test] if check.test else None, Retries=check.retries,
        Interval=_ns(check.interval_s), Timeout=_ns(check.timeout_s), StartPeriod=_ns(check.start_period_s))


def _mount(mount: Mount) -> Made:
    made = _given(Type=mount.kind.value, Source=mount.source or None, Target=mount.target,
                  ReadOnly=mount.read_only or None)
    if mount.subpath or (mount.kind is MountKind.TMPFS and mount.options):
        raise errors.InvalidSpec('mounts: a service knows neither subpath nor options of a tmpfs')
    if mount.kind is MountKind.BIND:
        return {**made, 'BindOptions': _given(
            Propagation=mount.propagation, CreateMountpoint=mount.make_source or None,
            NonRecursive=not mount.recursive or None, ReadOnlyNonRecursive=not mount.read_only_below or None)}
    if mount.kind is MountKind.TMPFS:
        options = _given(SizeBytes=mount.size_bytes, Mode=mount.mode)
        return {**made, **({'TmpfsOptions': options} if options else {})}
    driver = mount.volume and {'Name': mount.volume.driver, 'Options': dict(mount.volume.options)}
    options = _given(NoCopy=mount.no_copy or None, DriverConfig=driver or None,
                     Labels=dict(mount.volume.labels) or None if mount.volume else None)
    return {**made, **({'VolumeOptions': options} if options else {})}


def _file(wanted: Mapping[str, Any], kind: str, names: Mapping[str, str]) -> Made:
    found = wanted[kind.lower()]
    return {f'{kind}ID': found, f'{kind}Name': names[found], 'File': {
        'Name': wanted['target'], 'UID': str(wanted['uid'] or 0), 'GID': str(wanted['gid'] or 0),
        'Mode': int(wanted['mode'] or '0444', 8)}}


def _hosts(wanted: Any) -> list[str] | None:
    """NAME:ADDRESS as a line of /etc/hosts."""
    return [' '.join(reversed(one.split(':', 1))) for one in wanted or ()] or None


def _ns(seconds: float | None) -> int | None:
    """Billionths, of seconds and of CPUs."""
    return None if seconds is None else round(seconds * _NANO)


def _list(values: Any) -> list[Any] | None:
    return None if values is None else list(values)


def _given(**fields: Any) -> Made:
    """Without what was not asked for."""
    return {name: value for name, value in fields.items() if value is not None}
