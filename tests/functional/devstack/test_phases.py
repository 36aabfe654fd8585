# SPDX-License-Identifier: Apache-2.0
"""Every phase of the plug-in with devstack's own libraries: twice in a row, after unstack, after clean."""

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from tests.functional.devstack.conftest import TOP

FIRST, SECOND, USED, UNSTACKED, AFTER_UNSTACK, THIRD, _, CLEANED, AFTER_CLEAN, CLEANED_AGAIN = range(10)
WRITTEN = ('nova/nova.conf', 'nova/nova-cpu.conf', 'heat/heat.conf', 'glance/glance-api.conf',
           'nova-container/engine.conf', 'systemd/system/devstack@nc-engine.service',
           'systemd/system/devstack@n-cpu.service.d/nova-container.conf', 'sysctl.d/60-nova-container.conf',
           'modules-load.d/nova-container.conf', 'logrotate.d/nova-container', 'bash_completion.d/nova-container')


def test_every_step_ends_well(one_node):
    assert [(step.name, step.code) for step in one_node] == [(step.name, 0) for step in one_node], \
        [step.log[-3000:] for step in one_node if step.code]


def test_a_second_run_and_one_after_unstack_write_what_the_first_wrote(one_node):
    for path in WRITTEN:
        first = (one_node[FIRST].etc / path).read_text()
        for step in (SECOND, THIRD):
            assert (one_node[step].etc / path).read_text() == first, path


def test_devstack_is_asked_for_our_packages(one_node):
    wanted = (TOP / 'devstack/files/debs/nova-container').read_text().split()
    assert f'packages: {" ".join(wanted)}\n' in one_node[FIRST].log


def test_the_unit_is_ours_started_from_devstack_s_environment(one_node):
    path = one_node[FIRST].etc / 'systemd/system/devstack@nc-engine.service'
    service = configparser.ConfigParser(interpolation=None)
    service.optionxform = str
    service.read(path)
    assert service['Service']['ExecStart'] == ('/opt/stack/data/venv/bin/nova-container-engine --config-file '
                                               '/etc/nova-container/engine.conf')
    assert (service['Service']['Type'], service['Service']['KillMode']) == ('notify', 'process')
    assert 'StateDirectory' not in service['Service']


def test_nova_compute_comes_after_the_engine_and_as_root(one_node):
    drop_in = (one_node[FIRST].etc / 'systemd/system/devstack@n-cpu.service.d/nova-container.conf').read_text()
    assert re.findall(r'^(\w+) *= *(.*)$', drop_in, re.MULTILINE) == [
        ('Wants', 'devstack@nc-engine.service'), ('After', 'devstack@nc-engine.service'),
        ('User', 'root'), ('Group', 'root')]
    unit = (one_node[FIRST].etc / 'systemd/system/devstack@n-cpu.service').read_text()
    assert 'nova-compute --config-file /etc/nova/nova-cpu.conf' in unit


def test_the_engine_that_it_starts_runs_containers(one_node):
    assert 'Up ' in one_node[USED].log


def test_unstack_removes_containers_and_ends_the_engine(one_node):
    assert '1 containers removed' in one_node[UNSTACKED].log
    after = one_node[AFTER_UNSTACK].log
    for left in ('nova-container-engine', 'conmon', 'sleep 1000', '/opt/stack/data/nova-container/containers'):
        assert left not in re.sub(r'^/opt/stack/data/nova-container/containers:$', '', after, flags=re.MULTILINE)


def test_clean_removes_all_that_it_wrote(one_node):
    for step in (CLEANED, CLEANED_AGAIN):
        left = [path for path in one_node[step].etc.rglob('*') if re.search('nova-container|nc-engine', path.name)]
        assert left == []
    for place in ('/opt/stack/data/nova-container', '/run/nova-container'):
        assert f"cannot access '{place}'" in one_node[AFTER_CLEAN].log
    assert not (one_node[CLEANED].etc.parent / 'stack/data/nova-container-images').exists()


