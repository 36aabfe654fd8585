# SPDX-License-Identifier: Apache-2.0
"""neutron.conf, ml2_conf.ini and the files of the agents."""

from tools.minicloud import instance
from tools.minicloud.config import ini
from tools.minicloud.config import shared

DNSMASQ = 'neutron/dnsmasq.conf'
EXTERNAL = 'external'   # the physical network the external bridge carries


def neutron(cloud: instance.Instance) -> ini.Sections:
    """What the server processes and every agent share."""
    return ini.merge(
        shared.logging(), shared.messaging(cloud), shared.locking(cloud),
        {'DEFAULT': {
            'host': cloud.host, 'core_plugin': 'ml2',
            'service_plugins': 'router', 'rpc_workers': 1,
            'rpc_state_report_workers': 0,
            'state_path': cloud.path('data', 'neutron'),
            'api_paste_config': shared.package_etc('neutron',
                                                   'api-paste.ini'),
            'dns_domain': 'minicloud.internal.',
            'notify_nova_on_port_status_changes': True,
            'notify_nova_on_port_data_changes': True},
         'agent': {'root_helper': '', 'root_helper_daemon': None,
                   'report_interval': 10}})


def neutron_server(cloud: instance.Instance) -> ini.Sections:
    """Database, token check and Nova's address: not for agents."""
    unlimited = {f'quota_{what}': -1 for what in (
        'network', 'subnet', 'port', 'router', 'floatingip',
        'security_group', 'security_group_rule')}
    return ini.merge(
        shared.database(cloud, 'neutron'), shared.authtoken(cloud, 'neutron'),
        {'nova': {**shared.credentials(cloud, 'nova'),
                  'endpoint_type': 'public'},
         'quotas': unlimited})


def ml2(cloud: instance.Instance) -> ini.Sections:
    """Tenant networks over VXLAN, so that the MTU is the 1450 of real clouds."""
    return {
        'ml2': {'mechanism_drivers': 'openvswitch',
                'extension_drivers': 'port_security,dns',
                'type_drivers': 'flat,vxlan,local',
                'tenant_network_types': 'vxlan'},
        'ml2_type_flat': {'flat_networks': EXTERNAL},
        'ml2_type_vxlan': {'vni_ranges': '1:1000'},
        'securitygroup': {'firewall_driver': 'openvswitch'},
    }


def openvswitch_agent(cloud: instance.Instance,
                      datapath: str) -> ini.Sections:
    """The private Open vSwitch and its bridges."""
    return {
        'ovs': {'datapath_type': datapath,
                'ovsdb_connection': ovsdb_connection(cloud),
                'integration_bridge': cloud.integration_bridge,
                'tunnel_bridge': cloud.tunnel_bridge,
                'bridge_mappings': f'{EXTERNAL}:{cloud.external_bridge}',
                'local_ip': '127.0.0.1',
                'of_listen_address': '127.0.0.1',
                'of_listen_port': cloud.ports.port('openflow')},
        'agent': {'tunnel_types': 'vxlan', 'polling_interval': 2},
        'securitygroup': {'firewall_driver': 'openvswitch'},
    }


def dhcp_agent(cloud: instance.Instance, datapath: str) -> ini.Sections:
    """dnsmasq in a namespace a network, with metadata where no router is."""
    return ini.merge(_on_the_bridge(cloud, datapath), {'DEFAULT': {
        'enable_isolated_metadata': True,
        'dnsmasq_config_file': cloud.path('etc', *DNSMASQ.split('/')),
        'dhcp_confs': cloud.path('data', 'neutron', 'dhcp')}})


def dnsmasq() -> str:
    """Let dnsmasq stay root: as nobody it could not read our closed folder.

    It reads its hosts again at every new port, and without them refuses names.
    """
    return 'user=root\n'


def l3_agent(cloud: instance.Instance, datapath: str) -> ini.Sections:
    """Legacy routers: one namespace each."""
    return ini.merge(_on_the_bridge(cloud, datapath),
                     {'DEFAULT': {'agent_mode': 'legacy'}})


def metadata_agent(cloud: instance.Instance) -> ini.Sections:
    """Relay to Nova's metadata API."""
    return {'DEFAULT': {
        'nova_metadata_host': '127.0.0.1',
        'nova_metadata_port': cloud.ports.port('nova-metadata'),
        'metadata_proxy_shared_secret': cloud.secret('metadata'),
        'metadata_workers': 1}}


def ovsdb_connection(cloud: instance.Instance) -> str:
    """Return where the private ovsdb-server listens."""
    return f'unix:{cloud.path("run", "ovs", "db.sock")}'


def _on_the_bridge(cloud: instance.Instance, datapath: str) -> ini.Sections:
    return {
        'DEFAULT': {'interface_driver': 'openvswitch'},
        'ovs': {'integration_bridge': cloud.integration_bridge,
                'ovsdb_connection': ovsdb_connection(cloud),
                'datapath_type': datapath},
    }
