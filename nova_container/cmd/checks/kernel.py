# SPDX-License-Identifier: Apache-2.0
"""The kernel: what it can do, and what all containers share of it."""

import os
import platform
import re

from nova_container.cmd.checks.finding import Finding, Host, Level
from nova_container.runtime import capabilities, seccomp_profile

#: The least value that hundreds of containers need, and what runs out first below it; see etc/sysctl.d.
SYSCTLS = (
    ('kernel.keys.maxkeys', 2000, 'key rings'), ('fs.inotify.max_user_instances', 1048576, 'inotify instances'),
    ('fs.aio-max-nr', 524288, 'asynchronous I/O'), ('vm.max_map_count', 262144, 'memory mappings'),
    ('kernel.pid_max', 4194304, 'process ids'), ('kernel.dmesg_restrict', 1, 'privacy of the kernel log'),
    ('net.ipv4.neigh.default.gc_thresh3', 8192, 'neighbours'),
    ('net.ipv6.neigh.default.gc_thresh3', 8192, 'neighbours of IPv6'))

_CONTROLLERS = {'memory': 'memory limits', 'pids': 'process limits', 'cpu': 'CPU limits', 'cpuset': 'CPU pinning'}


def check_overlay(host: Host) -> Finding:
    """The kernel mounts overlayfs."""
    if re.search(r'\boverlay$', host.read('proc/filesystems'), re.MULTILINE):
        return Finding(Level.OK, 'the kernel has overlayfs.')
    return Finding(Level.FAIL, 'the kernel has no overlayfs: run "modprobe overlay", and write "overlay" to '
                               '/etc/modules-load.d/overlay.conf.')


def check_cgroup_mode(host: Host) -> Finding:
    """Which version of control groups the host has."""
    if host.exists('sys/fs/cgroup/cgroup.controllers'):
        return Finding(Level.OK, 'version 2.')
    if not host.exists('sys/fs/cgroup/memory') and not host.exists('sys/fs/cgroup/pids'):
        return Finding(Level.FAIL, 'no control groups are mounted at /sys/fs/cgroup: mount cgroup2 there.')
    hybrid = host.exists('sys/fs/cgroup/unified/cgroup.controllers')
    shown = 'version 1 with version 2 beside it (hybrid), which crun starts in only with our help' if hybrid \
        else 'version 1'
    return Finding(Level.WARN, f'{shown}: boot with systemd.unified_cgroup_hierarchy=1 for version 2.')


def check_controllers(host: Host) -> Finding:
    """Limits can be set."""
    if host.exists('sys/fs/cgroup/cgroup.controllers'):
        have = set(host.read('sys/fs/cgroup/cgroup.controllers').split())
    else:
        have = {name for name in _CONTROLLERS if host.exists(f'sys/fs/cgroup/{name}')}
    missing = [name for name in _CONTROLLERS if name not in have]
    if not missing:
        return Finding(Level.OK, f'{", ".join(_CONTROLLERS)}.')
    lost = ', '.join(f'{name} (no {_CONTROLLERS[name]})' for name in missing)
    return Finding(Level.FAIL if {'memory', 'pids'} & set(missing) else Level.WARN,
                   f'missing: {lost}. Boot with cgroup_enable=NAME, or rebuild the kernel.')


def check_seccomp(host: Host) -> Finding:
    """The kernel filters system calls, and the filter can be compiled."""
    if not host.read('proc/sys/kernel/seccomp/actions_avail'):
        return Finding(Level.FAIL, 'the kernel has no seccomp filters: use one with CONFIG_SECCOMP_FILTER.')
    size = len(seccomp_profile.program_for(capabilities.DEFAULT)) // 8
    return Finding(Level.OK, f'the default filter has {size} instructions.')


def check_capabilities(host: Host) -> Finding:
    """What the engine may do and pass on."""
    del host
    missing = sorted(capabilities.KNOWN - capabilities.of_this_host())
    if not missing:
        return Finding(Level.OK, 'all.')
    level = Level.FAIL if 'CAP_SYS_ADMIN' in missing else Level.WARN
    return Finding(level, f'this host gives none of its processes {", ".join(missing)}: no container can have them.')


def check_kernel(host: Host) -> Finding:
    """Calls that the engine makes: pidfd_open (5.3), openat2 (5.6), mount_setattr (5.12)."""
    del host
    release = platform.release()
    version = tuple(map(int, re.findall(r'\d+', release)[:2]))
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return Finding(Level.FAIL, f'{release} has no pidfd_open: use Linux 5.12 or later.')
    if version < (5, 6):
        return Finding(Level.FAIL, f'{release} has no openat2: use Linux 5.12 or later.')
    if version < (5, 12):
        return Finding(Level.WARN, f'{release} cannot make a tree of mounts read-only at once: read-only volumes will '
                                   'not start. Use Linux 5.12 or later.')
    return Finding(Level.OK, f'{release} has pidfd, openat2 and mount_setattr.')


def check_sysctls(host: Host) -> Finding:
    """Limits of the kernel that many containers share."""
    low = [(name, value, least, what) for name, least, what in SYSCTLS
           if (value := host.read(f'proc/sys/{name.replace(".", "/")}').strip()).isdigit() and int(value) < least]
    if not low:
        return Finding(Level.OK, 'all as in 60-nova-container.conf, or higher.')
    shown = ', '.join(f'{name}={value} (better {least}: {what})' for name, value, least, what in low)
    return Finding(Level.WARN, f'{shown}. Install etc/sysctl.d/60-nova-container.conf and run "sysctl --system".')
