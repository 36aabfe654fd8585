# SPDX-License-Identifier: Apache-2.0
"""Servers as containers, whole, against golden files."""

import unittest

from nova import objects

from nova_container import errors
from nova_container.engine import validate
from nova_container.virt.translate import container, flavor
from tests.fixtures.nova import golden
from tests.unit.virt import servers

POLICY = flavor.Policy(pids_limit=2048, allowed_sysctls=('net.*', 'kernel.shm*'))
UUID = '5d1f3f0e-8a3c-4f7e-9a0b-2c6d7e8f9a0b'


def a_spec(network_info=(), policy=POLICY, command_line=None, **fields):
    return container.container_spec(servers.an_instance(uuid=UUID, **fields), 'glance/x:y', network_info,
                                    host='compute-1', policy=policy, command_line=command_line)


class GoldenTest(unittest.TestCase):

    def check(self, name, spec):
        validate.check(spec)
        golden.check(self, name, spec)

    def test_a_server_with_nothing_said(self):
        self.check('plain', a_spec())

    def test_a_server_that_overrides_its_image_by_metadata(self):
        self.check('metadata', a_spec(metadata={
            'container:command': 'nginx -g "daemon off;"', 'container:entrypoint': '["/usr/bin/env", "A=b c"]',
            'container:workdir': '/srv', 'container:user': 'www-data:www-data', 'container:tty': 'true',
            'container:env:GREETING': 'hello world', 'container:stop_signal': 'SIGQUIT',
            'container:stop_timeout': '30', 'owner': 'mine'}))

    def test_a_server_with_user_data_and_metadata_over_it(self):
        self.check('userdata', a_spec(
            command_line='from the image', metadata={'container:user': 'root', 'container:env:B': 'metadata'},
            user_data='#container-config\ncommand: [sleep, "60"]\nuser: nobody\n'
                      'env: {A: user data, B: user data, N: 1}\ntty: false\n'))

    def test_a_flavor_that_grants_everything(self):
        self.check('flavor', a_spec(flavor=servers.a_flavor(vcpus=4, memory_mb=2048, swap=1024, **{
            'container:cap_add': 'NET_ADMIN, cap_sys_nice', 'container:cap_drop': 'MKNOD',
            'container:sysctl:net.ipv4.ip_forward': '1', 'container:ulimit:nofile': '1024:4096',
            'container:ulimit:memlock': '-1', 'container:shm_size_mb': '256', 'container:pids_limit': '100',
            'container:devices': '/dev/net/tun,/dev/kvm:/dev/kvm:rw', 'container:read_only_root': 'true',
            'container:no_new_privileges': 'false', 'container:seccomp': 'unconfined', 'container:init': 'yes',
            'quota:cpu_shares': '512', 'quota:cpu_period': '50000', 'quota:cpu_quota': '25000',
            'hw:cpu_policy': 'shared',
        })))

    def test_a_server_with_two_ports(self):
        first = servers.a_vif(1, subnets=[
            servers.a_subnet(dns=('192.0.2.2', '192.0.2.3')),
            servers.a_subnet('2001:db8::/64', ips=('2001:db8::5',), gateway='2001:db8::1', dns=('2001:db8::2',))])
        second = servers.a_vif(2, subnets=[servers.a_subnet('198.51.100.0/24', ips=('198.51.100.5',),
                                                            gateway=None, dns=('192.0.2.2',))])
        self.check('two_ports', a_spec(network_info=[first, second]))

    def test_a_server_with_cpus_of_its_own(self):
        cells = [objects.InstanceNUMACell(id=0, cpuset=set(), pcpuset={0, 1}, memory=256, cpu_pinning={0: 4, 1: 5}),
                 objects.InstanceNUMACell(id=1, cpuset=set(), pcpuset={2}, memory=256, cpu_pinning={2: 9})]
        self.check('pinned', a_spec(numa_topology=objects.InstanceNUMATopology(cells=cells)))


class ContainerTest(unittest.TestCase):

    def test_shared_servers_stay_off_the_dedicated_cpus(self):
        policy = flavor.Policy(shared_cpus='0-1')
        self.assertEqual('0-1', a_spec(policy=policy).resources.cpuset_cpus)

    def test_the_root_disk_is_a_limit_only_where_it_is_configured(self):
        self.assertIsNone(a_spec().resources.root_size_bytes)
        policy = flavor.Policy(limit_root_disk=True)
        self.assertEqual(10 << 30, a_spec(policy=policy).resources.root_size_bytes)
        self.assertIsNone(a_spec(policy=policy, flavor=servers.a_flavor(root_gb=0)).resources.root_size_bytes)

    def test_a_long_full_name_is_cut_to_its_first_label(self):
        self.assertEqual('web', a_spec(hostname=f'web.{"x" * 60}.example.com').hostname)
        self.assertEqual('web.example.com', a_spec(hostname='web.example.com').hostname)

    def test_the_command_of_an_image_property_is_the_weakest(self):
        self.assertEqual(('sh', '-c', 'a b'), a_spec(command_line='sh -c "a b"').process.command)
        self.assertEqual(('x',), a_spec(command_line='sh', metadata={'container:command': 'x'}).process.command)

    def test_nothing_a_tenant_says_grants_a_privilege(self):
        plain = a_spec()
        for key in ('privileged', 'cap_add', 'devices', 'sysctl:net.ipv4.ip_forward', 'mounts', 'seccomp'):
            with self.subTest(key=key), self.assertRaises(errors.InvalidSpec):
                a_spec(metadata={f'container:{key}': 'true'})
            with self.subTest(key=key), self.assertRaises(errors.InvalidSpec):
                a_spec(user_data=f'#container-config\n{key.partition(":")[0]}: true\n')
        granted = a_spec(metadata={'container:user': '0', 'container:command': '--privileged'})
        self.assertEqual((plain.security, plain.mounts, plain.devices, plain.sysctls, plain.resources),
                         (granted.security, granted.mounts, granted.devices, granted.sysctls, granted.resources))
