# SPDX-License-Identifier: Apache-2.0
"""What a tenant writes to get at what is another's: adoption, external ids, names, words of other APIs."""

import json

import pytest
from heat.common import exception

from heat_container import endpoints, names, tenants
from nova_container import errors
from nova_container.engine import ContainerSpec, ProcessSpec
from nova_container.engine.network import Network
from nova_container.engine.volume import Volume
from tests.unit.heat import stacks

THEIR_IMAGE = f'heat-container/{stacks.OTHER_PROJECT}/app:1'
BUILT = {'name': 'x', 'build': {'dockerfile': 'FROM box:1'}}
THEIRS = {names.PROJECT: stacks.OTHER_PROJECT}


def template(kind, properties, **more):
    """JSON is YAML."""
    return json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'x': {'type': f'OS::Docker::{kind}', 'properties': properties, **more}}})


@pytest.fixture
def victim(cloud):
    """A cloud in which another project has one of each; their ids."""
    engine = cloud.engine
    engine.add_image('box:1')
    engine.add_image(THEIR_IMAGE, config={'Env': ['PASSWORD=gd48Xs']})
    container = engine.create(ContainerSpec(name='victim', image='box:1', labels=THEIRS, process=ProcessSpec(
        command=('sleep', '600'), env=('PASSWORD=gd48Xs',))))
    engine.start(container)
    engine.create_volume(Volume(name='victim', labels=THEIRS))
    return {'Container': container, 'Network': engine.create_network(Network(name='victim', labels=THEIRS)),
            'Volume': 'victim', 'Image': engine.inspect_image(THEIR_IMAGE).id}


PROPERTIES = {'Container': {'image': 'box:1'}, 'Network': {}, 'Volume': {}, 'Image': {'name': 'box:1'}}


@pytest.mark.parametrize('kind', PROPERTIES)
def test_what_is_anothers_is_no_external_resource(cloud, victim, kind):
    for given in {victim[kind], *([THEIR_IMAGE] if kind == 'Image' else ['victim'])}:
        text = template(kind, PROPERTIES[kind], external_id=given)
        with pytest.raises(exception.StackValidationFailed, match='can not be found'):
            cloud.create(text)


@pytest.mark.parametrize('kind', PROPERTIES)
def test_what_is_anothers_is_not_adopted_and_stays(cloud, victim, kind):
    stack = cloud.adopt(template(kind, PROPERTIES[kind]), {'x': {'resource_id': victim[kind]}})
    loaded = cloud.load(stack)
    for attribute in loaded['x'].attributes_schema:
        try:
            told = loaded['x'].FnGetAtt(attribute)
        except Exception as error:
            told = str(error)
        assert 'gd48Xs' not in str(told)
    cloud.delete(stack)
    engine = cloud.engine
    assert engine.inspect(victim['Container']).status.alive
    assert engine.inspect_network(victim['Network']) and engine.inspect_volume('victim')
    assert THEIR_IMAGE in engine.inspect_image(victim['Image']).references


@pytest.mark.parametrize(('kind', 'properties', 'said'), [
    ('Container', {'image': THEIR_IMAGE}, 'a name of this engine only'),
    ('Container', {'image': THEIR_IMAGE, 'image_pull_policy': 'never'}, 'No such image'),
    ('Container', {'image': f'docker.io/{THEIR_IMAGE}', 'image_pull_policy': 'always'}, 'a name of this engine only'),
    ('Container', {'image': 'box:1', 'network_mode': 'container:victim'}, 'No such container'),
    ('Container', {'image': 'box:1', 'pid_mode': 'container:victim'}, 'No such container'),
    ('Container', {'image': 'box:1', 'ipc_mode': 'container:victim'}, 'No such container'),
    ('Container', {'image': 'box:1', 'volumes_from': ['victim']}, 'No such container'),
    ('Container', {'image': 'box:1', 'links': ['victim:v']}, 'No such container'),
    ('Container', {'image': 'box:1', 'mounts': [{'volume': 'victim', 'target': '/x'}]}, 'victim'),
    ('Container', {'image': 'box:1', 'networks': [{'network': 'victim'}]}, 'No such network'),
    ('Container', {'image': 'box:1', 'networks': [{'network': 'host'}]}, 'No such network'),
    ('Container', {'image': 'box:1', 'name': 'victim'}, 'victim'),
    ('Container', {'image': '127.0.0.1:5000/x:1'}, 'the registry 127.0.0.1:5000 is not for projects'),
    ('Exec', {'container': 'victim', 'command': ['id']}, 'No such container'),
    ('NetworkAttachment', {'container': 'victim', 'network': 'bridge'}, 'No such container'),
    ('Network', {'name': 'bridge'}, 'taken'), ('Network', {'name': 'host'}, 'taken'),
    ('Volume', {'name': 'victim'}, 'victim'),
    ('Image', {'name': THEIR_IMAGE}, 'a name of this engine only'),
    ('Image', {**BUILT, 'push': {'repository': THEIR_IMAGE.removesuffix(':1')}}, 'no name that this project'),
    ('Image', {**BUILT, 'push': {'repository': 'glance/5e4f', 'tag': '0123'}}, 'no name that this project'),
    ('Image', {'name': 'x', 'build': {'dockerfile': f'FROM {THEIR_IMAGE}'}}, 'a name of this engine only'),
    ('Image', {'name': 'x', 'build': {'dockerfile': 'FROM box:1\nADD http://169.254.169.254/ /x'}}, 'ADD of a URL'),
    ('Image', {'name': 'x', 'build': {'context_url': 'http://169.254.169.254/x.tar'}}, 'connects to no such address'),
    ('Image', {'name': 'x', 'url': {'address': 'http://[::ffff:127.0.0.1]:1/'}}, 'connects to no such address'),
    ('Image', {'name': 'x', 'commit': {'container': 'victim'}}, 'No such container')])
