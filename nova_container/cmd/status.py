# SPDX-License-Identifier: Apache-2.0
"""``nova-container-status``: what a host lacks to run containers well, and whether it is ready for this version.

``check`` prints a line a check, OK, WARN or FAIL with what to do; ``upgrade check`` is the form other OpenStack
services have. Both end with 0 (all OK), 1 (a warning) or 2 (a failure). Neither changes anything.
"""

import contextlib
import dataclasses
import enum
import os
import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from nova_container import conf as options
from nova_container import errors
from nova_container.host import process
from nova_container.runtime import capabilities, database, seccomp_profile
from nova_container.runtime.settings import Settings

Version = tuple[int, ...]

_CONFIG_FILE = '/etc/nova-container/engine.conf'
_OLDEST = {'crun': (0, 20), 'runc': (1, 0)}

#: Weaknesses that a container reaches: what, and the first release of each series without it (their change logs).
_FIXES: dict[str, tuple[tuple[str, tuple[Version, ...]], ...]] = {
    'runc': (('CVE-2024-21626', ((1, 1, 12),)),
             ('CVE-2024-45310', ((1, 1, 14), (1, 2, 0))),
             ('CVE-2025-31133, CVE-2025-52565, CVE-2025-52881', ((1, 2, 8), (1, 3, 3), (1, 4, 0))),
             ('CVE-2026-41579', ((1, 3, 6), (1, 4, 3), (1, 5, 0)))),
    'crun': (('CVE-2022-27650', ((1, 4, 4),)),
             ('CVE-2024-21626 (hardening)', ((1, 14, 1),)),
             ('CVE-2025-52881 (hardening)', ((1, 25, 1),)),
             ('CVE-2026-30892', ((1, 27, 0),)),
             ('CVE-2026-47766', ((1, 28, 0),))),
}

#: The least value that hundreds of containers need, and what runs out first below it; see etc/sysctl.d.
_SYSCTLS = (
    ('kernel.keys.maxkeys', 2000, 'key rings'), ('fs.inotify.max_user_instances', 1048576, 'inotify instances'),
    ('fs.aio-max-nr', 524288, 'asynchronous I/O'), ('vm.max_map_count', 262144, 'memory mappings'),
    ('kernel.pid_max', 4194304, 'process ids'), ('kernel.dmesg_restrict', 1, 'privacy of the kernel log'),
    ('net.ipv4.neigh.default.gc_thresh3', 8192, 'neighbours'),
    ('net.ipv6.neigh.default.gc_thresh3', 8192, 'neighbours of IPv6'))

_CONTROLLERS = {'memory': 'memory limits', 'pids': 'process limits', 'cpu': 'CPU limits', 'cpuset': 'CPU pinning'}
_UNFIT_FOR_OVERLAY = {'overlay', 'nfs', 'nfs4', 'cifs', 'smb3', 'vfat', 'exfat', 'fuse', '9p'}
_GIB = 1024 ** 3


class Level(enum.IntEnum):
    """How bad; the value is the exit code."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: a sentence that, unless all is well, says what to do."""

    level: Level
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """The host that is checked: its files below ``root``, and its commands."""

    settings: Settings
    root: Path = Path('/')
    find: Callable[[str], str] = process.find
    run: Callable[..., bytes] = process.run

    def read(self, path: str) -> str:
        """A file of the kernel; '' if it is not there or not for us."""
        with contextlib.suppress(OSError):
            return (self.root / path).read_text('utf-8', 'replace')
        return ''

    def exists(self, path: str) -> bool:
        """Whether the path is there."""
        return (self.root / path).exists()

    def version_of(self, program: str) -> Version | None:
        """What ``--version`` says first; None if that is no version. :raises ContainerError: it cannot be run."""
        said = self.run(self.find(program), '--version', timeout_s=10).decode('utf-8', 'replace')
        found = re.search(r'version (\d+)\.(\d+)(?:\.(\d+))?', said)
        return tuple(int(part or 0) for part in found.groups()) if found else None


