# SPDX-License-Identifier: Apache-2.0
"""The grammar of a spec: patterns, the names Linux knows, and bounds, each with its source."""

import ipaddress
import posixpath
import re

NAME = re.compile(r'[a-zA-Z0-9][a-zA-Z0-9_.-]*')
DEVICE_RULE = re.compile(r'[abc] ([0-9]{1,7}|\*):([0-9]{1,7}|\*) [rwm]{1,3}')
RUNTIME = re.compile(r'[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}')
VOLUME = re.compile(r'[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}')
HOSTNAME = re.compile(r'[a-zA-Z0-9_](?:[a-zA-Z0-9_-]*[a-zA-Z0-9_])?')
ENV_NAME = re.compile(r'[^=\0]+')
SYSCTL_NAME = re.compile(r'[a-z0-9_]+(?:[./][a-zA-Z0-9_-]+)+')
SYSCTL_VALUE = re.compile(r'[a-zA-Z0-9_./:-]+(?:[ \t][a-zA-Z0-9_./:-]+)*')
USER = re.compile(r'(?:[a-zA-Z0-9_][a-zA-Z0-9_.-]*\$?)?(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?')
_CPUSET = re.compile(r'[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*')
_DEVICE_PATH = re.compile(r'/dev/[a-zA-Z0-9_.:/@+-]+')
_REALTIME_SIGNAL = re.compile(r'RTM(?:IN(?:\+([0-9]{1,2}))?|AX(?:-([0-9]{1,2}))?)')

# include/uapi/linux/capability.h, Linux 6.x: 0 to 40
CAPABILITIES = frozenset((
    'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP',
    'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER',
    'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE',
    'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP',
    'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF',
    'CHECKPOINT_RESTORE',
))

# getrlimit(2), in Docker's spelling
ULIMITS = frozenset((
    'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio',
    'rttime', 'sigpending', 'stack',
))

# signal(7), x86
SIGNALS = frozenset((
    'ABRT', 'ALRM', 'BUS', 'CHLD', 'CLD', 'CONT', 'FPE', 'HUP', 'ILL', 'INT', 'IO', 'IOT', 'KILL', 'PIPE', 'POLL',
    'PROF', 'PWR', 'QUIT', 'SEGV', 'STKFLT', 'STOP', 'SYS', 'TERM', 'TRAP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'USR1',
    'USR2', 'VTALRM', 'WINCH', 'XCPU', 'XFSZ',
))
_LAST_SIGNAL = 64
_REALTIME_SIGNALS = 30

# What each namespace may be shared with; container:ID goes with pid and ipc
SHARING = {'pid': ('', 'host'), 'ipc': ('', 'host', 'none', 'shareable'), 'uts': ('', 'host'), 'user': ('', 'host'),
           'cgroup': ('', 'host', 'private')}
JOINED = ('pid', 'ipc')
RUNTIME_ANNOTATIONS = ('run.oci.', 'org.systemd.property.', 'io.crun.', 'org.crun.')

RESTART_POLICIES = frozenset({'no', 'always', 'unless-stopped', 'on-failure'})
PROPAGATIONS = frozenset({'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'})

NAME_CHARACTERS = 255
LABEL_CHARACTERS = 63  # RFC 1123, and HOST_NAME_MAX is 64
DOMAIN_CHARACTERS = 253
ARGUMENT_BYTES = 128 * 1024  # MAX_ARG_STRLEN
ARGUMENTS_BYTES = 1024 * 1024
LABELS_BYTES = 1024 * 1024
MEMORY_BYTES = 6 * 1024 * 1024  # Docker's minimum since 20.10
LOG_FILE_BYTES = 4096
LOG_FILES = 100
_CPUS = 8192


def is_signal(signal: str) -> bool:
    """Whether it names a signal: ``TERM``, ``SIGTERM``, ``15``, ``SIGRTMIN+3``."""
    if signal.isascii() and signal.isdigit():
        return len(signal) <= 2 and 1 <= int(signal) <= _LAST_SIGNAL
    bare = signal.upper().removeprefix('SIG')
    realtime = _REALTIME_SIGNAL.fullmatch(bare)
    if realtime is not None:
        return int(realtime[1] or realtime[2] or 0) <= _REALTIME_SIGNALS
    return bare in SIGNALS


def is_hostname(text: str, longest: int = LABEL_CHARACTERS) -> bool:
    """Whether it is labels joined by dots, short enough for the kernel."""
    return 0 < len(text) <= longest and all(
        HOSTNAME.fullmatch(label) and len(label) <= LABEL_CHARACTERS for label in text.split('.'))


def is_cpuset(text: str) -> bool:
    """Whether it is a list of numbers and rising ranges as in ``/sys/devices/system/cpu/online``."""
    return _CPUSET.fullmatch(text) is not None and all(first <= last < _CPUS for first, last in _ranges(text))


def cpuset(text: str) -> frozenset[int]:
    """The numbers in such a list; none in an empty one."""
    return frozenset(number for first, last in _ranges(text) for number in range(first, last + 1))


def _ranges(text: str) -> list[tuple[int, int]]:
    ends = [part.split('-') for part in text.strip().split(',') if part]
    return [(int(part[0]), int(part[-1])) for part in ends]


def is_device_path(path: str) -> bool:
    """Whether it is a normalised path below /dev."""
    return _DEVICE_PATH.fullmatch(path) is not None and posixpath.normpath(path) == path


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
