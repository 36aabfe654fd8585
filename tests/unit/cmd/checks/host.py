# SPDX-License-Identifier: Apache-2.0
"""A host that is made up of files and of what its commands say."""

import tempfile
import unittest
from pathlib import Path

from nova_container import errors
from nova_container.cmd import checks
from nova_container.runtime.settings import Settings

Level = checks.Level


class HostTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.settings = Settings(state_dir=self.root / 'state/not/there/yet', run_dir=self.root / 'run')

    def host(self, said=b''):
        """One whose commands all say the same."""
        return checks.Host(self.settings, self.root, find=lambda program: f'/usr/bin/{program}',
                           run=lambda *argv, **named: said)

    def without_programs(self):
        def missing(program):
            raise errors.HostFailure(f'{program} is not installed')

        return checks.Host(self.settings, self.root, find=missing)

    def with_files(self, files):
        for path, content in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        return self.host()

    def found(self, level, check, host):
        found = checks.run_check(check, host)
        self.assertEqual(level, found.level, found.text)
        self.assertTrue(found.text.endswith('.'), found.text)
        return found.text