def check_runtime(host: Host) -> Finding:
    """The OCI runtime is there, and new enough to be safe."""
    program = host.settings.runtime
    name = Path(program).name
    version = host.version_of(program)
    if version is None:
        return Finding(Level.WARN, f'{program} does not say its version: make sure that it is a current one.')
    shown = f'{name} {_shown(version)}'
    if version < _OLDEST.get(name, ()):
        return Finding(Level.FAIL, f'{shown} is too old: install {_shown(_OLDEST[name])} or later.')
    open_to = [(what, fixed) for what, fixed in _FIXES.get(name, ()) if not _is_fixed(version, fixed)]
    if not open_to:
        return Finding(Level.OK, f'{shown}.')
    newest = max(max(fixed) for _, fixed in open_to)
    return Finding(Level.WARN, f'{shown} lacks the fixes of {", ".join(what for what, _ in open_to)}, unless your '
                               f'distribution has added them: install {_shown(newest)} or later, and name its path '
                               'as [engine] runtime.')


def check_monitor(host: Host) -> Finding:
    """conmon is there."""
    version = host.version_of(host.settings.monitor)
    if version is None or version < (2, 0):
        return Finding(Level.WARN, 'conmon does not say a version of 2.0 or later: install a current one.')
    return Finding(Level.OK, f'conmon {_shown(version)}.')


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


def check_sysctls(host: Host) -> Finding:
    """Limits of the kernel that many containers share."""
    low = [(name, value, least, what) for name, least, what in _SYSCTLS
           if (value := host.read(f'proc/sys/{name.replace(".", "/")}').strip()).isdigit() and int(value) < least]
    if not low:
        return Finding(Level.OK, 'all as in 60-nova-container.conf, or higher.')
    shown = ', '.join(f'{name}={value} (better {least}: {what})' for name, value, least, what in low)
    return Finding(Level.WARN, f'{shown}. Install etc/sysctl.d/60-nova-container.conf and run "sysctl --system".')


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


def check_disk(host: Host) -> Finding:
    """The file system of the state directory has room, and can be the upper layer of an overlay."""
    folder = host.settings.state_dir
    while not folder.exists():
        folder = folder.parent
    kind = _file_system_of(folder, host.read('proc/self/mountinfo'))
    if kind.split('.')[0] in _UNFIT_FOR_OVERLAY:
        return Finding(Level.FAIL, f'{host.settings.state_dir} is on {kind}, which holds no layers: use ext4 or xfs.')
    usage = shutil.disk_usage(folder)
    shown = f'{host.settings.state_dir} is on {kind or "an unknown file system"}, {usage.free / _GIB:.1f} GiB are free'
    if usage.free < _GIB:
        return Finding(Level.FAIL, f'{shown}: images will not fit.')
    if usage.free < 10 * _GIB or usage.free < usage.total // 20:
        return Finding(Level.WARN, f'{shown}: give it a disk of its own, or remove images.')
    return Finding(Level.OK, f'{shown}.')


def check_state(host: Host) -> Finding:
    """The records were written by this version or an older one."""
    path = host.settings.database
    if not path.exists():
        return Finding(Level.OK, f'{path} is not there yet.')
    try:
        with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=5)) as connection:
            found = int(connection.execute('PRAGMA user_version').fetchone()[0])
    except sqlite3.Error as error:
        return Finding(Level.FAIL, f'{path} cannot be read ({error}): stop the engine and restore it from a backup.')
    if found > database.SCHEMA_VERSION:
        return Finding(Level.FAIL, f'{path} has schema {found}, this version knows {database.SCHEMA_VERSION}: install '
                                   'the newer version again.')
    return Finding(Level.OK, f'schema {found}.')


