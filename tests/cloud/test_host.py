# SPDX-License-Identifier: Apache-2.0
"""What an operator sees of the host: hypervisor, Placement, services, diagnostics; and images cached in advance."""

import os
import re

from tests.cloud.project import wait_for


def test_the_hypervisor_tells_what_the_host_has(admin):
    found = admin.compute.find_hypervisor(next(admin.compute.hypervisors()).id, details=True)
    assert (found.hypervisor_type, found.state, found.status) == ('docker', 'up', 'enabled')
    assert re.search(r'up .*load average', found.uptime)
    assert found.service_details['host'] == found.name


def test_placement_has_the_inventory_and_the_traits(admin, host):
    provider = next(admin.api.placement.resource_providers(name=host.name))
    inventory = {one.resource_class: one for one in admin.api.placement.resource_provider_inventories(provider)}
    assert set(inventory) == {'VCPU', 'MEMORY_MB', 'DISK_GB'}
    assert inventory['VCPU'].total == os.cpu_count() and inventory['MEMORY_MB'].reserved == 512
    traits = admin.api.placement.get(f'/resource_providers/{provider.id}/traits',
                                     headers={'OpenStack-API-Version': 'placement 1.6'}).json()['traits']
    assert {'CUSTOM_CONTAINER', 'CUSTOM_RUNTIME_CRUN', 'COMPUTE_IMAGE_TYPE_RAW'} <= set(traits)
    assert 'COMPUTE_IMAGE_TYPE_QCOW2' not in traits and 'COMPUTE_RESCUE_BFV' not in traits


def test_the_services_are_up(admin):
    assert {one.state for one in admin.compute.services()} == {'up'}


def test_usage_is_what_the_server_allocated(project, admin, host):
    server = project.boot()
    allocation = admin.api.placement.get(f'/allocations/{server.id}').json()['allocations']
    assert [one['resources'] for one in allocation.values()] == [{'VCPU': 1, 'MEMORY_MB': 64, 'DISK_GB': 1}]


def test_diagnostics_tell_what_a_server_uses(project, admin):
    server = project.boot()
    port = next(admin.network.ports(device_id=server.id))
    found = admin.compute.get_server_diagnostics(server.id)
    assert (found.state, found.has_config_drive, found.memory_details['maximum']) == ('running', False, 64)
    assert [one['mac_address'] for one in found.nic_details] == [port.mac_address]
    assert found.cpu_details[0]['time'] > 0


def test_an_aggregate_caches_an_image_before_a_server_needs_it(project, admin, host, containers):
    image = project.upload(host.home / 'images' / 'demo-httpd.tar')
    image_id = project.id_of('image', image)
    aggregate = admin.compute.create_aggregate(name=admin.name('aggregate'))
    admin.afterwards(lambda: admin.compute.delete_aggregate(aggregate.id))
    admin.compute.add_host_to_aggregate(aggregate.id, host.name)
    admin.afterwards(lambda: admin.compute.remove_host_from_aggregate(aggregate.id, host.name))
    offset = host.log('nova-compute').stat().st_size
    # the image is the tenant's own: whoever precaches must be able to read it
    admin.compute.aggregate_precache_images(aggregate.id, image_id)
    wait_for('the engine has the image', lambda: any(
        tag.startswith(f'glance/{image_id}:') for one in containers.client.api.images()
        for tag in one['RepoTags'] or ()), 30)
    project.boot(image)
    assert host.log_since('nova-compute', offset).count(f'Image {image_id} taken in') == 1
