# SPDX-License-Identifier: Apache-2.0
"""What a container cannot do, tried in containers that the OCI runtimes make of our config.json.

The numbers are those of the abuse cases in the quality reference (B.7).
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import pytest

from nova_container.engine import spec as specs
from nova_container.host import cgroups
from nova_container.runtime import users
from tests.fixtures.oci import bundles


class Isolation:
    """The cases, for each runtime."""

    runtime = ''

    def setUp(self):
        if shutil.which(self.runtime) is None:
            self.skipTest(f'{self.runtime} is not installed')
        if not bundles.BUSYBOX.exists():
            self.skipTest('busybox-static is not installed: there is no root filesystem to run')
        if not Path('/dev/loop0').is_block_device():
            self.skipTest('there is no loop device: run "modprobe loop"')
        self.sandbox = bundles.Sandbox(Path(tempfile.mkdtemp(prefix='nova-container-')), self.runtime)
        self.addCleanup(self.sandbox.close)

    def sh(self, script, **fields):
        return self.sandbox.sh(script, **fields)

    def refused(self, script, **fields):
        """The script must fail; ``set -e`` is not on, so its last command decides."""
        result = self.sh(script, **fields)
        self.assertNotEqual(0, result.code, f'{script}: {result.output}')
        return result.output

    def cgroup(self, bundle):
        return cgroups.Cgroup(bundle.cgroup_path, cgroups.version())

    def test_41_the_first_process_has_no_descriptor_of_ours(self):
        result = self.sh('for fd in /proc/1/fd/*; do [ -e "$fd" ] && echo "${fd##*/}"; done; true')
        self.assertEqual(['0', '1', '2'], [fd for fd in result.output.split() if int(fd) < 10])

    def test_44_secrets_of_the_kernel_are_masked(self):
        script = 'for path in kcore keys timer_list interrupts; do cat /proc/$path 2>/dev/null; done; ls /sys/firmware'
        self.assertEqual('', self.sh(script).output)

    def test_45_settings_of_the_kernel_cannot_be_written(self):
        for path in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper',
                     '/proc/irq/default_smp_affinity'):
            self.assertRegex(self.refused(f'echo x > {path}'), 'Read-only|ermission denied|nonexistent', path)

    def test_46_a_control_group_is_neither_mounted_nor_written(self):
        self.assertRegex(self.refused('mkdir /tmp/c; mount -t cgroup -o memory cgroup /tmp/c'), 'denied|not permitted')
        self.refused('mkdir $(ls -d /sys/fs/cgroup/memory /sys/fs/cgroup | tail -1)/x')
        self.refused('echo /bin/sh > $(ls -d /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent | head -1)')

    def test_47_no_new_user_namespace(self):
        self.assertIn('not permitted', self.refused('unshare -U -r true'))

    def test_49_no_disk_of_the_host(self):
        script = 'mknod /tmp/loop b 7 0 && head -c 1 /tmp/loop'
        self.assertIn('not permitted', self.refused(script))
        self.assertEqual(0, self.sh(f'rm /tmp/loop; {script}', security=specs.Security(privileged=True)).code)
        for disk in (os.stat('/').st_dev, os.makedev(8, 0)):
            script = f'rm -f /tmp/disk; mknod /tmp/disk b {os.major(disk)} {os.minor(disk)} && head -c 1 /tmp/disk'
            self.assertIn('not permitted', self.refused(script))
        self.assertIn('not permitted', self.refused('mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem'))

    def test_50_no_process_but_its_own(self):
        other = self.sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('sleep', '60'))))
        with self.sandbox.running(other) as pid:
            output = self.refused(f'kill -0 {os.getpid()} || kill -9 {pid}')
            self.assertIn('No such process', output)
            pids = self.sh('ls -d /proc/[0-9]*').output.split()
            os.kill(pid, 0)
        self.assertLessEqual(len(pids), 3)

    def test_51_no_abstract_socket_of_the_host(self):
        with socket.socket(socket.AF_UNIX) as ours:
            name = f'nova-container-test-{os.getpid()}'
            ours.bind(f'\0{name}')
            self.assertIn(name, Path('/proc/net/unix').read_text())
            self.refused(f'grep {name} /proc/net/unix')

    def test_52_the_runtime_s_own_binary_is_out_of_reach(self):
        def checksum():
            return hashlib.sha256(Path(shutil.which(self.runtime)).read_bytes()).hexdigest()

        before = checksum()
        (self.sandbox.rootfs / 'bin/evil').write_text('#!/proc/self/exe\n')
        (self.sandbox.rootfs / 'bin/evil').chmod(0o755)
        attack = 'while :; do for exe in /proc/[0-9]*/exe; do (echo evil >> $exe) 2>/dev/null; done; done'
        bundle = self.sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('sh', '-c', attack))))
        with self.sandbox.running(bundle):
            for _ in range(5):
                self.sandbox.exec(bundle, ('evil',))
        self.assertEqual(before, checksum())

    def test_56_a_fork_bomb_meets_its_limit(self):
        script = 'i=0; while [ $i -lt 200 ]; do sleep 20 & i=$((i+1)); done; echo started all'
        result = self.sh(f'({script}) 2>&1; exit 3', resources=specs.Resources(pids_limit=50))
        self.assertIn("can't fork", result.output)
        self.assertNotIn('started all', result.output)
        self.assertEqual(0, subprocess.run(['true'], check=False).returncode)

    def test_56_the_limit_is_2048_if_none_is_given_and_none_if_so_asked(self):
        for limit, expected in ((None, '2048'), (-1, '4194304')):
            command = specs.ProcessSpec(command=('sleep', '60'))
            bundle = self.sandbox.bundle(bundles.a_spec(process=command, resources=specs.Resources(pids_limit=limit)))
            with self.sandbox.running(bundle):
                self.assertIn(self.cgroup(bundle).read('pids', 'pids.max').strip(), (expected, 'max'))

    def test_57_a_memory_hog_is_killed_alone(self):
        limits = specs.Resources(memory_bytes=32 << 20, memory_swap_bytes=32 << 20)
        result = self.sh('dd if=/dev/zero of=/dev/null bs=64M count=1', resources=limits)
        self.assertEqual(137, result.code, result.output)

    def test_60_shared_memory_is_full_at_its_size(self):
        self.assertIn('No space left', self.refused('dd if=/dev/zero of=/dev/shm/x bs=1M count=3', shm_bytes=2 << 20))
        self.assertEqual(0, self.sh('dd if=/dev/zero of=/dev/shm/x bs=1M count=2', shm_bytes=2 << 20).code)

    def test_60_a_tmpfs_is_full_at_its_size(self):
        tmp = specs.Mount(kind=specs.MountKind.TMPFS, target='/tmp', size_bytes=1 << 20)
        self.assertIn('No space left', self.refused('dd if=/dev/zero of=/tmp/x bs=1M count=2', mounts=(tmp,)))

    def test_65_no_child_outlives_the_first_process(self):
        script = '(setsid sh -c "setsid sleep 300 & sleep 300" &) ; sleep 300'
        bundle = self.sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('sh', '-c', script))))
        with self.sandbox.running(bundle) as pid:
            group, deadline = self.cgroup(bundle), time.monotonic() + 10
            while len(group.pids()) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(3, len(group.pids()))
            os.kill(pid, signal.SIGKILL)
            while group.pids() and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual([], group.pids())

    def test_70_a_sysctl_of_the_whole_host_is_refused(self):
        for name in ('kernel.core_pattern', 'vm.swappiness', 'fs.file-max'):
            self.refused('true', sysctls={name: '1'})

    def test_70_a_sysctl_of_its_own_is_set(self):
        result = self.sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start',
                         sysctls={'net.ipv4.ip_forward': '1'})
        self.assertEqual('1\n0\n', result.output)

    def test_a_null_device_of_the_image_opens_no_path(self):
        """CVE-2025-31133: the runtime masks files with /dev/null, which an image may replace."""
        (self.sandbox.rootfs / 'dev/null').symlink_to('/proc/sys/kernel/core_pattern')
        before = Path('/proc/sys/kernel/core_pattern').read_text()
        self.refused('echo x > /proc/sys/kernel/core_pattern')
        self.assertEqual('character special file\n', self.sh('stat -c %F /proc/timer_list').output)
        self.assertEqual(before, Path('/proc/sys/kernel/core_pattern').read_text())

    def test_no_privilege_comes_by_a_setuid_program_unless_so_asked(self):
        for asked in (True, False):
            result = self.sh('grep NoNewPrivs /proc/self/status', security=specs.Security(no_new_privileges=asked))
            self.assertEqual(f'NoNewPrivs:\t{asked:d}\n', result.output)

    def test_a_user_holds_no_capability_and_its_groups(self):
        web = users.resolve(str(self.sandbox.rootfs), 'web')
        spec = bundles.a_spec(process=specs.ProcessSpec(
            command=('sh', '-c', 'id; grep -E "CapEff|CapPrm|CapInh|CapAmb" /proc/self/status; echo $HOME')))
        output = self.sandbox.run(self.sandbox.bundle(spec, identity=web)).output
        self.assertIn('uid=1000(web) gid=1000(web) groups=29(audio),1000(web)', output)
        self.assertEqual(4, output.count('0000000000000000'))
        self.assertTrue(output.endswith('/tmp\n'))

    def test_a_read_only_root_is_so_everywhere(self):
        script = 'for path in /x /tmp/x /etc/hosts /etc/resolv.conf; do touch $path; done 2>&1'
        output = self.sh(script, security=specs.Security(read_only_root=True)).output
        self.assertEqual(4, output.count('Read-only file system'), output)

    def test_a_read_only_bind_is_so_below_its_top_too(self):
        source = self.sandbox.folder / 'source'
        (source / 'below').mkdir(parents=True)
        subprocess.run(['mount', '-t', 'tmpfs', 'none', source / 'below'], check=True)
        self.addCleanup(subprocess.run, ['umount', source / 'below'], check=True)
        bind = specs.Mount(kind=specs.MountKind.BIND, source=str(source), target='/volume', read_only=True)
        output = self.refused('touch /volume/x; touch /volume/below/x', mounts=(bind,))
        self.assertEqual(2, output.count('Read-only file system'), output)

    def test_limits_reach_the_control_group(self):
        limits = specs.Resources(memory_bytes=64 << 20, cpu_shares=512, cpu_quota_us=50_000, cpu_period_us=100_000,
                                 cpuset_cpus='0')
        command = specs.ProcessSpec(command=('sleep', '60'))
        bundle = self.sandbox.bundle(bundles.a_spec(process=command, resources=limits))
        group = self.cgroup(bundle)
        with self.sandbox.running(bundle):
            if group.version == 2:
                read = [group.read('', name).strip() for name in ('memory.max', 'cpu.max', 'cpuset.cpus')]
                self.assertEqual(['67108864', '50000 100000', '0'], read)
            else:
                read = [group.read(*name).strip() for name in (
                    ('memory', 'memory.limit_in_bytes'), ('cpu', 'cpu.shares'), ('cpu', 'cpu.cfs_quota_us'),
                    ('cpuset', 'cpuset.cpus'))]
                self.assertEqual(['67108864', '512', '50000', '0'], read)

    def test_names_and_folder_are_as_asked(self):
        spec = bundles.a_spec(hostname='web1', domainname='example.org', process=specs.ProcessSpec(
            command=('sh', '-c', 'hostname; cat /proc/sys/kernel/domainname; pwd'), cwd='/srv/new'))
        self.assertEqual('web1\nexample.org\n/srv/new\n', self.sandbox.run(self.sandbox.bundle(spec)).output)

    def test_an_init_is_the_first_process_and_leaves_no_trace(self):
        init = shutil.which('tini-static')
        if init is None:
            self.skipTest('tini-static is not installed')
        script = 'tr "\\0" " " < /proc/1/cmdline'
        spec = bundles.a_spec(process=specs.ProcessSpec(command=('sh', '-c', script)))
        result = self.sandbox.run(self.sandbox.bundle(spec, init_path=init))
        self.assertTrue(result.output.startswith('/dev/.nova-container-init -- sh -c'), result.output)
        self.assertEqual([], list(self.sandbox.rootfs.rglob('*nova-container*')))

    def test_a_device_is_there_with_the_letters_given(self):
        for letters, works in (('m', False), ('r', True)):
            given = specs.Device(path_on_host='/dev/loop0', path_in_container='/dev/disk', permissions=letters)
            result = self.sh('head -c 1 /dev/disk > /dev/null', devices=(given,))
            self.assertEqual(works, result.code == 0, result.output)

    def test_a_privileged_container_may_what_others_may_not(self):
        script = 'cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && mount -t tmpfs none /tmp && ' \
                 'grep Seccomp: /proc/self/status'
        result = self.sh(script, security=specs.Security(privileged=True))
        self.assertEqual((0, 'Seccomp:\t0\n'), (result.code, result.output))

    def test_nothing_is_left_of_a_container(self):
        bundle = self.sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('true',))))
        before = Path('/proc/self/mountinfo').read_text()
        self.assertEqual(0, self.sandbox.run(bundle).code)
        self.assertEqual(before, Path('/proc/self/mountinfo').read_text())
        self.assertEqual([], list(self.cgroup(bundle).folders()))
        self.assertEqual([], list((self.sandbox.folder / 'state').iterdir()))


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root runs containers')
class CrunTest(Isolation, unittest.TestCase):
    runtime = 'crun'


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root runs containers')
class RuncTest(Isolation, unittest.TestCase):
    runtime = 'runc'
