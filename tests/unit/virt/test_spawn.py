# SPDX-License-Identifier: Apache-2.0
"""How a server is made, and that a failure at any step leaves nothing."""

import unittest

from nova import exception

from nova_container import errors
from nova_container.engine import state
from tests.unit.virt import servers


class SpawnTest(unittest.TestCase):

    def setUp(self):
        self.cloud = servers.Cloud()
        self.engine, self.driver = self.cloud.engine, self.cloud.driver

    def test_a_server_runs_with_its_ports_wired_into_its_namespace(self):
        instance = self.cloud.spawn()
        self.assertIs(state.Status.RUNNING, self.cloud.status(instance))
        self.assertEqual(1, len(self.cloud.vifs.wired))
        self.assertEqual([self.engine.network_namespace(instance.uuid)], self.cloud.vifs.namespaces)

    def test_ports_are_wired_after_create_and_before_start(self):
        order = []
        self.cloud.vifs.attach = lambda *args: order.append([verb for verb, _ in self.engine.calls])
        self.cloud.spawn()
        self.assertIn('create', order[0])
        self.assertNotIn('start', order[0])

    def test_the_image_is_the_one_of_the_id_whatever_its_name(self):
        instance = self.cloud.spawn()
        reference = self.engine.inspect(instance.uuid).spec.image
        self.assertRegex(reference, f'^glance/{servers.IMAGE_ID}:[0-9a-f]{{32}}$')

    def test_an_image_that_is_pruned_meanwhile_is_downloaded_again(self):
        instance = self.cloud.spawn()
        self.engine.remove(instance.uuid, force=True)
        create = self.engine.create

        def prune_and_create(spec):
            self.engine.create = create
            self.engine.remove_image(spec.image)
            return create(spec)
        self.engine.create = prune_and_create
        self.assertIs(state.Status.RUNNING, self.cloud.status(self.cloud.spawn()))
        self.assertEqual(2, len(self.cloud.glance.downloads))

    def test_an_engine_that_dies_at_the_start_is_waited_for_and_the_container_removed(self):
        self.engine.fail('start', errors.Unavailable('it was killed'))
        self.engine.fail('remove', errors.Unavailable('it is down'))
        with self.assertRaises(exception.NovaException):
            self.cloud.spawn()
        self.assertEqual((), self.engine.list(labels={}))

    def test_a_container_whose_making_was_not_answered_is_removed(self):
        create = self.engine.create

        def create_in_silence(spec):
            create(spec)
            raise errors.Unavailable('it was killed')
        self.engine.create = create_in_silence
        with self.assertRaises(exception.NovaException):
            self.cloud.spawn()
        self.assertEqual((), self.engine.list(labels={}))

    def test_it_waits_for_ports_that_are_down_and_only_those(self):
        down, up = servers.a_vif(1, active=False), servers.a_vif(2, active=True)
        self.cloud.spawn(network_info=servers.a_network_info(down, up))
        self.assertEqual([[('network-vif-plugged', down['id'])]], [events for events, _ in self.cloud.virtapi.waited])

    def test_a_server_that_is_not_to_run_yet_waits_for_nothing(self):
        instance = self.cloud.spawn(power_on=False)
        self.assertIs(state.Status.CREATED, self.cloud.status(instance))
        self.assertEqual([], self.cloud.virtapi.waited)

    def test_one_line_in_the_log_tells_how_long_each_step_took(self):
        with self.assertLogs('nova_container.virt.spawn', 'INFO') as logged:
            self.cloud.spawn()
        self.assertRegex(logged.output[-1],
                         r'Spawned in \d+\.\d{3} s \(image [\d.]+, network [\d.]+, create [\d.]+, plug [\d.]+, '
                         r'wait [\d.]+, start [\d.]+\)')

    def test_injected_files_are_there_before_the_first_process(self):
        instance = self.cloud.spawn(files=[('/etc/app/config', b'hello')])
        with self.engine.changed:
            tree = self.engine.containers.find(instance.uuid).tree
        self.assertEqual(b'hello', tree.read('/etc/app/config'))

    def test_an_injected_file_cannot_climb_out(self):
        with self.assertRaisesRegex(exception.InvalidInput, 'without ..'):
            self.cloud.spawn(files=[('/../../etc/passwd', b'x')])
        self.assertEqual((), self.engine.list())

    def test_a_second_spawn_of_the_same_server_is_refused_and_leaves_the_first(self):
        instance = self.cloud.spawn()
        with self.assertRaises(exception.InstanceExists):
            self.cloud.spawn(instance)
        self.assertIs(state.Status.RUNNING, self.cloud.status(instance))


