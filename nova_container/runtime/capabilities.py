# SPDX-License-Identifier: Apache-2.0
"""Which Linux capabilities a container's first process may ever hold."""

from collections.abc import Iterable

from nova_container import errors

#: In the order of the kernel's numbers (capability.h of Linux 5.9 and later); CHOWN is bit 0.
_NAMES = '''
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'''
_BY_NUMBER = tuple(f'CAP_{name}' for name in _NAMES.split())

#: Every capability this module knows by name.
KNOWN = frozenset(_BY_NUMBER)

#: What Docker grants unasked (moby daemon/pkg/oci/caps/defaults.go, 2026-08).
DEFAULT = frozenset({
    'CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_MKNOD',
    'CAP_NET_BIND_SERVICE', 'CAP_NET_RAW', 'CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT'})

_ALL = 'ALL'


def effective(add: Iterable[str], drop: Iterable[str], privileged: bool,
              available: frozenset[str] = KNOWN) -> frozenset[str]:
    """The capabilities that result, by Docker's rules, as names with ``CAP_``.

    Names come in any case, with or without ``CAP_``, or as ``ALL``. Adding ALL gives everything not dropped
    (dropping ALL then changes nothing, as in Docker); dropping ALL leaves what is added; ``privileged`` gives
    everything whatever else is said. ``available`` bounds what the host can give: see ``of_this_host``. Raises
    InvalidSpec for a name that nobody knows, or that was asked for by name and is not available.
    """
    added, dropped = _normalized(add), _normalized(drop)
    _require(added - {_ALL}, available)
    if privileged:
        return available
    if _ALL in added:
        return available - dropped
    if _ALL in dropped:
        return added
    return ((DEFAULT & available) - dropped) | added


def of_this_host() -> frozenset[str]:
    """What this process can pass on: its own bounding set, which inside a container or a trimmed host is smaller."""
    with open('/proc/self/status', encoding='ascii', errors='replace') as lines:
        bounding = next(int(line.split()[1], 16) for line in lines if line.startswith('CapBnd:'))
    return frozenset(name for number, name in enumerate(_BY_NUMBER) if bounding >> number & 1)


def _normalized(names: Iterable[str]) -> frozenset[str]:
    return frozenset(_normal(name) for name in names)


def _normal(name: str) -> str:
    upper = name.upper()
    if upper == _ALL:
        return _ALL
    full = upper if upper.startswith('CAP_') else 'CAP_' + upper
    if full not in KNOWN:
        raise errors.InvalidSpec(f'Unknown capability {name!r}: use a name of capabilities(7), such as NET_ADMIN')
    return full


def _require(names: frozenset[str], available: frozenset[str]) -> None:
    missing = ', '.join(sorted(names - available))
    if missing:
        raise errors.InvalidSpec(f'This host cannot grant {missing}: its own processes do not hold it')
