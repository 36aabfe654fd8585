# SPDX-License-Identifier: Apache-2.0
"""Checks of a host, on hosts that are made up, and the program around them."""

import contextlib
import io
import json
import os
import shutil
import sqlite3
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from nova_container import errors
from nova_container.cmd import status
from nova_container.host import process
from nova_container.runtime import capabilities
from nova_container.runtime.settings import Settings

Level = status.Level


class HostTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.settings = Settings(state_dir=self.root / 'state/not/there/yet', run_dir=self.root / 'run')

    def host(self, said=b'', **files):
        for path, content in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        return status.Host(self.settings, self.root, find=lambda program: f'/usr/bin/{program}',
                           run=lambda *argv, **named: said)

    def with_files(self, files):
        return self.host(**files)

    def found(self, level, check, host):
        found = status.run_check(check, host)
        self.assertEqual(level, found.level, found.text)
        self.assertTrue(found.text.endswith('.'), found.text)
        return found.text


class RuntimeTest(HostTest):

    def text(self, level, said):
        return self.found(level, status.check_runtime, self.host(said))

    def test_a_current_one_is_good(self):
        self.assertEqual('crun 1.28.0.', self.text(Level.OK, b'crun version 1.28\ncommit: x\n'))
        self.text(Level.OK, b'crun version 1.29.1')

    def test_an_older_one_names_what_it_lacks_and_the_version_to_get(self):
        text = self.text(Level.WARN, b'crun version 1.8.1\n')
        for expected in ('crun 1.8.1 lacks', 'CVE-2026-47766', 'CVE-2024-21626', 'install 1.28.0 or later'):
            self.assertIn(expected, text)
        self.assertNotIn('CVE-2022-27650', text)

    def test_one_without_compiled_filters_is_too_old(self):
        self.assertIn('too old', self.text(Level.FAIL, b'crun version 0.19.1\n'))

    def test_each_series_of_runc_has_its_own_fix(self):
        self.settings = Settings(state_dir=self.root, run_dir=self.root, runtime='runc')
        for version, lacks in (('1.1.11', True), ('1.1.15', True), ('1.2.9', True), ('1.3.6', False), ('1.4.2', True),
                               ('1.4.3', False), ('1.5.0', False), ('1.6.0', False)):
            with self.subTest(version):
                text = self.text(Level.WARN if lacks else Level.OK, f'runc version {version}\n'.encode())
                self.assertEqual(lacks, 'CVE-2026-41579' in text)
                self.assertEqual(version == '1.1.11', 'CVE-2024-21626' in text)

    def test_debian_s_spelling_is_understood(self):
        self.settings = Settings(state_dir=self.root, run_dir=self.root, runtime='/opt/runc')
        self.assertIn('runc 1.1.5 lacks', self.text(Level.WARN, b'runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1\n'))

    def test_another_runtime_is_taken_as_it_is(self):
        self.settings = Settings(state_dir=self.root, run_dir=self.root, runtime='/opt/youki')
        self.text(Level.OK, b'youki version 0.5.3\n')
        self.text(Level.WARN, b'garbage \xff\n')

    def test_one_that_is_missing_or_broken_is_a_failure_in_a_sentence(self):
        def missing(program):
            raise errors.HostFailure(f'{program} is not installed')

        def broken(*argv, **named):
            raise errors.CommandFailed(argv, 139, '')

        def hanging(*argv, **named):
            raise errors.Unavailable('crun did not end within 10 s and was killed')

        self.assertIn('not installed', self.found(Level.FAIL, status.check_runtime,
                                                  status.Host(self.settings, find=missing)))
        for run, said in ((broken, 'ended with 139'), (hanging, 'did not end')):
            self.assertIn(said, self.found(Level.FAIL, status.check_runtime,
                                           status.Host(self.settings, find=str, run=run)))

    def test_conmon(self):
        self.found(Level.OK, status.check_monitor, self.host(b'conmon version 2.1.6\ncommit: unknown\n'))
        self.found(Level.WARN, status.check_monitor, self.host(b'conmon version 1.0.1\n'))