CHECKS: tuple[tuple[str, Callable[[Host], Finding]], ...] = (
    ('OCI runtime', check_runtime), ('Monitor', check_monitor), ('Overlay', check_overlay),
    ('Control groups', check_cgroup_mode), ('Controllers', check_controllers), ('System call filter', check_seccomp),
    ('Capabilities', check_capabilities), ('Kernel', check_kernel), ('Kernel limits', check_sysctls),
    ('Disk', check_disk), ('Records', check_state))

#: What changes between versions, and can stop the next one.
UPGRADE_CHECKS = tuple(pair for pair in CHECKS if pair[0] in ('OCI runtime', 'Control groups', 'Disk', 'Records'))


def run_check(check: Callable[[Host], Finding], host: Host) -> Finding:
    """The check's finding; one that could not be made is a failure that says why."""
    try:
        return check(host)
    except errors.CommandFailed as error:
        return Finding(Level.FAIL, f'{error}. Reinstall it.')
    except (errors.ContainerError, OSError) as error:
        return Finding(Level.FAIL, f'{error}.')


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of this program. Exit code 0, 1 or 2 as said above; 2 for a configuration that cannot be read."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    files = [path for path in (_CONFIG_FILE,) if os.path.exists(path)]
    conf = cfg.ConfigOpts()
    options.register_engine_opts(conf)
    conf.register_cli_opt(cfg.SubCommandOpt('command', handler=_add_commands, title='Commands'))
    try:
        conf(arguments, project='nova-container', prog='nova-container-status', default_config_files=files)
    except cfg.Error as error:
        print(f'nova-container-status: {error}', file=sys.stderr)
        return int(Level.FAIL)
    host = Host(_settings(conf))
    if conf.command.name == 'check':
        return _print_findings(host)
    again = cfg.ConfigOpts()
    options.register_engine_opts(again)
    return int(upgradecheck.main(again, 'nova-container', _upgrade_commands(host), arguments, files))


def _add_commands(commands: Any) -> None:
    commands.add_parser('check', help='what this host lacks to run containers well')
    upgrade = commands.add_parser('upgrade', help='whether this host is ready for this version')
    upgrade.add_argument('what', choices=['check'])
    upgrade.add_argument('--json', action='store_true')


def _settings(conf: cfg.ConfigOpts) -> Settings:
    engine = conf.engine
    return Settings(state_dir=Path(engine.state_dir), run_dir=Path(engine.run_dir), runtime=engine.runtime,
                    monitor=engine.monitor)


def _print_findings(host: Host) -> int:
    worst = Level.OK
    for name, check in CHECKS:
        found = run_check(check, host)
        worst = max(worst, found.level)
        print(f'{found.level.name:<4}  {name}: {found.text}')
    return int(worst)


def _upgrade_commands(host: Host) -> upgradecheck.UpgradeCommands:
    def result(check: Callable[[Host], Finding]) -> Callable[[object], upgradecheck.Result]:
        def run(commands: object) -> upgradecheck.Result:
            del commands
            found = run_check(check, host)
            return upgradecheck.Result(upgradecheck.Code(found.level), found.text)
        return run

    commands = upgradecheck.UpgradeCommands()
    commands._upgrade_checks = tuple((name, result(check)) for name, check in UPGRADE_CHECKS)
    return commands


def _is_fixed(version: Version, fixed: tuple[Version, ...]) -> bool:
    """In its own series if that has a fix, else by being newer than all that have one."""
    same = [release for release in fixed if release[:2] == version[:2]]
    return version >= same[0] if same else version > max(fixed)


def _file_system_of(folder: Path, mountinfo: str) -> str:
    """The type of the mount that ``folder`` is on, '' if none is found."""
    best, kind = '', ''
    for line in mountinfo.splitlines():
        before, _, after = line.partition(' - ')
        point = before.split()[4].encode().decode('unicode_escape')
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind


def _shown(version: Version) -> str:
    return '.'.join(map(str, version))


if __name__ == '__main__':
    sys.exit(main())
