# SPDX-License-Identifier: Apache-2.0
"""Records of containers: unique names, and one that is damaged costs only itself."""

import dataclasses

import pytest

from nova_container import errors
from nova_container.engine.spec import ContainerSpec
from nova_container.runtime.database import Database
from nova_container.runtime.records import ContainerRecord, ContainerRecords, Phase


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / 'records.db')
    yield made
    made.close()


@pytest.fixture
def records(database):
    return ContainerRecords(database)


def record(name, **fields):
    return ContainerRecord(id=f'id-{name}', spec=ContainerSpec(name=name, image='i'), image_id='i', diff_ids=('d',),
                           **fields)


def test_a_record_is_kept_changed_and_forgotten(records):
    records.add(record('one'))
    changed = record('one', phase=Phase.RUNNING, pid=7, started_ticks=9)
    records.save(changed)
    assert records.all() == [changed]
    records.forget('id-one')
    records.forget('id-one')
    assert records.all() == []


def test_a_name_belongs_to_one(records):
    records.add(record('one'))
    with pytest.raises(errors.AlreadyExists, match='"one" is in use'):
        records.add(dataclasses.replace(record('one'), id='another'))
    records.add(record('two'))
    with pytest.raises(errors.AlreadyExists, match='"two" is in use'):
        records.save(dataclasses.replace(record('two'), id='id-one'))
    assert {each.spec.name for each in records.all()} == {'one', 'two'}


def test_a_record_that_is_gone_does_not_come_back_by_a_change(records):
    records.save(record('one'))
    assert records.all() == []


def test_a_damaged_record_is_dropped_and_its_name_is_free(records, database):
    records.add(record('good'))
    with database.transaction() as connection:
        connection.execute("INSERT INTO containers VALUES ('id-bad', 'bad', '{\"id\": 3')")
    assert records.all() == [record('good')]
    records.add(record('bad'))
    assert len(records.all()) == 2
