# SPDX-License-Identifier: Apache-2.0
"""On real engines: what is looked at is what is built, names of others stay theirs, and limits are in the kernel."""

import json

import pytest

from tests.unit.heat import own_conf

with own_conf.swapped():
    from tests.unit.heat import stacks

pytestmark = pytest.mark.root

OTHERS = f'heat-container/{stacks.OTHER_PROJECT}/app:1'


@pytest.fixture
def base(cloud):
    """The image that is there, also as another project's."""
    found = cloud.engine.list_images()[0]
    before = {one.id for one in cloud.engine.list_images()}
    yield found.references[0]
    for one in cloud.engine.list_images():
        if one.id not in before:
            cloud.engine.remove_image(one.id, force=True)


NET = [{'network': {'get_resource': 'net'}}]


def created(cloud, properties, kind='Image', name='built'):
    return cloud.create(json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'x': {'type': f'OS::Docker::{kind}', 'properties': properties},
        **({'net': {'type': 'OS::Docker::Network'}} if 'networks' in properties else {})}}), name=name)


def test_an_image_is_built_of_what_was_looked_at(cloud, base):
    recipe = (f'ARG BASE={base}\nFROM $BASE AS first\nRUN echo made > /made\nFROM {base}\n'
              'COPY --from=first /made /made\nCOPY own /own\nENTRYPOINT ["cat", "/made", "/own"]')
    stack = created(cloud, {'name': 'mine', 'build': {'dockerfile': recipe, 'files': {'own': 'a file\n'}}})
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    image = stack['x'].FnGetRefId()
    told = created(cloud, {'image': image, 'wait_for': 'exited', 'network_mode': 'none'}, 'Container', 'reader')
    loaded = cloud.load(told)
    assert loaded['x'].FnGetAtt('logs') == 'made\na file\n'
    assert cloud.delete(told).state == cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_nothing_is_built_on_or_run_from_what_others_made(cloud, base):
    made = created(cloud, {'name': 'app:1', 'build': {'dockerfile': f'FROM {base}\nRUN echo secret > /secret'}})
    theirs = made['x'].FnGetRefId()
    cloud.engine.tag_image(theirs, OTHERS)
    cloud.delete(made)
    for number, recipe in enumerate((f'FROM {OTHERS}', f'FROM\t{OTHERS}', f'FROM {theirs}',
                                     f'FROM {base}\nCOPY --from={OTHERS} /secret /',
                                     f'FROM {base}\nADD http://127.0.0.1/ /x')):
        stack = created(cloud, {'name': 'stolen', 'build': {'dockerfile': recipe}}, name=f'thief-{number}')
        assert stack.state == ('CREATE', 'FAILED'), recipe
        cloud.delete(stack)
    for number, image in enumerate((OTHERS, theirs)):
        stack = created(cloud, {'image': image}, 'Container', f'runner-{number}')
        assert stack.state == ('CREATE', 'FAILED'), image
        cloud.delete(stack)
    assert cloud.engine.inspect_image(theirs).references[0].endswith(OTHERS)


def test_a_pod_holds_its_namespaces_where_images_come_from_listed_registries_only(cloud, base):
    cloud.set('registries', ['registry.test'], group='docker_endpoint:real')
    stack = created(cloud, {'containers': [{'name': 'a', 'image': base, 'command': ['sleep', '60']}], 'networks': NET},
                    'Pod', 'pod')
    assert 'images on this endpoint come from registry.test' in stack.status_reason  # of the member, not of the pod
    assert len(cloud.engine.list()) == 1
    cloud.delete(stack)
    assert cloud.engine.list() == ()


def test_what_one_container_may_publish_and_log_is_bounded(cloud, base):
    cloud.set('host_ports', '42000-42010', group='docker_endpoint:real')
    cloud.set('host_ip', '127.0.0.1', group='docker_endpoint:real')
    cloud.set('max_log_mb', 8, group='docker_endpoint:real')
    wanted = {'image': base, 'command': ['sleep', '60'], 'stop_signal': 'SIGKILL', 'ports': [{'container_port': 80}],
              'networks': NET,
              'log_config': {'max_size': 1 << 20, 'max_files': 2}}
    stack = created(cloud, wanted, 'Container')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    loaded = cloud.load(stack)
    port, = loaded['x'].FnGetAtt('ports')['80/tcp']
    assert port['host_ip'] == '127.0.0.1' and 42000 <= int(port['host_port']) <= 42010
    refused = created(cloud, {**wanted, 'log_config': {'max_size': 8 << 20, 'max_files': 2}}, 'Container', 'more')
    assert 'bytes of output' in refused.status_reason
    cloud.delete(refused)
    cloud.delete(stack)
