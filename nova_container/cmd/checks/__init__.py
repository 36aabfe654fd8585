# SPDX-License-Identifier: Apache-2.0
"""What a host needs to run containers well, a function a need. None changes anything."""

from nova_container.cmd.checks import kernel, programs, storage
from nova_container.cmd.checks.finding import Check, Finding, Host, Level, run_check

__all__ = ['CHECKS', 'UPGRADE_CHECKS', 'Check', 'Finding', 'Host', 'Level', 'run_check']

CHECKS: tuple[tuple[str, Check], ...] = (
    ('OCI runtime', programs.check_runtime), ('Monitor', programs.check_monitor), ('Init', programs.check_init),
    ('Firewall', programs.check_firewall), ('Builder', programs.check_builder),
    ('Overlay', kernel.check_overlay), ('Control groups', kernel.check_cgroup_mode),
    ('Controllers', kernel.check_controllers), ('System call filter', kernel.check_seccomp),
    ('Capabilities', kernel.check_capabilities), ('Kernel', kernel.check_kernel),
    ('Kernel limits', kernel.check_sysctls), ('Disk', storage.check_disk), ('Records', storage.check_state))

#: What changes between versions, and can stop the next one.
UPGRADE_CHECKS = tuple(pair for pair in CHECKS if pair[0] in ('OCI runtime', 'Control groups', 'Disk', 'Records'))