class KernelTest(HostTest):

    def test_overlayfs(self):
        self.found(Level.OK, status.check_overlay, self.with_files({'proc/filesystems': 'nodev\tproc\nnodev\toverlay'}))
        self.assertIn('modprobe overlay', self.found(Level.FAIL, status.check_overlay,
                                                     self.with_files({'proc/filesystems': 'nodev\toverlayish\n'})))

    def test_no_control_groups(self):
        self.found(Level.FAIL, status.check_cgroup_mode, self.host())

    def test_control_groups_of_version_2(self):
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n'})
        self.found(Level.OK, status.check_cgroup_mode, host)
        self.found(Level.OK, status.check_controllers, host)

    def test_control_groups_of_version_1_and_hybrid(self):
        host = self.with_files({f'sys/fs/cgroup/{name}/tasks': '' for name in ('memory', 'pids', 'cpu', 'cpuset')})
        self.assertNotIn('hybrid', self.found(Level.WARN, status.check_cgroup_mode, host))
        self.found(Level.OK, status.check_controllers, host)
        host = self.with_files({'sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n'})
        self.assertIn('hybrid', self.found(Level.WARN, status.check_cgroup_mode, host))

    def test_a_host_without_the_memory_controller_cannot_keep_limits(self):
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n'})
        self.assertIn('no memory limits', self.found(Level.FAIL, status.check_controllers, host))
        host = self.with_files({'sys/fs/cgroup/cgroup.controllers': 'memory cpu io pids\n'})
        self.assertIn('no CPU pinning', self.found(Level.WARN, status.check_controllers, host))

    def test_seccomp(self):
        self.found(Level.FAIL, status.check_seccomp, self.host())
        host = self.with_files({'proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n'})
        self.found(Level.OK, status.check_seccomp, host)
        with mock.patch.object(status.seccomp_profile, 'program_for',
                               side_effect=errors.HostFailure('install libseccomp2')):
            self.found(Level.FAIL, status.check_seccomp, host)

    def test_low_limits_are_named_with_their_values(self):
        files = {f'proc/sys/{name.replace(".", "/")}': f'{least}\n' for name, least, _ in status._SYSCTLS}
        self.found(Level.OK, status.check_sysctls, self.with_files(files))
        text = self.found(Level.WARN, status.check_sysctls, self.with_files({'proc/sys/kernel/keys/maxkeys': '200\n'}))
        self.assertIn('kernel.keys.maxkeys=200 (better 2000', text)
        self.assertNotIn('aio-max-nr', text)

    def test_the_installed_file_of_sysctls_reaches_every_limit(self):
        path = Path(__file__).parents[3] / 'etc/sysctl.d/60-nova-container.conf'
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
        given = {name.strip(): int(value.split()[-1]) for name, _, value in (line.partition('=') for line in lines)}
        for name, least, _ in status._SYSCTLS:
            self.assertGreaterEqual(given[name], least, name)

    def test_old_kernels(self):
        for release, level in (('6.1.0-18-amd64', Level.OK), ('5.10.0', Level.WARN), ('5.4.0-1', Level.FAIL)):
            with mock.patch.object(status.platform, 'release', return_value=release):
                self.found(level, status.check_kernel, self.host())
        with mock.patch.object(status.os, 'pidfd_open', side_effect=OSError):
            self.found(Level.FAIL, status.check_kernel, self.host())

    def test_capabilities_of_the_host(self):
        for missing, level in (((), Level.OK), (('CAP_SYS_RESOURCE',), Level.WARN), (('CAP_SYS_ADMIN',), Level.FAIL)):
            given = capabilities.KNOWN - set(missing)
            with mock.patch.object(status.capabilities, 'of_this_host', return_value=given):
                self.found(level, status.check_capabilities, self.host())


