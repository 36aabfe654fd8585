# SPDX-License-Identifier: Apache-2.0
"""Records in SQLite: all or nothing, damage kept aside, what is only out of order never thrown away."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from nova_container import errors
from nova_container.runtime.database import SCHEMA_VERSION, Database


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'records.db'


def opened(path):
    return contextlib.closing(Database(path))


def put(database, reference, image='image'):
    with database.transaction() as connection:
        connection.execute('INSERT INTO tags VALUES (?, ?)', (reference, image))


def tags(path):
    with opened(path) as database:
        return database.rows('SELECT reference FROM tags ORDER BY reference')


def test_what_was_written_is_there_for_the_next(path):
    with opened(path) as database:
        put(database, 'one')
    assert tags(path) == [('one',)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_transaction_that_fails_leaves_nothing_and_holds_up_none(path):
    with opened(path) as database:
        with pytest.raises(ZeroDivisionError), database.transaction() as connection:
            connection.execute('INSERT INTO tags VALUES (1, 1)')
            raise ZeroDivisionError
        put(database, 'after')
    assert tags(path) == [('after',)]


def test_a_name_that_is_taken_is_the_callers_to_explain(path):
    with opened(path) as database:
        put(database, 'one')
        with pytest.raises(sqlite3.IntegrityError):
            put(database, 'one')
        put(database, 'two')
    assert tags(path) == [('one',), ('two',)]


def test_a_full_disk_is_exhausted_and_later_writes_work(path):
    with opened(path) as database:
        put(database, 'before')
        (pages,) = database.rows('PRAGMA page_count')[0]
        database.rows(f'PRAGMA max_page_count = {pages}')
        with pytest.raises(errors.Exhausted, match='disk'):
            put(database, 'x' * 100_000)
        database.rows('PRAGMA max_page_count = 100000')
        put(database, 'z')
    assert tags(path) == [('before',), ('z',)]


def test_a_commit_that_is_refused_holds_up_none(path, monkeypatch):
    with opened(path) as database:
        real = database._connection

        class Refusing:
            def __getattr__(self, name):
                return getattr(real, name)

            def execute(self, query, *arguments):
                if query == 'COMMIT':
                    raise sqlite3.OperationalError('disk I/O error')
                return real.execute(query, *arguments)

        monkeypatch.setattr(database, '_connection', Refusing())
        with pytest.raises(errors.HostFailure, match='I/O'):
            put(database, 'lost')
        monkeypatch.undo()
        put(database, 'kept')
    assert tags(path) == [('kept',)]


def test_damage_is_kept_aside_and_its_log_replayed_nowhere(path):
    with opened(path) as database:
        put(database, 'lost')
    path.write_bytes(b'no database at all' * 1000)
    path.with_name('records.db-wal').write_bytes(b'no log at all' * 1000)
    assert tags(path) == []
    (aside,) = path.parent.glob('records.db.damaged-*[0-9]')
    assert aside.read_bytes() == b'no database at all' * 1000


def test_damage_in_any_page_is_found_at_once(path):
    with opened(path) as database:
        for number in range(2000):
            put(database, f'{number:0100}')
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle:middle + 4096] = os.urandom(4096)
    path.write_bytes(content)
    assert tags(path) == []


def test_records_that_cannot_be_opened_are_not_thrown_away(path):
    with opened(path) as database:
        put(database, 'kept')
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute('PRAGMA journal_mode = DELETE')
        other.execute('BEGIN EXCLUSIVE')
        with pytest.raises(errors.HostFailure, match='locked'):
            Database(path)
    assert tags(path) == [('kept',)]
    folder = path.with_name('folder')
    folder.mkdir()
    with pytest.raises(errors.HostFailure):
        Database(folder)
    assert folder.is_dir()


def test_records_of_a_newer_version_are_refused_unchanged(path):
    with opened(path) as database:
        database.rows(f'PRAGMA user_version = {SCHEMA_VERSION + 1}')
    with pytest.raises(errors.Unsupported, match='newer version'):
        Database(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute('PRAGMA user_version').fetchone() == (SCHEMA_VERSION + 1,)


def test_a_closed_database_says_so(path):
    database = Database(path)
    database.close()
    database.close()
    with pytest.raises(errors.HostFailure, match='closed'):
        put(database, 'late')
    with pytest.raises(errors.HostFailure, match='closed'):
        database.rows('SELECT 1')


def test_what_was_committed_survives_a_kill(path):
    script = ('import os, pathlib, signal, sys; from nova_container.runtime.database import Database\n'
              'database = Database(pathlib.Path(sys.argv[1]))\n'
              'with database.transaction() as connection: connection.execute("INSERT INTO tags VALUES (1, 1)")\n'
              'database._connection.execute("BEGIN"); database._connection.execute("INSERT INTO tags VALUES (2, 2)")\n'
              'os.kill(os.getpid(), signal.SIGKILL)\n')
    subprocess.run([sys.executable, '-c', script, str(path)], timeout=30, check=False)
    assert tags(path) == [('1',)]


def test_threads_write_one_after_the_other(path):
    with opened(path) as database:
        threads = [threading.Thread(target=lambda start=start: [
            put(database, f'{number}') for number in range(start, start + 20)]) for start in range(0, 100, 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(tags(path)) == 100
