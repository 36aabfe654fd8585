# SPDX-License-Identifier: Apache-2.0
"""Every configuration file of a minicloud, by its place below etc/."""

from tools.minicloud import instance
from tools.minicloud.config import compute
from tools.minicloud.config import engine
from tools.minicloud.config import identity
from tools.minicloud.config import image
from tools.minicloud.config import ini
from tools.minicloud.config import network
from tools.minicloud.config import orchestration


def plan(cloud: instance.Instance, *, driver: str,
         datapath: str) -> dict[str, ini.Sections]:
    """Return the sections of every file; pure."""
    return {
        'keystone/keystone.conf': identity.keystone(cloud),
        'placement/placement.conf': identity.placement(cloud),
        'glance/glance-api.conf': image.glance(cloud),
        'neutron/neutron.conf': network.neutron(cloud),
        'neutron/server.conf': network.neutron_server(cloud),
        'neutron/ml2_conf.ini': network.ml2(cloud),
        'neutron/openvswitch_agent.ini': network.openvswitch_agent(
            cloud, datapath),
        'neutron/dhcp_agent.ini': network.dhcp_agent(cloud, datapath),
        'neutron/l3_agent.ini': network.l3_agent(cloud, datapath),
        'neutron/metadata_agent.ini': network.metadata_agent(cloud),
        'nova/nova.conf': compute.nova(cloud),
        'nova/databases.conf': compute.nova_databases(cloud),
        'nova/nova-compute.conf': compute.nova_compute(cloud, driver),
        'heat/heat.conf': orchestration.heat(cloud, driver),
        'engine/engine.ini': engine.container_engine(cloud),
    }


def write_heat(cloud: instance.Instance) -> None:
    """Write heat.conf anew, with what is known of projects now."""
    ini.write(cloud.path('etc', 'heat', 'heat.conf'),
              orchestration.heat(cloud, cloud.driver))


def write(cloud: instance.Instance, *, driver: str, datapath: str) -> None:
    """Write all files and keystone's keys."""
    for place, sections in plan(cloud, driver=driver,
                                datapath=datapath).items():
        ini.write(cloud.path('etc', *place.split('/')), sections)
    cloud.path('etc', *network.DNSMASQ.split('/')).write_text(
        network.dnsmasq())
    identity.write_keys(cloud.path('keys', 'fernet'))
    identity.write_keys(cloud.path('keys', 'credential'))
