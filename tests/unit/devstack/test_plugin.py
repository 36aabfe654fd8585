# SPDX-License-Identifier: Apache-2.0
"""What the devstack plug-in promises of itself, without devstack. tests/functional/devstack runs it."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path

from tests.conformance import presence
from tools.tempest_smoke import settings as tempest

TOP = Path(__file__).parents[3]
DEVSTACK = TOP / 'devstack'
LIBRARY = (DEVSTACK / 'lib/nova-container').read_text()


class PluginTest(unittest.TestCase):

    def test_every_phase_of_devstack_has_a_branch(self):
        text = (DEVSTACK / 'plugin.sh').read_text()
        for phase in ('stack pre-install', 'stack install', 'stack post-config', 'stack extra', 'stack test-config'):
            self.assertIn(f'"{phase}")', text)
        for mode in ('unstack', 'clean'):
            self.assertIn(f'"{mode} "*)', text)
        for called in re.findall(r'^        ([a-z_]+)$', text, re.MULTILINE):
            self.assertIn(f'function {called} {{', LIBRARY)

    def test_every_file_that_it_installs_is_there(self):
        for path in re.search(r'NOVA_CONTAINER_HOST_FILES="(.*?)"', LIBRARY, re.DOTALL).group(1).split():
            if path != '\\':
                self.assertTrue((TOP / 'etc' / path).is_file(), path)

    def test_tempest_is_told_what_our_own_run_of_tempest_is_told(self):
        told = {}
        for words, value in re.findall(r'for feature in (.*?); do\n.*? \$feature (True|False)', LIBRARY, re.DOTALL):
            told.update(dict.fromkeys(words.replace('\\', '').split(), value == 'True'))
        ours = {name: value for name, value in tempest._COMPUTE_FEATURES.items() if name in told or not value}
        self.assertEqual(ours, told)

    def test_debian_has_the_packages(self):
        if not shutil.which('apt-cache'):
            self.skipTest('this is not Debian')
        for package in (DEVSTACK / 'files/debs/nova-container').read_text().split():
            known = subprocess.run(['apt-cache', 'show', package], capture_output=True, check=False)
            self.assertEqual(0, known.returncode, package)

    def test_every_setting_is_told_of(self):
        told = (DEVSTACK / 'README.md').read_text()
        for name in re.findall(r'^(NOVA_CONTAINER_\w+)=\$\{\1', (DEVSTACK / 'settings').read_text(), re.MULTILINE):
            if name not in ('NOVA_CONTAINER_DIR', 'NOVA_CONTAINER_CONF_DIR'):
                self.assertIn(f'`{name}`', told)

    def test_every_sample_chooses_the_driver_and_the_network_that_it_is_tested_with(self):
        for path in DEVSTACK.glob('local.conf*.sample'):
            text = path.read_text()
            for line in ('VIRT_DRIVER=container', 'Q_AGENT=openvswitch', 'Q_ML2_TENANT_NETWORK_TYPE=vxlan'):
                self.assertIn(f'\n{line}\n', text, path.name)
            self.assertIn('\nenable_plugin nova-container ', text)


class ShellTest(unittest.TestCase):

    def test_shellcheck_finds_nothing(self):
        presence.require_program('shellcheck')
        scripts = [*DEVSTACK.glob('lib/*'), DEVSTACK / 'settings', DEVSTACK / 'override-defaults',
                   DEVSTACK / 'plugin.sh', TOP / 'tools/chroot_install', TOP / 'tools/setup/prepare',
                   *(TOP / 'tests/functional/devstack').glob('*.bash'), TOP / 'tests/functional/devstack/systemctl',
                   TOP / 'tests/functional/devstack/openstack']
        said = subprocess.run(['shellcheck', '--external-sources', *scripts], capture_output=True, text=True, cwd=TOP,
                              check=False)
        self.assertEqual('', said.stdout + said.stderr)
        completion = subprocess.run(['shellcheck', '--shell=bash', *(TOP / 'etc/bash_completion.d').glob('*')],
                                    capture_output=True, text=True, check=False)
        self.assertEqual('', completion.stdout + completion.stderr)
