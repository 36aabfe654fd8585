# SPDX-License-Identifier: Apache-2.0
"""The services, their needs, and how a user gets in."""

import pathlib
import subprocess

import pytest

from tests.unit.tools.minicloud import cloud
from tools.minicloud import access
from tools.minicloud import program
from tools.minicloud import service
from tools.minicloud import up

catalog = pytest.importorskip('tools.minicloud.catalog',
                              reason='pymysql or amqp is not installed')
schemas = pytest.importorskip('tools.minicloud.schemas')
CLOUD = cloud.at(pathlib.Path('/h'))


def test_every_need_is_a_service_or_a_step_of_the_first_up():
    services = catalog.services(CLOUD, 'container')
    known = ({*services, 'databases', 'identity', 'heat endpoints'}
             | {task.name for task in schemas.tasks(CLOUD)})
    needed = {need for one in services.values() for need in one.needs}
    assert needed <= known


def test_the_engine_is_there_only_for_the_container_driver():
    assert 'engine' not in catalog.services(CLOUD, 'fake')
    services = catalog.services(CLOUD, 'container')
    assert 'engine' in services['nova-compute'].needs


def test_agents_start_after_the_rpc_server_consumes():
    services = catalog.services(CLOUD, 'fake')
    for kind in ('dhcp', 'l3', 'openvswitch', 'metadata'):
        assert ('neutron-rpc-server'
                in services[f'neutron-{kind}-agent'].needs)


def test_a_port_belongs_to_one_service():
    names = [one.port_name for one
             in catalog.services(CLOUD, 'container').values() if one.port_name]
    assert len(names) == len(set(names))


def test_a_program_survives_its_way_to_the_fork_server():
    one = catalog.services(CLOUD, 'fake')['nova-compute'].launch
    assert program.Program.from_json(one.to_json()) == one


def test_the_end_of_a_log_is_short(tmp_path):
    (tmp_path / 'log').write_text('\n'.join(map(str, range(100))))
    assert service.log_end(tmp_path / 'log', 2) == '98\n99'
    assert 'no log' in service.log_end(tmp_path / 'none')


def test_an_unknown_driver_says_what_to_set(monkeypatch):
    monkeypatch.setenv('MINICLOUD_DRIVER', 'libvirt')
    with pytest.raises(Exception, match='`fake` or `container`'):
        up.choose_driver()


@pytest.mark.parametrize('quoting', ['eval "$({})"', 'eval $({})'])
def test_the_lines_of_env_survive_eval_with_and_without_quotes(
        quoting, tmp_path):
    lines = tmp_path / 'lines'
    lines.write_text(access.shell_lines(CLOUD))
    shell = quoting.format(f'cat {lines}') + '; echo $OS_CLOUD:$PATH'
    shown = subprocess.run(('sh', '-c', shell), capture_output=True,
                           text=True, check=True).stdout
    assert shown.startswith('minicloud:/')
