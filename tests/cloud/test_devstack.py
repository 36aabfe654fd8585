# SPDX-License-Identifier: Apache-2.0
"""nova-compute runs on the configuration that the devstack plug-in writes."""

import os
import subprocess

import pytest

from tests.cloud import host as hosts

_CONFIGURE = '''
set -o errexit
cd "$DEVSTACK_FILES"
TOP_DIR=$PWD
source functions
source "$PLUGIN/devstack/settings"
source "$PLUGIN/devstack/lib/nova-container"
configure_nova_container
'''
_OURS = ('compute_driver', 'resume_guests_state_on_host_boot', 'engine_url')


@pytest.fixture
def nova_conf(host):
    """The file of nova-compute, as it was again afterwards."""
    path = host.home / 'etc/nova/nova-compute.conf'
    before = path.read_text()
    yield path
    path.write_text(before)
    host.restart('nova-compute')


def configure(host, path, folder):
    """What devstack does in the phase post-config, with devstack's own functions."""
    repository = os.environ.get('NOVA_CONTAINER_DEVSTACK')
    if not repository:
        pytest.skip('NOVA_CONTAINER_DEVSTACK does not say where a clone of openstack/devstack is')
    archive = subprocess.run(['git', '-C', repository, 'archive', 'HEAD'], capture_output=True, check=True).stdout
    subprocess.run(['tar', '--extract', '--directory', folder], input=archive, check=True)
    environment = {'PATH': os.environ['PATH'], 'HOME': str(folder), 'DEVSTACK_FILES': str(folder),
                   'PLUGIN': str(hosts.TOP), 'DATA_DIR': str(folder), 'NOVA_CONF': str(path),
                   'VIRT_DRIVER': 'container', 'ENABLED_SERVICES': 'n-cpu', 'GLOBAL_VENV': 'False',
                   'NOVA_CONTAINER_ENGINE_URL': f'unix://{host.engine_socket}'}
    ended = subprocess.run(['bash', '-c', _CONFIGURE], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_server_runs_on_a_nova_compute_that_the_plug_in_configured(project, host, nova_conf, tmp_path):
    lines = nova_conf.read_text().splitlines()
    bare = [line for line in lines if not line.startswith(_OURS)]
    assert len(lines) - len(bare) == len(_OURS)
    nova_conf.write_text('\n'.join(bare) + '\n')
    configure(host, nova_conf, tmp_path)
    assert set(nova_conf.read_text().split()) == set('\n'.join(lines).split())
    host.restart('nova-compute')
    project.boot()  # which raises if the server does not become active
