# SPDX-License-Identifier: Apache-2.0
"""What the host has to give."""

import json
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from nova import objects
from nova.compute import provider_tree

from nova_container.engine import state
from nova_container.virt import hostinfo, inventory
from tests.unit.virt import servers

NODE = 'compute-1'
GIB = 1 << 30


def an_engine_info(**fields):
    return state.EngineInfo(**{
        'name': 'fake', 'version': '20.10.24', 'api_version': '1.41', 'runtime': 'crun', 'runtime_version': '1',
        'kernel_version': '6', 'operating_system': 'Debian', 'architecture': 'x86_64', 'cpus': 8,
        'memory_bytes': 32 * GIB, 'hostname': NODE, 'state_dir': '/', 'storage_driver': 'overlay',
        'cgroup_version': 2, **fields})


def a_host(*, online=range(8), disk_gb=100, engine=None, **reserved):
    return inventory.Host(engine=engine or an_engine_info(),
                          disk=hostinfo.Disk(total_bytes=disk_gb * GIB, free_bytes=40 * GIB),
                          online_cpus=frozenset(online), reserved=inventory.Reserved(**reserved))


def ratios(current):
    return {'VCPU': 4.0, 'MEMORY_MB': 1.0, 'DISK_GB': 1.0}


class ProviderTreeTest(unittest.TestCase):

    def setUp(self):
        self.tree = provider_tree.ProviderTree()
        self.tree.new_root(NODE, '11111111-1111-4222-8333-444444444444')

    def update(self, host):
        inventory.update_provider_tree(self.tree, NODE, host, ratios)
        return self.tree.data(NODE)

    def test_cpus_memory_and_disk_with_ratios_and_what_is_reserved(self):
        found = self.update(a_host(cpus=1, memory_mb=512, disk_gb=100)).inventory
        self.assertEqual({'VCPU', 'MEMORY_MB', 'DISK_GB'}, set(found))
        self.assertEqual({'total': 8, 'min_unit': 1, 'max_unit': 8, 'step_size': 1, 'allocation_ratio': 4.0,
                          'reserved': 1}, found['VCPU'])
        self.assertEqual((32768, 512), (found['MEMORY_MB']['total'], found['MEMORY_MB']['reserved']))

    def test_dedicated_cpus_are_their_own_class(self):
        found = self.update(a_host(dedicated_cpus=frozenset({4, 5, 99}), shared_cpus=frozenset({0, 1}))).inventory
        self.assertEqual((2, 2, 1.0), (found['VCPU']['total'], found['PCPU']['total'],
                                       found['PCPU']['allocation_ratio']))

    def test_a_host_with_dedicated_cpus_only_has_no_vcpu_at_all(self):
        found = self.update(a_host(dedicated_cpus=frozenset({0, 1}))).inventory
        self.assertNotIn('VCPU', found)

    def test_only_our_own_traits_change(self):
        self.tree.add_traits(NODE, 'CUSTOM_GOLD', 'CUSTOM_RUNTIME_RUNC')
        found = self.update(a_host()).traits
        self.assertEqual({'CUSTOM_GOLD', 'CUSTOM_CONTAINER', 'CUSTOM_RUNTIME_CRUN'}, set(found))

    def test_a_runtime_given_by_its_path_makes_a_valid_trait(self):
        self.assertEqual('CUSTOM_RUNTIME_CRUN_1_19', inventory.runtime_trait('/opt/bin/crun-1.19'))


class ResourceTest(unittest.TestCase):

    def test_every_key_that_nova_needs_is_there(self):
        found = inventory.resources(a_host(), NODE)
        self.assertEqual((8, 32768, 100, 60, 40), tuple(found[key] for key in (
            'vcpus', 'memory_mb', 'local_gb', 'local_gb_used', 'disk_available_least')))
        self.assertEqual(('docker', 20010024, NODE), tuple(found[key] for key in (
            'hypervisor_type', 'hypervisor_version', 'hypervisor_hostname')))
        self.assertEqual([('x86_64', 'docker', 'exe')], found['supported_instances'])
        self.assertIn('features', json.loads(found['cpu_info']))

    def test_versions_are_numbers_whatever_an_engine_calls_itself(self):
        self.assertEqual([0, 1_000_000, 20_010_024, 1_002_003],
                         [inventory.version_number(one) for one in ('dev', '1', '20.10.24+dfsg1', '1.2.3-rc1')])

    def test_architectures_are_those_of_nova(self):
        self.assertEqual(['x86_64', 'x86_64', 'aarch64'],
                         [inventory.architecture(one) for one in ('x86_64', 'amd64', 'arm64')])

    def test_memory_nodes_are_told_only_where_cpus_are_dedicated(self):
        self.assertIsNone(inventory.resources(a_host(), NODE)['numa_topology'])
        online = hostinfo.online_cpus()
        text = inventory.topology(a_host(online=online, dedicated_cpus=online))
        if hostinfo.memory_nodes():
            cells = objects.NUMATopology.obj_from_db_obj(text).cells
            self.assertEqual(online, frozenset(cpu for cell in cells for cpu in cell.pcpuset))

    def test_the_driver_reports_its_engine_and_the_nearest_folder_that_exists(self):
        driver = servers.Cloud().driver
        found = driver.get_available_resource(NODE)
        self.assertGreater(found['local_gb'], 0)
        tree = provider_tree.ProviderTree()
        tree.new_root(NODE, '11111111-1111-4222-8333-444444444444')
        driver.update_provider_tree(tree, NODE)
        self.assertIn('CUSTOM_RUNTIME_THREADS', tree.data(NODE).traits)


class HostInfoTest(unittest.TestCase):

    def folder(self, **files):
        temporary = TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        root = Path(temporary.name)
        for name, text in files.items():
            path = root / name.replace('__', '/')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    def test_lists_of_the_kernel_are_read(self):
        self.assertEqual(frozenset({0, 1, 2, 8}), hostinfo.numbers('0-2,8\n'))
        self.assertEqual(frozenset(), hostinfo.numbers('\n'))

    def test_memory_nodes_without_cpus_are_left_out(self):
        root = self.folder(node0__cpulist='0-3\n', node0__meminfo='Node 0 MemTotal:  2097152 kB\n',
                           node1__cpulist='\n', node1__meminfo='Node 1 MemTotal:  1024 kB\n')
        self.assertEqual((hostinfo.MemoryNode(id=0, cpus=frozenset(range(4)), memory_mb=2048),),
                         hostinfo.memory_nodes(root))

    def test_uptime_is_written_as_the_command_does(self):
        root = self.folder(uptime='90061.5 1\n', loadavg='0.10 0.20 0.30 1/2 3\n')
        self.assertRegex(hostinfo.uptime(root), r'up 1 day,  1:01,  0 users,  load average: 0.10, 0.20, 0.30$')

    def test_processor_and_times(self):
        root = self.folder(cpuinfo='processor\t: 0\nvendor_id\t: Any\nmodel name\t: Fast\nflags\t\t: a b\n'
                                   'cpu MHz\t\t: 2500.5\n\nprocessor\t: 1\n',
                           stat='cpu  100 1 50 1000 5 2 3 0 0 0\ncpu0 1\n')
        self.assertEqual({'vendor': 'Any', 'model': 'Fast', 'features': ['a', 'b']},
                         hostinfo.cpu_model(root / 'cpuinfo'))
        self.assertEqual(2500, hostinfo.frequency_mhz(root / 'cpuinfo'))
        found = hostinfo.cpu_times_ns(root / 'stat')
        self.assertEqual((1_010_000_000, 550_000_000), (found['user'], found['kernel']))
