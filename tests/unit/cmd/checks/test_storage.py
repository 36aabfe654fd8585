# SPDX-License-Identifier: Apache-2.0
"""Where the engine keeps images, containers and records."""

import contextlib
import shutil
import sqlite3
from unittest import mock

from nova_container.cmd.checks import storage
from nova_container.runtime.settings import Settings
from tests.unit.cmd.checks.host import HostTest, Level


class DiskTest(HostTest):

    def disk(self, free_gib, total_gib=100, kind='ext4'):
        mounts = f'1 0 8:1 / / rw shared:1 - tmpfs tmpfs rw\n2 1 8:1 / {self.root} rw - {kind} /dev/sda rw\n'
        host = self.with_files({'proc/self/mountinfo': mounts})
        used = (total_gib - free_gib) * 2 ** 30
        usage = shutil._ntuple_diskusage(total_gib * 2 ** 30, used, free_gib * 2 ** 30)
        return host, mock.patch.object(storage.shutil, 'disk_usage', return_value=usage)

    def test_room(self):
        for free, level in ((50, Level.OK), (5, Level.WARN), (0, Level.FAIL)):
            host, patch = self.disk(free)
            with patch:
                self.assertIn('ext4', self.found(level, storage.check_disk, host))

    def test_a_file_system_that_cannot_hold_layers(self):
        for kind in ('overlay', 'nfs4', 'fuse.sshfs'):
            host, patch = self.disk(50, kind=kind)
            with patch:
                self.assertIn(kind, self.found(Level.FAIL, storage.check_disk, host))

    def test_records(self):
        self.settings = Settings(state_dir=self.root, run_dir=self.root)
        self.found(Level.OK, storage.check_state, self.host())
        for schema, level in ((storage.database.SCHEMA_VERSION, Level.OK), (99, Level.FAIL)):
            with contextlib.closing(sqlite3.connect(self.settings.database)) as connection:
                connection.execute(f'PRAGMA user_version = {schema}')
            self.found(level, storage.check_state, self.host())
        self.settings.database.write_bytes(b'not a database' * 100)
        self.assertIn('cannot be read', self.found(Level.FAIL, storage.check_state, self.host()))
