# SPDX-License-Identifier: Apache-2.0
"""The programs that the engine runs."""

from pathlib import Path

from nova_container import errors
from nova_container.cmd.checks.finding import Finding, Host, Level, Version, shown

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

#: Options of ``buildah build`` that the engine uses and old releases do not have.
_BUILD_OPTIONS = ('--build-context', '--cgroup-parent', '--identity-label', '--ignorefile', '--runtime-flag')


def check_runtime(host: Host) -> Finding:
    """The OCI runtime is there, and new enough to be safe."""
    program = host.settings.runtime
    name = Path(program).name
    version = host.version_of(program)
    if version is None:
        return Finding(Level.WARN, f'{program} does not say its version: make sure that it is a current one.')
    if version < _OLDEST.get(name, ()):
        return Finding(Level.FAIL, f'{name} {shown(version)} is too old: install {shown(_OLDEST[name])} or later.')
    open_to = [(what, fixed) for what, fixed in _FIXES.get(name, ()) if not _is_fixed(version, fixed)]
    if not open_to:
        return Finding(Level.OK, f'{name} {shown(version)}.')
    newest = max(max(fixed) for _, fixed in open_to)
    return Finding(Level.WARN, f'{name} {shown(version)} lacks the fixes of {", ".join(what for what, _ in open_to)}, '
                               f'unless your distribution has added them: install {shown(newest)} or later, and name '
                               'its path as [engine] runtime.')


def check_monitor(host: Host) -> Finding:
    """conmon is there."""
    version = host.version_of(host.settings.monitor)
    if version is None or version < (2, 0):
        return Finding(Level.WARN, 'conmon does not say a version of 2.0 or later: install a current one.')
    return Finding(Level.OK, f'conmon {shown(version)}.')


def check_init(host: Host) -> Finding:
    """The program that reaps, for containers that ask for one."""
    program = host.settings.init
    if host.has_program(program):
        return Finding(Level.OK, f'{program}.')
    return Finding(Level.WARN, f'{program} is not installed: containers that ask for an init will not start. Install '
                               'tini, or name another as [engine] init.')


def check_firewall(host: Host) -> Finding:
    """nft is there, and the kernel answers it: the engine's own networks need it, servers of Nova do not."""
    lost = 'networks of the engine and published ports will not work, servers of Nova will'
    if not host.has_program('nft'):
        return Finding(Level.WARN, f'nft is not installed: {lost}. Install nftables.')
    version = host.version_of('nft')
    try:
        host.says('nft', 'list', 'tables')
    except errors.CommandFailed as error:
        return Finding(Level.WARN, f'the kernel refuses nft ({error.stderr.strip()}): {lost}. Run as root, and load '
                                   'nf_tables.')
    return Finding(Level.OK, f'nftables {shown(version)}.' if version else 'nft.')


def check_builder(host: Host) -> Finding:
    """buildah is there and can do what builds need; nothing else needs it."""
    program = host.settings.builder
    if not host.has_program(program):
        return Finding(Level.WARN, f'{program} is not installed: images cannot be built here. Install buildah, or name '
                                   'its path as [engine] builder.')
    offered = set(host.says(program, 'build', '--help').split())
    missing = [option for option in _BUILD_OPTIONS if option not in offered]
    version = host.version_of(program)
    name = f'buildah {shown(version)}' if version else program
    if missing:
        return Finding(Level.WARN, f'{name} does not know {", ".join(missing)}: images cannot be built here. Install '
                                   'a current one.')
    return Finding(Level.OK, f'{name}.')


def _is_fixed(version: Version, fixed: tuple[Version, ...]) -> bool:
    """In its own series if that has a fix, else by being newer than all that have one."""
    same = [release for release in fixed if release[:2] == version[:2]]
    return version >= same[0] if same else version > max(fixed)
