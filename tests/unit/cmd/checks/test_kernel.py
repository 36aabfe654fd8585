# SPDX-License-Identifier: Apache-2.0
"""What the kernel can do, and what all containers share of it."""

from pathlib import Path
from unittest import mock

from nova_container import errors
from nova_container.cmd.checks import kernel
from nova_container.runtime import capabilities
from tests.unit.cmd.checks.host import HostTest, Level


class KernelTest(HostTest):

    def test_overlayfs(self):
        self.found(Level.OK, kernel.check_overlay, self.with_files({'proc/filesystems': 'nodev\tproc\nnodev\toverlay'}))
        self.assertIn('modprobe overlay', self.found(Level.FAIL, kernel.check_overlay,
                                                     self.with_files({'proc/filesystems': 'nodev\toverlayish\n'})))

    def test_no_control_groups(self):
        self.found(Level.FAIL, kernel.check_cgroup_mode, self.host())

    def test_control_groups_of_version_2(self):
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n'})
        self.found(Level.OK, kernel.check_cgroup_mode, host)
        self.found(Level.OK, kernel.check_controllers, host)

    def test_control_groups_of_version_1_and_hybrid(self):
        host = self.with_files({f'sys/fs/cgroup/{name}/tasks': '' for name in ('memory', 'pids', 'cpu', 'cpuset')})
        self.assertNotIn('hybrid', self.found(Level.WARN, kernel.check_cgroup_mode, host))
        self.found(Level.OK, kernel.check_controllers, host)
        host = self.with_files({'sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n'})
        self.assertIn('hybrid', self.found(Level.WARN, kernel.check_cgroup_mode, host))

    def test_a_host_without_the_memory_controller_cannot_keep_limits(self):
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n'})
        self.assertIn('no memory limits', self.found(Level.FAIL, kernel.check_controllers, host))
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'memory cpu io pids\n'})
        self.assertIn('no CPU pinning', self.found(Level.WARN, kernel.check_controllers, host))

    def test_seccomp(self):
        self.found(Level.FAIL, kernel.check_seccomp, self.host())
        host = self.with_files({'proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n'})
        self.found(Level.OK, kernel.check_seccomp, host)
        with mock.patch.object(kernel.seccomp_profile, 'program_for',
                               side_effect=errors.HostFailure('install libseccomp2')):
            self.found(Level.FAIL, kernel.check_seccomp, host)

    def test_low_limits_are_named_with_their_values(self):
        files = {f'proc/sys/{name.replace(".", "/")}': f'{least}\n' for name, least, _ in kernel.SYSCTLS}
        self.found(Level.OK, kernel.check_sysctls, self.with_files(files))
        text = self.found(Level.WARN, kernel.check_sysctls, self.with_files({'proc/sys/kernel/keys/maxkeys': '200\n'}))
        self.assertIn('kernel.keys.maxkeys=200 (better 2000', text)
        self.assertNotIn('aio-max-nr', text)

    def test_the_installed_file_of_sysctls_reaches_every_limit(self):
        path = Path(__file__).parents[4] / 'etc/sysctl.d/60-nova-container.conf'
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
        given = {name.strip(): int(value.split()[-1]) for name, _, value in (line.partition('=') for line in lines)}
        for name, least, _ in kernel.SYSCTLS:
            self.assertGreaterEqual(given[name], least, name)

    def test_old_kernels(self):
        for release, level in (('6.1.0-18-amd64', Level.OK), ('5.10.0', Level.WARN), ('5.4.0-1', Level.FAIL)):
            with mock.patch.object(kernel.platform, 'release', return_value=release):
                self.found(level, kernel.check_kernel, self.host())
        with mock.patch.object(kernel.os, 'pidfd_open', side_effect=OSError):
            self.found(Level.FAIL, kernel.check_kernel, self.host())

    def test_capabilities_of_the_host(self):
        for missing, level in (((), Level.OK), (('CAP_SYS_RESOURCE',), Level.WARN), (('CAP_SYS_ADMIN',), Level.FAIL)):
            given = capabilities.KNOWN - set(missing)
            with mock.patch.object(kernel.capabilities, 'of_this_host', return_value=given):
                self.found(level, kernel.check_capabilities, self.host())
