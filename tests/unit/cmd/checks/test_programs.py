# SPDX-License-Identifier: Apache-2.0
"""The programs that the engine runs."""

import shutil

from nova_container import errors
from nova_container.cmd import checks
from nova_container.cmd.checks import programs
from nova_container.runtime.settings import Settings
from tests.unit.cmd.checks.host import HostTest, Level


class RuntimeTest(HostTest):

    def text(self, level, said):
        return self.found(level, programs.check_runtime, self.host(said))

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
        def broken(*argv, **named):
            raise errors.CommandFailed(argv, 139, '')

        def hanging(*argv, **named):
            raise errors.Unavailable('crun did not end within 10 s and was killed')

        self.assertIn('not installed', self.found(Level.FAIL, programs.check_runtime, self.without_programs()))
        for run, said in ((broken, 'ended with 139'), (hanging, 'did not end')):
            self.assertIn(said, self.found(Level.FAIL, programs.check_runtime,
                                           checks.Host(self.settings, find=str, run=run)))

    def test_conmon(self):
        self.found(Level.OK, programs.check_monitor, self.host(b'conmon version 2.1.6\ncommit: unknown\n'))
        self.found(Level.WARN, programs.check_monitor, self.host(b'conmon version 1.0.1\n'))


class OptionalTest(HostTest):
    """What only some containers need: its absence is a warning."""

    def test_what_is_not_there_is_a_warning_that_names_what_is_lost(self):
        for check, lost in ((programs.check_init, 'ask for an init'), (programs.check_firewall, 'published ports'),
                            (programs.check_builder, 'cannot be built')):
            self.assertIn(lost, self.found(Level.WARN, check, self.without_programs()))

    def test_what_is_there_is_named_with_its_version(self):
        self.assertEqual('tini-static.', self.found(Level.OK, programs.check_init, self.host()))
        self.assertEqual('nftables 1.0.6.', self.found(Level.OK, programs.check_firewall,
                                                       self.host(b'nftables v1.0.6 (Lester Gooch #5)\n')))

    def test_a_kernel_that_refuses_nft(self):
        def run(*argv, **named):
            if argv[1:] == ('list', 'tables'):
                raise errors.CommandFailed(argv, 1, 'netlink: Error: cache initialization failed')
            return b'nftables v1.0.6'

        text = self.found(Level.WARN, programs.check_firewall, checks.Host(self.settings, find=str, run=run))
        self.assertIn('cache initialization failed', text)

    def builder(self, *options):
        def run(*argv, **named):
            return ' '.join(options).encode() if 'build' in argv else b'buildah version 1.28.2 (image-spec 1.0.2)'

        return checks.Host(self.settings, find=str, run=run)

    def test_a_builder_is_judged_by_what_it_can_do(self):
        needed = ('--build-context', '--cgroup-parent', '--identity-label', '--ignorefile', '--runtime-flag')
        self.assertEqual('buildah 1.28.2.', self.found(Level.OK, programs.check_builder, self.builder(*needed)))
        text = self.found(Level.WARN, programs.check_builder, self.builder(*needed[1:]))
        self.assertIn('does not know --build-context:', text)

    def test_this_host_s_builder_can_do_what_the_engine_asks_of_it(self):
        if not shutil.which('buildah'):
            self.skipTest('buildah is not installed')
        self.found(Level.OK, programs.check_builder, checks.Host(self.settings))
