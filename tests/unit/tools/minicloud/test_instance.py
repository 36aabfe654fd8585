# SPDX-License-Identifier: Apache-2.0
"""What is decided once and kept."""

import pathlib

import pytest

from tests.unit.tools.minicloud import cloud
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import ports


def test_what_is_saved_is_loaded(tmp_path):
    saved = cloud.at(tmp_path)
    saved.migrated = 'nova=34'
    saved.save()
    assert instance.load(tmp_path) == saved


def test_the_record_is_for_its_owner_only(tmp_path):
    cloud.at(tmp_path).save()
    mode = (tmp_path / 'instance.json').stat().st_mode
    assert mode & 0o077 == 0


def test_an_empty_folder_holds_no_instance(tmp_path):
    assert instance.load(tmp_path) is None


def test_a_damaged_record_says_what_to_do(tmp_path):
    (tmp_path / 'instance.json').write_text('{')
    with pytest.raises(errors.MinicloudError, match='minicloud wipe'):
        instance.load(tmp_path)


def test_the_port_base_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv('MINICLOUD_PORT_BASE', '25000')
    assert instance.create(tmp_path).ports == ports.PortPlan(25000)


def test_a_taken_block_is_not_chosen(tmp_path, monkeypatch):
    monkeypatch.delenv('MINICLOUD_PORT_BASE', raising=False)
    first = next(ports.candidates(str(tmp_path)))
    monkeypatch.setattr(ports, 'taken',
                        lambda plan: {'keystone': 1} if plan == first else {})
    assert instance.create(tmp_path).ports != first


def test_a_folder_too_deep_for_unix_sockets_says_what_to_do(monkeypatch):
    monkeypatch.setenv('MINICLOUD_HOME', '/tmp/' + 'x' * 80)
    with pytest.raises(errors.MinicloudError, match='MINICLOUD_HOME'):
        instance.find_home()


def test_secrets_are_stable_and_differ_by_purpose(tmp_path):
    one = cloud.at(tmp_path)
    assert one.secret('nova') == one.secret('nova') != one.secret('glance')


def test_two_checkouts_have_names_of_their_own_that_fit_a_device():
    one, other = (cloud.at(pathlib.Path(place)) for place in ('/a', '/b'))
    for name in ('id', 'host', 'integration_bridge', 'external_bridge',
                 'tunnel_bridge'):
        assert getattr(one, name) != getattr(other, name)
    assert len(one.integration_bridge) < 10   # patch ports are named after it
