# SPDX-License-Identifier: Apache-2.0
"""The program around the checks."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from nova_container.cmd import checks, status
from nova_container.cmd.checks import programs
from nova_container.runtime.settings import Settings


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
                made = (('One', lambda host: checks.Finding(checks.Level.OK, 'Good.')), ('Two', lambda host: found))
                stack.enter_context(mock.patch.multiple(status, CHECKS=made, UPGRADE_CHECKS=made))
            code = status.main([f'--config-file={self.config}', *arguments])
        return code, output.getvalue()

    def test_the_exit_code_is_the_worst_finding(self):
        for level in checks.Level:
            for command in (('check',), ('upgrade', 'check')):
                code, output = self.run_it(*command, found=checks.Finding(level, 'Some text.'))
                self.assertEqual(int(level), code, output)
                self.assertIn('Some text.', output)

    def test_check_prints_a_line_a_check(self):
        _, output = self.run_it('check', found=checks.Finding(checks.Level.WARN, 'Do this.'))
        self.assertEqual(['OK    One: Good.', 'WARN  Two: Do this.'], output.splitlines())

    def test_upgrade_check_speaks_json(self):
        _, output = self.run_it('upgrade', 'check', '--json', found=checks.Finding(checks.Level.FAIL, 'Do this.'))
        self.assertEqual({'check': 'Two', 'result': 2, 'details': 'Do this.'}, json.loads(output)['checks'][1])

    def test_the_configuration_decides_what_is_checked(self):
        code, output = self.run_it('check')
        self.assertEqual(2, code)
        self.assertIn('no-such-runtime is not installed', output)
        self.assertNotIn('Traceback', output)
        self.assertEqual(len(checks.CHECKS), len(output.splitlines()))

    def test_a_configuration_that_is_not_there_or_wrong_is_a_sentence(self):
        for text in (None, '[engine]\nlaunchers = many\n', 'nothing'):
            if text is None:
                self.config.unlink()
            else:
                self.config.write_text(text)
            code, output = self.run_it('check')
            self.assertEqual(2, code)
            self.assertNotIn('Traceback', output)

    def test_this_host_can_be_checked(self):
        if not os.path.exists('/usr/bin/crun'):
            self.skipTest('crun is not installed')
        host = checks.Host(Settings(state_dir=Path('/var/lib'), run_dir=Path('/run')))
        self.assertIn('crun', checks.run_check(programs.check_runtime, host).text)
