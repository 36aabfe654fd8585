# SPDX-License-Identifier: Apache-2.0
"""Keys of a service that say one thing each -> properties of a container. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from heat_container.compose.values import (
    flag, known, listed, number, pairs, said, seconds, size, table, text, texts, whole, words, wrong)

Made = dict[str, Any]
_LOG_DRIVERS = ('json-file', 'local', 'none')
_RESTARTS = ('no', 'always', 'unless-stopped', 'on-failure')


def _health(value: Any, where: str) -> Made:
    given = known(value, where, ('test', 'interval', 'timeout', 'retries', 'start_period', 'start_interval', 'disable'))
    if 'disable' in given and flag(given['disable'], f'{where}.disable'):
        return {'healthcheck': {'test': ['NONE']}}
    found: Made = {}
    if 'test' in given:
        test = given['test']
        found['test'] = ['CMD-SHELL', test] if isinstance(test, str) else texts(test, f'{where}.test')
    if 'retries' in given:
        found['retries'] = whole(given['retries'], f'{where}.retries')
    for name in ('interval', 'timeout', 'start_period', 'start_interval'):
        if name in given:
            found[name] = seconds(given[name], f'{where}.{name}')
    return {'healthcheck': found}


def _restart(value: Any, where: str) -> Made:
    name, colon, times = text(value, where).partition(':')
    name = 'no' if name == 'false' else name
    if name not in _RESTARTS or (colon and name != 'on-failure'):
        raise wrong(where, f'{value!r} is not no, always, unless-stopped, on-failure or on-failure:TIMES')
    count = {'maximum_retry_count': whole(times, where)} if colon else {}
    return {'restart_policy': {'name': name, **count}}


def _logging(value: Any, where: str) -> Made:
    given = known(value, where, ('driver', 'options'))
    if given.get('driver', 'json-file') not in _LOG_DRIVERS:
        raise wrong(f'{where}.driver', f'a stack keeps output as {" or ".join(_LOG_DRIVERS)} only')
    options = known(given.get('options'), f'{where}.options', ('max-size', 'max-file', 'labels', 'env', 'tag'))
    found: Made = {'driver': given['driver']} if 'driver' in given else {}
    if told := {name: text(options[name], f'{where}.options.{name}') for name in ('labels', 'env', 'tag')
                if name in options}:
        found['options'] = told
    if 'max-size' in options:
        found['max_size'] = size(options['max-size'], f'{where}.options.max-size')
    if 'max-file' in options:
        found['max_files'] = whole(options['max-file'], f'{where}.options.max-file')
    return {'log_config': found} if found else {}


def _ulimits(value: Any, where: str) -> Made:
    found = []
    for name, given in table(value, where).items():
        if isinstance(given, Mapping):
            limits = known(given, f'{where}.{name}', ('soft', 'hard'))
            if limits.keys() != {'soft', 'hard'}:
                raise wrong(f'{where}.{name}', 'soft and hard are needed')
            both = {key: whole(limits[key], f'{where}.{name}.{key}') for key in ('soft', 'hard')}
        else:
            both = dict.fromkeys(('soft', 'hard'), whole(given, f'{where}.{name}'))
        found.append({'name': name, **both})
    return {'ulimits': found}


def _blkio(value: Any, where: str) -> Made:
    names = {'weight_device': ('blkio_weight_device', 'weight'), 'device_read_bps': ('device_read_bps', 'rate'),
             'device_write_bps': ('device_write_bps', 'rate'), 'device_read_iops': ('device_read_iops', 'rate'),
             'device_write_iops': ('device_write_iops', 'rate')}
    given = known(value, where, ('weight', *names))
    found: Made = {}
    if 'weight' in given:
        found['blkio_weight'] = whole(given['weight'], f'{where}.weight')
    for key, (name, unit) in names.items():
        if key in given:
            found[name] = [_rate(one, f'{where}.{key}', unit) for one in listed(given[key], f'{where}.{key}')]
    return found


def _rate(value: Any, where: str, unit: str) -> Made:
    given = known(value, where, ('path', unit))
    if given.keys() != {'path', unit}:
        raise wrong(where, f'path and {unit} are needed')
    return {'path': text(given['path'], where), unit: size(given[unit], where)}


def _security(value: Any, where: str) -> Made:
    found: Made = {}
    for option in texts(value, where):
        name, _, given = option.replace('=', ':', 1).partition(':')
        if name == 'no-new-privileges':
            found['no_new_privileges'] = given in ('', 'true')
        elif (name, given) == ('seccomp', 'unconfined'):
            found['seccomp_unconfined'] = True
        else:
            raise wrong(where, f'{option!r}: a stack knows no-new-privileges and seccomp=unconfined')
    return found


def _devices(value: Any, where: str) -> Made:
    found = []
    for item in listed(value, where):
        if isinstance(item, Mapping):
            given = known(item, where, ('source', 'target', 'permissions'))
            parts = [text(given.get(key, ''), where) for key in ('source', 'target', 'permissions')]
        else:
            parts = [*text(item, where).split(':'), '', ''][:3]
        device = {'path_on_host': parts[0], 'path_in_container': parts[1] or parts[0]}
        found.append({**device, **({'permissions': parts[2]} if parts[2] else {})})
    return {'devices': found}


def _hosts(value: Any, where: str) -> Made:
    if isinstance(value, list):
        lines = [text(item, where).replace('=', ':', 1) for item in value]
    else:
        lines = [f'{name}:{address}' for name, addresses in table(value, where).items()
                 for address in texts(addresses, where)]
    return {'extra_hosts': lines}


def _pull(value: Any, where: str) -> Made:
    names = {'always': 'always', 'never': 'never', 'missing': 'if_not_present', 'if_not_present': 'if_not_present'}
    if value not in names:
        raise wrong(where, f'{value!r}: a stack knows always, never, missing and if_not_present')
    return {'image_pull_policy': names[value]}


def _only(name: str, *allowed: str) -> Callable[[Any, str], Made]:
    """A property with few values."""
    def made(value: Any, where: str) -> Made:
        if value not in allowed:
            raise wrong(where, f'{value!r}: a stack knows {", ".join(allowed)}')
        return {name: value}
    return made


def _as(name: str, form: Callable[[Any, str], Any]) -> Callable[[Any, str], Made]:
    """A property with the value in a form."""
    return lambda value, where: {name: form(value, where)}


def _ignored(value: Any, where: str) -> Made:
    return {}


def _mapping(value: Any, where: str) -> dict[str, str]:
    return said(pairs(value, where))


def _stop_grace(value: Any, where: str) -> int:
    return round(seconds(value, where))


def _exposed(value: Any, where: str) -> list[str]:
    return [text(item, where) for item in listed(value, where)]


SIMPLE: Mapping[str, Callable[[Any, str], Made]] = {
    'image': _as('image', text), 'platform': _as('platform', text), 'pull_policy': _pull,
    'container_name': _as('name', text), 'working_dir': _as('working_dir', text), 'user': _as('user', text),
    'command': _as('command', words), 'entrypoint': _as('entrypoint', words), 'tty': _as('tty', flag),
    'stdin_open': _as('open_stdin', flag), 'stop_signal': _as('stop_signal', text),
    'stop_grace_period': _as('stop_timeout', _stop_grace), 'init': _as('init', flag),
    'hostname': _as('hostname', text), 'domainname': _as('domainname', text), 'labels': _as('labels', _mapping),
    'expose': _as('exposed_ports', _exposed), 'healthcheck': _health, 'restart': _restart, 'logging': _logging,
    'cpus': _as('cpus', number), 'cpu_shares': _as('cpu_shares', whole), 'cpu_quota': _as('cpu_quota', whole),
    'cpu_period': _as('cpu_period', whole), 'cpu_rt_runtime': _as('cpu_rt_runtime', whole),
    'cpu_rt_period': _as('cpu_rt_period', whole), 'cpuset': _as('cpuset_cpus', text), 'mem_limit': _as('memory', size),
    'mem_reservation': _as('memory_reservation', size), 'memswap_limit': _as('memory_swap', size),
    'mem_swappiness': _as('memory_swappiness', whole), 'oom_kill_disable': _as('oom_kill_disable', flag),
    'oom_score_adj': _as('oom_score_adj', whole), 'pids_limit': _as('pids_limit', whole),
    'blkio_config': _blkio, 'shm_size': _as('shm_size', size), 'ulimits': _ulimits, 'dns': _as('dns', texts),
    'dns_search': _as('dns_search', texts), 'dns_opt': _as('dns_options', texts), 'extra_hosts': _hosts,
    'read_only': _as('read_only', flag), 'privileged': _as('privileged', flag), 'cap_add': _as('cap_add', texts),
    'cap_drop': _as('cap_drop', texts), 'security_opt': _security, 'group_add': _as('group_add', texts),
    'devices': _devices, 'device_cgroup_rules': _as('device_cgroup_rules', texts), 'sysctls': _as('sysctls', _mapping),
    'ipc': _as('ipc_mode', text), 'pid': _as('pid_mode', text), 'uts': _only('uts_mode', 'host'),
    'userns_mode': _only('userns_mode', 'host'), 'cgroup': _only('cgroupns_mode', 'host', 'private'),
    'cgroup_parent': _as('cgroup_parent', text), 'runtime': _as('runtime', text),
    'annotations': _as('annotations', _mapping), 'attach': _ignored,
}
"""``attach`` is about the terminal of who calls Compose."""