def test_an_image_that_is_in_glance_is_not_uploaded_again(one_node):
    calls = (one_node[FIRST].etc.parent / 'stack/images/log').read_text()
    for name in ('demo-httpd', 'demo-system'):
        assert len(re.findall(f'image create {name} --public --container-format docker --disk-format raw', calls)) == 1


def test_tempest_hears_what_servers_cannot_do(one_node):
    conf = configparser.ConfigParser(interpolation=None)
    conf.read(one_node[FIRST].etc.parent / 'stack/tempest/etc/tempest.conf')
    assert conf['compute-feature-enabled'].getboolean('live_migration') is False
    assert conf['compute-feature-enabled'].getboolean('snapshot') is True
    assert conf['compute']['hypervisor_type'] == 'docker'


def test_the_list_of_devstack_s_functions_is_right(checkout):
    """That of lib/nova-container: all are there in this devstack, and no other one is used."""
    library = (TOP / 'devstack/lib/nova-container').read_text()
    named = set(re.search(r'Of devstack they use: (.*?), and its', library.replace('\n# ', ' ')).group(1).split())
    defined = {name for path in ('functions', 'functions-common', 'inc/ini-config', 'inc/python')
               for name in re.findall(r'^function (\w+)', (checkout / path).read_text(), re.MULTILINE)}
    code = re.sub('^ *#.*', '', library, flags=re.MULTILINE)
    assert {word for word in re.findall(r'\b[a-z_]+\b', code) if word in defined} == named


@pytest.mark.parametrize('sample', ['local.conf.controller.sample', 'local.conf.compute.sample'])
def test_each_of_several_nodes_can_be_stacked(run_steps, sample):
    stacked, cleaned = run_steps(sample, 'stack', 'clean')
    assert (stacked.code, cleaned.code) == (0, 0), stacked.log[-3000:]
    services = re.search('services: (.*)', stacked.log).group(1).split(',')
    assert {'n-cpu', 'q-agt', 'nc-engine'} <= set(services)
    assert ('g-api' in services) == ('controller' in sample) == ('image create' in _calls(stacked))
    assert 'compute_driver = container.ContainerDriver' in (stacked.etc / 'nova/nova-cpu.conf').read_text()


def test_a_node_with_another_driver_is_left_alone(run_steps):
    stacked, cleaned = run_steps('local.conf.sample', 'stack', 'clean', more='VIRT_DRIVER=fake\n')
    assert (stacked.code, cleaned.code) == (0, 0), stacked.log[-3000:]
    assert 'set VIRT_DRIVER=container in local.conf' in stacked.log
    assert 'container' not in (stacked.etc / 'nova/nova-cpu.conf').read_text()
    assert not (stacked.etc / 'systemd/system/devstack@nc-engine.service').exists()
    assert not (stacked.etc / 'nova-container').exists()


def test_a_docker_engine_can_be_driven_instead_of_ours(run_steps):
    stacked, = run_steps('local.conf.sample', 'stack', more='NOVA_CONTAINER_ENGINE_URL=unix:///var/run/docker.sock\n')
    assert stacked.code == 0, stacked.log[-3000:]
    assert 'engine_url = unix:///var/run/docker.sock' in (stacked.etc / 'nova/nova-cpu.conf').read_text()
    assert not (stacked.etc / 'systemd/system/devstack@nc-engine.service').exists()


def test_systemd_finds_no_fault_in_the_unit(one_node, tmp_path):
    text = (one_node[FIRST].etc / 'systemd/system/devstack@nc-engine.service').read_text()
    unit = Path(tmp_path, 'devstack@nc-engine.service')
    unit.write_text(text.replace('/opt/stack/data/venv/bin/nova-container-engine', '/bin/true'))
    ended = subprocess.run(['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', unit],
                           capture_output=True, text=True, check=False)
    assert (ended.returncode, [line for line in ended.stderr.splitlines() if 'nc-engine' in line]) == (0, [])


def _calls(step):
    path = step.etc.parent / 'stack/images/log'
    return path.read_text() if path.exists() else ''
