# SPDX-License-Identifier: Apache-2.0
"""nova.conf, the database file nova-compute must not see, and its own file."""

from tools.minicloud import instance
from tools.minicloud import registry
from tools.minicloud.config import ini
from tools.minicloud.config import network
from tools.minicloud.config import shared


def nova(cloud: instance.Instance) -> ini.Sections:
    """What every nova process shares."""
    return ini.merge(
        shared.logging(), shared.messaging(cloud), shared.locking(cloud),
        shared.authtoken(cloud, 'nova'), _neighbours(cloud), _limits(),
        {'DEFAULT': {
            'host': cloud.host, 'my_ip': '127.0.0.1',
            'state_path': cloud.path('data', 'nova'),
            'allow_resize_to_same_host': True,
            'periodic_fuzzy_delay': 0},   # hosts are discovered at once
         'wsgi': {'api_paste_config': shared.package_etc(
             'nova', 'api-paste.ini')},
         'vnc': {'enabled': False},
         'serial_console': {
             'enabled': True, 'serialproxy_host': '127.0.0.1',
             'serialproxy_port': cloud.ports.port('nova-serialproxy'),
             'base_url': 'ws://127.0.0.1:'
                         f'{cloud.ports.port("nova-serialproxy")}/',
             'proxyclient_address': '127.0.0.1'},
         'scheduler': {'discover_hosts_in_cells_interval': 2, 'workers': 1},
         'conductor': {'workers': 1},
         'key_manager': {'backend': 'nova.keymgr.conf_key_mgr.ConfKeyManager',
                         'fixed_key': cloud.secret('volume key')}})


def nova_databases(cloud: instance.Instance) -> ini.Sections:
    """The API database and the cell's."""
    return ini.merge(shared.database(cloud, 'nova_api', 'api_database'),
                     shared.database(cloud, 'nova'))


def nova_compute(cloud: instance.Instance, driver: str) -> ini.Sections:
    """The driver (`fake` or `container`) and what it stands on."""
    names = {'fake': 'fake.FakeDriverWithoutFakeNodes',
             'container': 'container.ContainerDriver'}
    return {
        'DEFAULT': {
            'compute_driver': names[driver],
            'instances_path': cloud.path('data', 'nova', 'instances'),
            'force_config_drive': False,
            'reserved_host_memory_mb': 512,
            'cpu_allocation_ratio': 16.0, 'ram_allocation_ratio': 1.0,
            'disk_allocation_ratio': 1.0,
            'vif_plugging_timeout': 60, 'vif_plugging_is_fatal': True,
            'resume_guests_state_on_host_boot': True},
        'container': {
            'engine_url': f'unix://{cloud.path("run", "engine.sock")}',
            **registry.options(cloud)},
        'os_vif_ovs': {
            'ovsdb_connection': network.ovsdb_connection(cloud)},
    }


def _neighbours(cloud: instance.Instance) -> ini.Sections:
    public = {'valid_interfaces': 'public'}
    return {
        'placement': {**shared.credentials(cloud, 'nova'), **public},
        'neutron': {**shared.credentials(cloud, 'nova'), **public,
                    'ovs_bridge': cloud.integration_bridge,
                    'service_metadata_proxy': True,
                    'metadata_proxy_shared_secret': cloud.secret('metadata')},
        'glance': public,
        'service_user': {**shared.credentials(cloud, 'nova'),
                         'send_service_user_token': True},
    }


def _limits() -> ini.Sections:
    return {'quota': {
        'instances': 500, 'cores': 1000, 'ram': 1024 * 1024,
        'key_pairs': 500, 'server_groups': 100, 'server_group_members': 100,
        'injected_files': 20, 'metadata_items': 256}}
