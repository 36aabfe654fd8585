# SPDX-License-Identifier: Apache-2.0
"""The configuration files."""

import configparser
import pathlib

import pytest

from tests.unit.tools.minicloud import cloud
from tools.minicloud.config import files
from tools.minicloud.config import identity
from tools.minicloud.config import ini
from tools.minicloud.config import network


@pytest.fixture
def plan():
    return files.plan(cloud.at(pathlib.Path('/h')), driver='container',
                      datapath='netdev')


def test_values_are_rendered_as_oslo_config_reads_them():
    text = ini.render({'a': {'yes': True, 'list': ['x', 'y'], 'none': None,
                             'many': ('1', '2'), 'money': 'p$w'}})
    assert text == ('[a]\nyes = True\nlist = x,y\nmany = 1\nmany = 2\n'
                    'money = p$$w\n')


def test_the_later_part_wins_option_by_option():
    merged = ini.merge({'a': {'x': 1, 'y': 1}}, {'a': {'y': 2}, 'b': {}})
    assert merged == {'a': {'x': 1, 'y': 2}, 'b': {}}


def test_every_file_is_a_valid_one(plan):
    for sections in plan.values():
        parser = configparser.RawConfigParser(strict=True)
        parser.read_string(ini.render(sections))


def test_nova_compute_never_sees_a_database(plan):
    for name in ('nova/nova.conf', 'nova/nova-compute.conf'):
        assert not {'database', 'api_database'} & set(plan[name])
    assert {'database', 'api_database'} <= set(plan['nova/databases.conf'])


def test_everything_listens_and_calls_on_loopback(plan):
    for name, sections in plan.items():
        text = ini.render(sections)
        assert '0.0.0.0' not in text, name
        for line in text.splitlines():
            if '://' in line and 'unix' not in line and 'file:' not in line:
                assert '127.0.0.1' in line, line


def test_plugging_goes_to_the_private_switch(plan):
    assert (plan['nova/nova-compute.conf']['os_vif_ovs']['ovsdb_connection']
            == plan['neutron/openvswitch_agent.ini']['ovs']
            ['ovsdb_connection'] == 'unix:/h/run/ovs/db.sock')


def test_nova_and_neutron_share_the_metadata_secret_and_the_host(plan):
    nova = plan['nova/nova.conf']
    assert (nova['neutron']['metadata_proxy_shared_secret'] ==
            plan['neutron/metadata_agent.ini']['DEFAULT']
            ['metadata_proxy_shared_secret'])
    assert nova['DEFAULT']['host'] == (
        plan['neutron/neutron.conf']['DEFAULT']['host'])


@pytest.mark.parametrize(('driver', 'wanted'), [
    ('container', 'container.ContainerDriver'),
    ('fake', 'fake.FakeDriverWithoutFakeNodes')])
def test_the_driver_is_a_switch(driver, wanted):
    plan = files.plan(cloud.at(pathlib.Path('/h')), driver=driver,
                      datapath='netdev')
    found = plan['nova/nova-compute.conf']['DEFAULT']['compute_driver']
    assert found == wanted


def test_the_key_of_heat_has_its_32_characters(plan):
    assert len(plan['heat/heat.conf']['DEFAULT']['auth_encryption_key']) == 32


def test_heat_offers_the_engine_to_projects_that_are_known():
    known = cloud.at(pathlib.Path('/h'))
    known.projects = {'demo': 'd1', 'admin': 'a1'}
    found = files.plan(known, driver='container', datapath='netdev')['heat/heat.conf']
    assert found['DEFAULT']['convergence_engine'] is True
    assert found['docker'] == {'endpoints': ['local', 'edge', 'dockerd']}
    local, edge = found['docker_endpoint:local'], found['docker_endpoint:edge']
    assert (local['url'], local['policy_level'], local['projects']) == ('unix:///h/run/engine.sock', 'baseline', 'd1')
    assert (edge['policy_level'], edge['projects']) == ('privileged', 'a1')
    assert found['docker_endpoint:dockerd']['url'] == 'unix:///h/run/docker.sock'


def test_heat_offers_no_engine_before_there_is_a_project(plan):
    assert plan['heat/heat.conf']['docker'] == {'endpoints': []}
    assert not [name for name in plan['heat/heat.conf'] if name.startswith('docker_endpoint')]


def test_files_with_passwords_are_for_their_owner_only(tmp_path):
    ini.write(tmp_path / 'a' / 'b.conf', {'a': {'password': 'x'}})
    assert (tmp_path / 'a' / 'b.conf').stat().st_mode & 0o077 == 0


def test_keys_are_written_once(tmp_path):
    identity.write_keys(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    identity.write_keys(tmp_path)
    assert before == {path.name: path.read_text()
                      for path in tmp_path.iterdir()}
    assert set(before) == {'0', '1'}


def test_dnsmasq_may_read_the_closed_folder(plan):
    named = plan['neutron/dhcp_agent.ini']['DEFAULT']['dnsmasq_config_file']
    assert named.parts[-3:] == ('etc', 'neutron', 'dnsmasq.conf')
    assert network.dnsmasq() == 'user=root\n'