class RefusalTest(unittest.TestCase):
    """What is not there is said, not left out."""

    def setUp(self):
        self.cloud = servers.Cloud()

    def refused(self, sentence, *args, **kwargs):
        with self.assertRaisesRegex(exception.InvalidInput, sentence) as caught:
            self.cloud.spawn(*args, **kwargs)
        self.assertLess(len(str(caught.exception)), 255)
        self.assertEqual((), self.cloud.engine.list())

    def test_a_config_drive(self):
        self.refused('metadata service', servers.an_instance(config_drive='True'))

    def test_volumes(self):
        self.refused('boot from an image', block_device_info={'block_device_mapping': [object()]})

    def test_an_ephemeral_disk(self):
        self.refused('choose a flavor without', block_device_info={'ephemerals': [object()]})

    def test_too_little_memory(self):
        self.refused('choose a bigger flavor', servers.an_instance(flavor=servers.a_flavor(memory_mb=4)))

    def test_an_image_that_is_a_disk(self):
        with self.assertRaisesRegex(exception.ImageUnacceptable, '--container-format docker --disk-format raw'):
            self.cloud.spawn(image_meta=servers.an_image_meta(container_format='bare', disk_format='qcow2'))

    def test_a_tenant_cannot_ask_for_capabilities(self):
        self.refused('not known', servers.an_instance(metadata={'container:cap_add': 'SYS_ADMIN'}))

    def test_a_program_that_is_not_in_the_image_is_the_tenants_fault(self):
        cloud = servers.Cloud()
        with self.assertRaises(exception.InvalidInput):
            cloud.spawn(servers.an_instance(metadata={'container:entrypoint': '/no/such/program'}))
        self.assertEqual((), cloud.engine.list())
        self.assertEqual([], cloud.vifs.wired)


class FailureTest(unittest.TestCase):

    def assert_nothing_is_left(self, cloud):
        self.assertEqual((), cloud.engine.list())
        self.assertEqual([], cloud.vifs.wired)

    def test_a_failure_of_any_verb_leaves_nothing(self):
        for verb in ('inspect_image', 'load', 'create', 'copy_in', 'network_namespace', 'start'):
            for error_class in servers.EVERY_ERROR:
                with self.subTest(verb=verb, error=error_class.__name__):
                    cloud = servers.Cloud()
                    cloud.engine.fail(verb, servers.raised(error_class))
                    with self.assertRaises((exception.NovaException, NotImplementedError)):
                        cloud.spawn(files=[('/a', b'b')])
                    self.assert_nothing_is_left(cloud)

    def test_an_error_nobody_thought_of_leaves_nothing_too(self):
        cloud = servers.Cloud()
        cloud.engine.fail('start', RuntimeError('a bug'))
        with self.assertRaises(RuntimeError):
            cloud.spawn()
        self.assert_nothing_is_left(cloud)

    def test_a_failed_plug_ends_the_build_without_another_host(self):
        cloud = servers.Cloud(servers.FakeVifs(errors.LinkFailed('no bridge')))
        with self.assertRaises(exception.VirtualInterfaceCreateException):
            cloud.spawn()
        self.assert_nothing_is_left(cloud)

    def test_a_port_that_is_up_without_a_word_of_neutron_will_do(self):
        cloud, vif = servers.Cloud(), servers.a_vif(active=False)
        cloud.virtapi.late = True
        cloud.active_ports.add(vif['id'])
        instance = cloud.spawn(network_info=servers.a_network_info(vif))
        self.assertIs(state.Status.RUNNING, cloud.status(instance))

    def test_a_rebuild_looks_at_its_ports_sooner(self):
        cloud, instance = servers.Cloud(), servers.an_instance()
        instance.task_state = 'rebuild_spawning'
        cloud.spawn(instance)
        cloud.spawn()
        self.assertEqual([1.5, 15.0], [timeout for _, timeout in cloud.virtapi.waited])

    def test_neutron_that_does_not_answer_ends_the_build(self):
        servers.CONF.set_override('vif_plugging_timeout', 1)
        self.addCleanup(servers.CONF.clear_override, 'vif_plugging_timeout')
        cloud = servers.Cloud()
        cloud.virtapi.late = True
        with self.assertRaises(exception.VirtualInterfaceCreateException):
            cloud.spawn(network_info=servers.a_network_info(servers.a_vif(active=False)))
        self.assert_nothing_is_left(cloud)

    def test_neutron_that_reports_a_failure_ends_the_build(self):
        cloud = servers.Cloud()
        cloud.virtapi.failed = True
        with self.assertRaises(exception.VirtualInterfaceCreateException):
            cloud.spawn(network_info=servers.a_network_info(servers.a_vif(active=False)))
        self.assert_nothing_is_left(cloud)

    def test_neither_matters_where_plugging_is_not_fatal(self):
        for option, value in (('vif_plugging_is_fatal', False), ('vif_plugging_timeout', 1)):
            servers.CONF.set_override(option, value)
            self.addCleanup(servers.CONF.clear_override, option)
        cloud = servers.Cloud()
        cloud.virtapi.late = cloud.virtapi.failed = True
        instance = cloud.spawn(network_info=servers.a_network_info(servers.a_vif(active=False)))
        self.assertIs(state.Status.RUNNING, cloud.status(instance))

    def test_an_undo_that_fails_is_a_note_on_the_first_error(self):
        cloud = servers.Cloud()
        cloud.engine.fail('start', errors.HostFailure('no cgroup'))
        cloud.engine.fail('remove', errors.HostFailure('busy'))
        with self.assertRaises(exception.NovaException) as caught:
            cloud.spawn()
        self.assertIn('undo of container failed: busy', caught.exception.__cause__.__notes__)

    def test_no_host_detail_reaches_the_tenant(self):
        cloud = servers.Cloud()
        cloud.engine.fail('start', errors.CommandFailed(['/usr/bin/crun', 'start'], 1, '/var/lib/secret'))
        with self.assertLogs('nova_container.virt.failures', 'ERROR') as logged, \
                self.assertRaises(exception.NovaException) as caught:
            cloud.spawn()
        self.assertNotIn('/', str(caught.exception))
        self.assertIn('/var/lib/secret', logged.output[0])
