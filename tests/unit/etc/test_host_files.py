# SPDX-License-Identifier: Apache-2.0
"""What goes below /etc of a host is what systemd, rootwrap and bash take."""

import configparser
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from oslo_rootwrap import wrapper

from nova_container.virt import privsep

TOP = Path(__file__).parents[3]
ETC = TOP / 'etc'
ENGINE = ETC / 'systemd/nova-container-engine.service'


def unit(path):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser


class UnitTest(unittest.TestCase):

    def test_containers_outlive_the_engine(self):
        service = unit(ENGINE)['Service']
        for name, value in (('Type', 'notify'), ('KillMode', 'process'), ('Restart', 'on-failure'),
                            ('OOMScoreAdjust', '-500'), ('LimitNOFILE', '1048576'), ('TasksMax', 'infinity'),
                            ('Delegate', 'yes'), ('RuntimeDirectoryPreserve', 'yes')):
            self.assertEqual(value, service[name], name)

    def test_nova_compute_waits_for_the_engine_and_may_use_its_socket(self):
        drop_in = unit(ETC / 'systemd/nova-compute.service.d/nova-container.conf')
        self.assertEqual(ENGINE.name, drop_in['Unit']['After'])
        self.assertEqual('root', drop_in['Service']['User'])

    def test_systemd_finds_no_fault(self):
        if not shutil.which('systemd-analyze'):
            self.skipTest('systemd is not installed')
        with tempfile.TemporaryDirectory() as folder:
            name = re.sub(r'^ExecStart=\S+', f'ExecStart={sys.executable}', ENGINE.read_text(), flags=re.MULTILINE)
            place = Path(folder, ENGINE.name)
            place.write_text(name)
            compute = Path(folder, 'nova-compute.service')
            compute.write_text(f'[Service]\nExecStart={sys.executable}\nUser=daemon\n')
            shutil.copytree(ETC / 'systemd/nova-compute.service.d', Path(folder, 'nova-compute.service.d'))
            for path in (place, compute):
                ended = subprocess.run(['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', path],
                                       capture_output=True, text=True, timeout=60, check=False)
                faults = [line for line in ended.stderr.splitlines() if folder in line or path.name in line]
                self.assertEqual((0, []), (ended.returncode, faults), ended.stderr)


class RootwrapTest(unittest.TestCase):

    def test_the_helper_that_wires_interfaces_needs_no_filter_of_ours(self):
        """oslo.rootwrap lets any privsep-helper through by itself: etc/ has no file for it."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'privsep-helper').touch(mode=0o755)
            command = privsep.context.helper_command('/tmp/x/privsep.sock')
            self.assertEqual('sudo', command[0])
            found = wrapper.match_filter(wrapper.load_filters([]), command[1:], exec_dirs=[folder])
            self.assertEqual('root', found.run_as)
            self.assertIn(privsep.context.pypath, command)


class CompletionTest(unittest.TestCase):

    def complete(self, *words):
        """What is offered for the last word."""
        script = f'''. {ETC / "bash_completion.d/nova-container"}
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _nova_container "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
            printf '%s\\n' "${{COMPREPLY[@]}}"'''
        said = subprocess.run(['bash', '-c', script, 'bash', *words], capture_output=True, text=True, check=True)
        self.assertEqual('', said.stderr)
        return set(said.stdout.split())

    def options_of(self, module, *words):
        said = subprocess.run([sys.executable, '-W', 'ignore', '-m', module, *words, '--help'], capture_output=True,
                              text=True, check=True, cwd=TOP).stdout
        return set(re.findall(r'^  (?:-\w, )?(--[\w-]+)', said, re.MULTILINE))

    def test_every_command_is_completed_with_every_option_that_it_has(self):
        points = [point for point in importlib.metadata.distribution('nova-container').entry_points
                  if point.group == 'console_scripts']
        self.assertGreaterEqual(len(points), 2)
        for point in points:
            self.assertEqual(self.options_of(point.module), self.complete(point.name, '--'), point.name)

    def test_every_command_of_the_store_is_completed_with_its_options(self):
        self.assertLessEqual({'list', 'check', 'gc'}, self.complete('nova-container-store', ''))
        for command in ('list', 'check', 'gc'):
            self.assertEqual(self.options_of('glance_store_container.command', command) - {'--help'},
                             self.complete('nova-container-store', command, ''), command)

    def test_every_command_of_images_is_completed_with_its_options(self):
        for command in ('pull', 'push', 'build', 'layers'):
            self.assertEqual(self.options_of('nova_container.cmd.image.command', command),
                             self.complete('nova-container-image', command, '--'), command)

    def test_commands_are_offered_where_they_may_stand(self):
        self.assertIn('upgrade', self.complete('/usr/bin/nova-container-status', 'up'))
        self.assertEqual({'check', '--json'}, self.complete('nova-container-status', 'upgrade', ''))
        self.assertEqual({'--json'}, self.complete('nova-container-status', 'upgrade', 'check', ''))
        self.assertEqual(set(), self.complete('nova-container-status', 'check', ''))

    def test_files_follow_the_option_that_takes_one(self):
        found = self.complete('nova-container-engine', '--config-file', f'{ETC}/systemd/nova-container')
        self.assertEqual({str(ENGINE)}, found)
