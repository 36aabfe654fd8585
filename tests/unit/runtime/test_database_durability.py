# SPDX-License-Identifier: Apache-2.0
import pytest

from nova_container.runtime.database import Database


@pytest.mark.parametrize(('durable', 'level'), [(True, 2), (False, 1)])
def test_only_a_durable_write_syncs_the_log(tmp_path, durable, level):
    database = Database(tmp_path / 'records')
    with database.transaction(durable=durable):
        pass
    assert database.rows('PRAGMA synchronous') == [(level,)]
    database.close()


def test_a_write_is_durable_unless_said(tmp_path):
    database = Database(tmp_path / 'records')
    with database.transaction(durable=False):
        pass
    with database.transaction():
        pass
    assert database.rows('PRAGMA synchronous') == [(2,)]
    database.close()