class DiskTest(HostTest):

    def disk(self, free_gib, total_gib=100, kind='ext4'):
        mounts = f'1 0 8:1 / / rw shared:1 - tmpfs tmpfs rw\n2 1 8:1 / {self.root} rw - {kind} /dev/sda rw\n'
        host = self.with_files({'proc/self/mountinfo': mounts})
        used = (total_gib - free_gib) * 2 ** 30
        usage = shutil._ntuple_diskusage(total_gib * 2 ** 30, used, free_gib * 2 ** 30)
        return host, mock.patch.object(status.shutil, 'disk_usage', return_value=usage)

    def test_room(self):
        for free, level in ((50, Level.OK), (5, Level.WARN), (0, Level.FAIL)):
            host, patch = self.disk(free)
            with patch:
                self.assertIn('ext4', self.found(level, status.check_disk, host))

    def test_a_file_system_that_cannot_hold_layers(self):
        for kind in ('overlay', 'nfs4', 'fuse.sshfs'):
            host, patch = self.disk(50, kind=kind)
            with patch:
                self.assertIn(kind, self.found(Level.FAIL, status.check_disk, host))

    def test_records(self):
        self.settings = Settings(state_dir=self.root, run_dir=self.root)
        self.found(Level.OK, status.check_state, self.host())
        for schema, level in ((status.database.SCHEMA_VERSION, Level.OK), (99, Level.FAIL)):
            with contextlib.closing(sqlite3.connect(self.settings.database)) as connection:
                connection.execute(f'PRAGMA user_version = {schema}')
            self.found(level, status.check_state, self.host())
        self.settings.database.write_bytes(b'not a database' * 100)
        self.assertIn('cannot be read', self.found(Level.FAIL, status.check_state, self.host()))


class ProgramTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.config = Path(folder.name, 'engine.conf')
        self.config.write_text(f'[engine]\nstate_dir = {folder.name}\nruntime = no-such-runtime\n')

    def run_it(self, *arguments, found=None):
        """Exit code and output, each check giving ``found`` (None: as it is)."""
        output = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(output))
            stack.enter_context(contextlib.redirect_stderr(output))
            if found is not None:
                checks = (('One', lambda host: status.Finding(Level.OK, 'Good.')), ('Two', lambda host: found))
                stack.enter_context(mock.patch.multiple(status, CHECKS=checks, UPGRADE_CHECKS=checks))
            code = status.main([f'--config-file={self.config}', *arguments])
        return code, output.getvalue()

    def test_the_exit_code_is_the_worst_finding(self):
        for level in Level:
            for command in (('check',), ('upgrade', 'check')):
                code, output = self.run_it(*command, found=status.Finding(level, 'Some text.'))
                self.assertEqual(int(level), code, output)
                self.assertIn('Some text.', output)

    def test_check_prints_a_line_a_check(self):
        _, output = self.run_it('check', found=status.Finding(Level.WARN, 'Do this.'))
        self.assertEqual(['OK    One: Good.', 'WARN  Two: Do this.'], output.splitlines())

    def test_upgrade_check_speaks_json(self):
        _, output = self.run_it('upgrade', 'check', '--json', found=status.Finding(Level.FAIL, 'Do this.'))
        self.assertEqual({'check': 'Two', 'result': 2, 'details': 'Do this.'}, json.loads(output)['checks'][1])

    def test_the_configuration_decides_what_is_checked(self):
        code, output = self.run_it('check')
        self.assertEqual(2, code)
        self.assertIn('no-such-runtime is not installed', output)
        self.assertNotIn('Traceback', output)
        self.assertEqual(len(status.CHECKS), len(output.splitlines()))

    def test_a_configuration_that_is_not_there_or_wrong_is_a_sentence(self):
        for text in (None, '[engine]\nlaunchers = many\n', 'nothing'):
            if text is None:
                self.config.unlink()
            else:
                self.config.write_text(text)
            code, output = self.run_it('check')
            if text is None or 'nothing' in text:
                self.assertEqual(2, code)
            self.assertNotIn('Traceback', output)

    def test_this_host_can_be_checked(self):
        if not os.path.exists('/usr/bin/crun'):
            self.skipTest('crun is not installed')
        host = status.Host(Settings(state_dir=Path('/var/lib'), run_dir=Path('/run')), find=process.find)
        self.assertIn('crun', status.run_check(status.check_runtime, host).text)