def test_nothing_of_others_is_reached_by_a_name(cloud, victim, kind, properties, said):
    before = {info.id: info.status for info in cloud.engine.list()}
    stack = cloud.create(template(kind, properties))
    assert stack.state == ('CREATE', 'FAILED')
    assert said in stack.status_reason and 'gd48Xs' not in stack.status_reason
    assert cloud.engine.inspect(victim['Container']).status is before[victim['Container']]
    assert [name for name, _ in cloud.engine.calls if name in ('exec', 'create_exec', 'commit', 'push')] == []


@pytest.mark.parametrize('properties', [
    {'log_config': {'type': 'syslog', 'options': {'syslog-address': 'udp://10.0.0.1'}}}, {'device_requests': []},
    {'log_driver': 'gelf'}, {'auto_remove': True}, {'security_opt': ['label=disable']}, {'isolation': 'hyperv'},
    {'binds': ['/:/host']}, {'host_config': {'Privileged': True}}, {'volume_driver': 'x'},
    {'storage_opt': {'size': '1'}},
    {'mounts': [{'type': 'npipe', 'target': '/x'}]}, {'mounts': [{'type': 'image', 'target': '/x'}]},
    {'mounts': [{'type': 'cluster', 'target': '/x'}]}, {'network_mode': 'ns:/proc/1/ns/net'},
    {'ipc_mode': 'ns:/proc/1/ns/ipc'}, {'pid_mode': '/proc/1/ns/pid'}, {'uts_mode': 'container:x'},
    {'userns_mode': 'keep-id'}, {'name': '../x'}, {'name': 'a/b'}, {'name': 'x' * 200}, {'name': 'n\u00e4me'},
    {'name': 'a\nb'}, {'hostname': 'a b'}, {'image': 'http://x/y'}, {'image': '../x'}, {'image': 'x\u0430'},
    {'image': 'x' * 300}, {'ports': [{'container_port': 80, 'host_port': 70000}]},
    {'mounts': [{'type': 'bind', 'source': '/', 'target': '/x', 'propagation': 'shared,exec'}]},
    {'devices': [{'path_on_host': '/etc/../dev/sda'}]}, {'device_cgroup_rules': ['a *:* rwm\nb']}])
def test_there_are_no_words_for_it(cloud, properties):
    with pytest.raises(exception.StackValidationFailed):
        cloud.create(template('Container', {'image': 'box:1', **properties}))
    assert cloud.engine.calls == []


@pytest.mark.parametrize('url', ['unix:///run/edge.sock', 'http://edge.test:2375', 'tcp://edge.test:2376'])
def test_adopted_data_are_no_way_to_an_engine(cloud, url):
    """What a stack is adopted with is written by the tenant, and kept by resources of every type."""
    cloud.engines[url] = cloud.engine
    fake = {tenants.URL: url, tenants.CA: 'a', tenants.CERT: 'b', tenants.KEY: 'c'}
    cloud.adopt(template('Network', {}), {'x': {'resource_id': 'mine', 'resource_data': fake}}, name='bait')
    bound = {'endpoint': 'mine', 'driver_opts': {'type': 'none', 'o': 'bind', 'device': '/'}}
    with pytest.raises(exception.StackValidationFailed, match='No endpoint that this project may use'):
        cloud.create(template('Volume', bound))
    assert cloud.engine.list_volumes() == ()


@pytest.mark.parametrize('url', ['unix:///run/edge.sock', 'http://edge.test:2375', 'ssh://root@edge'])
def test_what_an_endpoint_keeps_is_judged_again_when_it_is_used(cloud, url):
    with pytest.raises(errors.InvalidRequest, match='tcp://host:port'):
        endpoints.of_tenant('mine', {tenants.URL: url}, cloud.context())


def test_adopted_data_do_not_take_names_from_images_of_all(cloud):
    image = cloud.engine.add_image('nginx:1')
    stack = cloud.adopt(template('Image', {'name': 'nginx:1', 'on_delete': 'remove'}), {
        'x': {'resource_id': image, 'resource_data': {'names': '["nginx:1"]'}}})
    assert stack.state == ('ADOPT', 'COMPLETE'), stack.status_reason
    cloud.delete(stack)
    assert cloud.engine.inspect_image(image).references == ('nginx:1',)
