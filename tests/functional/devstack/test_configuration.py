# SPDX-License-Identifier: Apache-2.0
"""What the plug-in wrote is what the services read: each with its own parser and options."""

import json
import subprocess
import sys

import pytest
from oslo_config import cfg

from nova_container import conf as options
from nova_container.cmd.engine import settings_from
from tests.functional.devstack.conftest import TOP

_NOVA = '''
import json, sys
from nova import config
import nova.conf
from nova.virt import driver
config.parse_args(['nova-compute', '--config-file', sys.argv[1]])
conf = nova.conf.CONF
loaded = driver.load_compute_driver(None, conf.compute_driver)
print(json.dumps([type(loaded).__name__, conf.container.engine_url, conf.resume_guests_state_on_host_boot, conf.host,
                  conf.shutdown_timeout]))
'''
_GLANCE = '''
import json, sys
from glance.common import config
from glance_store import multi_backend as stores
conf = config.CONF
config.parse_args(['--config-file', sys.argv[1]])
stores.register_store_opts(conf, reserved_stores={'os_glance_staging_store': 'file', 'os_glance_tasks_store': 'file'})
stores.create_multi_stores(conf, reserved_stores={'os_glance_staging_store': 'file', 'os_glance_tasks_store': 'file'})
stores.verify_store()
used = stores.get_store_from_store_identifier(conf.glance_store.default_backend)
print(json.dumps([conf.image_format.container_formats, conf.image_format.disk_formats,
                  sorted(conf.enabled_backends), type(used).__module__]))
'''
_HEAT = '''
import json, sys
from heat.common import config
from oslo_config import cfg
cfg.CONF(['--config-file', sys.argv[1]], project='heat', prog='heat-engine')
print(json.dumps([cfg.CONF.plugin_dirs, cfg.CONF.num_engine_workers]))
'''


@pytest.fixture(scope='module')
def etc(one_node):
    assert one_node[0].code == 0, one_node[0].log[-3000:]
    return one_node[0].etc


def read_by(program, path):
    ended = subprocess.run([sys.executable, '-W', 'ignore', '-c', program, path], capture_output=True, text=True,
                           check=False, timeout=120, cwd=TOP)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


def faults(path, *namespaces):
    """What oslo-config-validator says of options that are in none of the namespaces."""
    named = [word for name in namespaces for word in ('--namespace', name)]
    ended = subprocess.run([sys.executable, '-W', 'ignore', '-m', 'oslo_config.validator', '--input-file', path,
                            *named],
                           capture_output=True, text=True, check=False, timeout=120, cwd=TOP)
    return [line for line in (ended.stdout + ended.stderr).splitlines() if 'ERROR' in line]


def test_nova_compute_loads_the_driver_and_finds_the_engine(etc):
    assert read_by(_NOVA, etc / 'nova/nova-cpu.conf') == [
        'ContainerDriver', 'unix:///run/nova-container/engine.sock', True, 'one', 10]


def test_glance_takes_images_of_containers_and_keeps_them_by_their_layers(etc, tmp_path):
    here = tmp_path / 'glance-api.conf'  # as opening the stores makes their directories
    here.write_text((etc / 'glance/glance-api.conf').read_text().replace('/opt/stack', str(tmp_path)))
    containers, disks, stores, used = read_by(_GLANCE, here)
    assert 'docker' in containers
    assert 'raw' in disks
    assert stores == ['containers', 'files', 'os_glance_staging_store', 'os_glance_tasks_store']
    assert used == 'glance_store_container.store'
    assert (tmp_path / 'data/glance/containers').is_dir()


def test_heat_looks_for_our_plug_in_beside_others(etc):
    assert read_by(_HEAT, etc / 'heat/heat.conf') == [
        ['/opt/stack/data/heat/plugins', '/opt/stack/nova-container/heat_container/plugin'], 2]


def test_the_engine_reads_its_file(etc):
    conf = cfg.ConfigOpts()
    options.register_engine_opts(conf)
    conf([], default_config_files=[str(etc / 'nova-container/engine.conf')])
    settings = settings_from(conf)
    assert str(settings.state_dir) == '/opt/stack/data/nova-container'
    assert f'unix://{conf.engine.socket}' == 'unix:///run/nova-container/engine.sock'
    assert (settings.runtime, conf.engine.log_level) == ('crun', 'DEBUG')


def test_every_option_of_ours_exists(etc, tmp_path):
    assert faults(etc / 'nova-container/engine.conf', 'nova_container.engine') == []
    nova = ('nova.conf', 'nova_container.nova')
    assert [line for line in faults(etc / 'nova/nova-cpu.conf', *nova)
            if 'container' in line or 'compute_driver' in line or 'resume_guests' in line] == []
    wrong = tmp_path / 'nova.conf'
    wrong.write_text('[container]\nengine_address = unix:///x\n')
    assert len(faults(wrong, *nova)) == 1
