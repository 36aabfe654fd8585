# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about what it may use."""

from typing import Any

from heat.common.i18n import _
from heat.engine.properties import Schema

from heat_container.schema.kinds import flag, like, mapping, number, one_of, record, records, text, whole

_CPUS = '[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*'
MEMORY_LEAST = 6 << 20


def _changing(make: Any, description: str, *bounds: Any, **options: Any) -> Schema:
    """A limit that changes while the container runs."""
    return make(description, *bounds, update_allowed=True, **options)


def _rates(description: str, name: str, unit: str) -> Schema:
    return records(description, {
        'path': text(_('The block device on the host.'), required=True, constraints=like('/dev/.+')),
        name: whole(unit, 1, required=True)}, update_allowed=True)


LIMITS = {
    'cpus': _changing(number, _('CPUs, for example 0.5. Not together with cpu_quota and cpu_period.'), 0.01),
    'cpu_shares': _changing(whole, _('The weight against other containers when CPU is short; 1024 is the usual one.'),
                            2, 262144),
    'cpu_period': _changing(whole, _('Microseconds of a period of cpu_quota.'), 1000, 1000000),
    'cpu_quota': _changing(whole, _('Microseconds of CPU in each period; -1 is no limit.'), -1),
    'cpu_rt_period': _changing(whole, _('Microseconds of a real-time period.'), 1),
    'cpu_rt_runtime': _changing(whole, _('Microseconds of real-time scheduling in each such period.'), 1),
    'cpuset_cpus': _changing(text, _('CPUs that may be used, for example 0-2,4.'), constraints=like(_CPUS)),
    'cpuset_mems': _changing(text, _('NUMA nodes whose memory may be used, for example 0,1.'), constraints=like(_CPUS)),
    'memory': _changing(whole, _('Bytes of memory.'), MEMORY_LEAST),
    'memory_reservation': _changing(whole, _('Bytes of memory that are left when memory is short.'), MEMORY_LEAST),
    'memory_swap': _changing(whole, _('Bytes of memory and swap together; -1 is no limit. By default twice the '
                                      'memory.'), -1),
    'memory_swappiness': whole(_('How readily memory is swapped out, 0 to 100.'), 0, 100),
    'oom_kill_disable': flag(_('Whether the container is frozen, and not killed, when its memory is used up.'), False),
    'oom_score_adj': whole(_('How readily the kernel kills it when memory is short, -1000 (never) to 1000.'), -1000,
                           1000),
    'pids_limit': _changing(whole, _('Processes and threads; -1 is no limit.'), -1),
    'blkio_weight': _changing(whole, _('The weight against other containers when disks are busy.'), 10, 1000),
    'blkio_weight_device': _rates(_('Such a weight for one disk.'), 'weight', _('The weight, 10 to 1000.')),
    'device_read_bps': _rates(_('How fast may be read from a disk.'), 'rate', _('Bytes a second.')),
    'device_write_bps': _rates(_('How fast may be written to a disk.'), 'rate', _('Bytes a second.')),
    'device_read_iops': _rates(_('How often may be read from a disk.'), 'rate', _('Operations a second.')),
    'device_write_iops': _rates(_('How often may be written to a disk.'), 'rate', _('Operations a second.')),
    'root_size': whole(_('Bytes that the root file system may grow to, where the engine has quotas.'), 1),
    'shm_size': whole(_('Bytes of /dev/shm. By default 64 MiB.'), 1),
    'ulimits': records(_('Limits of each process (setrlimit).'), {
        'name': text(_('The limit, for example nofile.'), required=True, constraints=like('[a-z]+')),
        'soft': whole(_('What is enforced.'), -1, required=True),
        'hard': whole(_('What the process may raise it to. By default the same.'), -1)}),
    'log_config': record(_('How output is kept, and how much of it.'), {
        'driver': text(_('json-file or local, which keep it in files, or none, which keeps nothing.'),
                       default='json-file', constraints=one_of('json-file', 'local', 'none')),
        'options': mapping(_('What is told beside each line, for example labels: names of labels with commas '
                             'between them; env; tag.')),
        'max_size': whole(_('Bytes that one file of it grows to.'), 1024),
        'max_files': whole(_('Files that are kept.'), 1, 1000)}),
    'restart_policy': record(_('What the engine does when the process ended.'), {
        'name': text(_('no, always, unless-stopped, or on-failure.'), default='no',
                     constraints=one_of('no', 'always', 'unless-stopped', 'on-failure')),
        'maximum_retry_count': whole(_('How often on-failure tries; 0 is without end.'), 0)}, update_allowed=True),
}
