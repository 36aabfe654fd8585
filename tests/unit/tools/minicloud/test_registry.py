# SPDX-License-Identifier: Apache-2.0
"""Where the minicloud keeps its images."""

import pathlib

import bcrypt
import pytest

from tests.unit.tools.minicloud import cloud
from tools.minicloud import errors
from tools.minicloud import registry
from tools.minicloud.config import files

catalog = pytest.importorskip('tools.minicloud.catalog', reason='pymysql or amqp is not installed')


def a_cloud(store, home=pathlib.Path('/h')):
    made = cloud.at(home)
    made.image_store = store
    return made


@pytest.mark.parametrize(('known', 'provisioned', 'asked', 'found'), [
    ('', False, '', 'registry'), ('', False, 'directory', 'directory'), ('directory', True, '', 'directory'),
    ('', True, '', 'directory'), ('registry', True, 'registry', 'registry')])
def test_the_store_is_chosen_once(monkeypatch, known, provisioned, asked, found):
    monkeypatch.setenv('MINICLOUD_IMAGE_STORE', asked)
    made = a_cloud(known)
    made.provisioned = provisioned
    assert registry.choose_store(made) == found


@pytest.mark.parametrize(('known', 'asked', 'said'), [
    ('', 'ceph', 'set it to `registry` or `directory`'), ('registry', 'directory', 'wipe')])
def test_another_one_is_refused_with_what_to_do(monkeypatch, known, asked, said):
    monkeypatch.setenv('MINICLOUD_IMAGE_STORE', asked)
    with pytest.raises(errors.MinicloudError, match=said):
        registry.choose_store(a_cloud(known))


def test_glance_and_nova_are_told_of_the_registry_each_with_a_user_of_its_own():
    plan = files.plan(a_cloud('registry'), driver='container', datapath='netdev')
    store, compute = plan['glance/glance-api.conf']['layers'], plan['nova/nova-compute.conf']['container']
    assert compute['image_registry'] == (
        f'{store["container_store_registry"]}/{store["container_store_repository"]}')
    assert store['container_store_registry'].startswith('127.0.0.1:')
    assert store['container_store_username'] != compute['image_registry_username']
    services = catalog.services(a_cloud('registry'), 'container')
    assert 'registry' in services['glance'].needs


def test_with_a_directory_there_is_no_registry():
    plan = files.plan(a_cloud('directory'), driver='container', datapath='netdev')
    assert list(plan['glance/glance-api.conf']['layers']) == ['container_store_directory']
    assert 'image_registry' not in plan['nova/nova-compute.conf']['container']
    assert 'registry' not in catalog.services(a_cloud('directory'), 'container')


def test_its_users_have_the_passwords_that_the_services_are_given(tmp_path):
    made = a_cloud('registry', tmp_path)
    registry.prepare(made)
    lines = (tmp_path / 'etc/registry/htpasswd').read_text().splitlines()
    users = dict(line.split(':') for line in lines)
    for name, options in (('glance', registry.store_options(made)), ('nova', registry.options(made))):
        password = next(str(value) for key, value in options.items() if key.endswith('password'))
        assert bcrypt.checkpw(password.encode(), users[name].encode())
    assert registry.domain(made) in registry.config_file(made).read_text()
