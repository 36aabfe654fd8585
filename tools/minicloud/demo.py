# SPDX-License-Identifier: Apache-2.0
"""What a first user needs: flavors, networks, a keypair, a security group."""

import os
import shutil
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tools.minicloud import api
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import tenancy
from tools.minicloud.config import network

FLAVORS = (
    # name, vCPUs, MiB of memory, GiB of disk
    ('c1.tiny', 1, 64, 1),
    ('c1.small', 1, 256, 1),
    ('c1.medium', 2, 512, 2),
    ('c1.large', 2, 1024, 4),
)
_WIRED_S = 60
_OPENED = (('icmp', None), ('tcp', 22), ('tcp', 80))


def create_flavors(cloud: instance.Instance) -> None:
    """Create the flavors that are missing."""
    admin = api.Api(cloud, 'admin', 'admin')
    existing = {flavor['name'] for flavor in admin.get(
        'nova-api', '/v2.1/flavors')['flavors']}
    for name, vcpus, ram, disk in FLAVORS:
        if name not in existing:
            admin.post('nova-api', '/v2.1/flavors', {'flavor': {
                'name': name, 'id': name, 'vcpus': vcpus, 'ram': ram,
                'disk': disk}})


def create_keypair(cloud: instance.Instance) -> None:
    """Create an ed25519 pair in keys/ and hand Nova the public half."""
    private = cloud.path('keys', 'demo')
    public = cloud.path('keys', 'demo.pub')
    if not private.exists():
        _write_pair(private, public)
    demo = api.Api(cloud, tenancy.DEMO, tenancy.DEMO)
    existing = demo.get('nova-api', '/v2.1/os-keypairs')['keypairs']
    if not existing:
        demo.post('nova-api', '/v2.1/os-keypairs', {'keypair': {
            'name': 'demo', 'type': 'ssh',
            'public_key': public.read_text().strip()}})


def create_networks(cloud: instance.Instance) -> None:
    """Create `private` behind `router1`, `public`, and the group `demo`."""
    admin = _Neutron(api.Api(cloud, 'admin', 'admin'))
    demo = _Neutron(api.Api(cloud, tenancy.DEMO, tenancy.DEMO))
    public = admin.ensure('network', 'public', **{
        'router:external': True, 'provider:network_type': 'flat',
        'provider:physical_network': network.EXTERNAL})
    prefix = cloud.ports.external_prefix
    admin.ensure('subnet', 'public', network_id=public, ip_version=4,
                 cidr=f'{prefix}.0/24', gateway_ip=f'{prefix}.1',
                 enable_dhcp=False, allocation_pools=[
                     {'start': f'{prefix}.10', 'end': f'{prefix}.250'}])
    _create_tenant_side(demo, public)
    _create_security_group(demo)
    _wait_wired(admin)


def _wait_wired(admin: '_Neutron') -> None:
    deadline = time.monotonic() + _WIRED_S
    while time.monotonic() < deadline:
        ports = admin.api.get('neutron', '/v2.0/ports')['ports']
        owners = {port['device_owner'] for port in ports
                  if port['status'] == 'ACTIVE'}
        if {'network:dhcp', 'network:router_interface'} <= owners:
            return
        time.sleep(0.1)
    raise errors.NotReady(
        'The ports of the DHCP server and the router did not come up in '
        f'{_WIRED_S} s; `minicloud logs neutron-openvswitch-agent` may say '
        'why.')


def _create_tenant_side(demo: '_Neutron', public: str) -> None:
    private = demo.ensure('network', 'private')
    v4 = demo.ensure('subnet', 'private', network_id=private, ip_version=4,
                     cidr='10.20.0.0/24')
    router = demo.ensure('router', 'router1',
                         external_gateway_info={'network_id': public})
    demo.attach(router, v4)
    if shutil.which('radvd'):   # without it the L3 agent fails the router
        demo.attach(router, demo.ensure(
            'subnet', 'private-v6', network_id=private, ip_version=6,
            cidr='fd00:10:20::/64', ipv6_ra_mode='slaac',
            ipv6_address_mode='slaac'))


def _create_security_group(demo: '_Neutron') -> None:
    group = demo.ensure('security_group', 'demo',
                        description='ping, ssh and http from anywhere')
    existing = demo.api.get(
        'neutron', '/v2.0/security-group-rules?direction=ingress'
        f'&security_group_id={group}')['security_group_rules']
    if existing:
        return
    demo.api.post('neutron', '/v2.0/security-group-rules', {
        'security_group_rules': [
            {'security_group_id': group, 'direction': 'ingress',
             'ethertype': 'IPv4', 'protocol': protocol,
             'port_range_min': port, 'port_range_max': port}
            for protocol, port in _OPENED]})


class _Neutron:
    """Ensure things by name."""

    def __init__(self, user: api.Api) -> None:
        self.api = user

    def ensure(self, kind: str, name: str, **more) -> str:
        """Create unless there is one of the name; its id."""
        path = f'/v2.0/{kind.replace("_", "-")}s'
        found = self.api.get('neutron', f'{path}?name={name}')[f'{kind}s']
        if found:
            return found[0]['id']
        return self.api.post('neutron', path, {
            kind: {'name': name, **more}})[kind]['id']

    def attach(self, router: str, subnet: str) -> None:
        """Give the router an interface unless it has one."""
        ports = self.api.get(
            'neutron', f'/v2.0/ports?device_id={router}'
            f'&fixed_ips=subnet_id={subnet}')['ports']
        if not ports:
            self.api.put('neutron',
                         f'/v2.0/routers/{router}/add_router_interface',
                         {'subnet_id': subnet})


def _write_pair(private, public) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    private.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(private, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.OpenSSH,
        serialization.PublicFormat.OpenSSH) + b' demo@minicloud\n')
