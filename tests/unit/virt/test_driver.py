# SPDX-License-Identifier: Apache-2.0
"""The life of a server through the driver, on the engine in memory."""

import dataclasses
import inspect
import unittest
from unittest import mock

from nova import exception
from nova.compute import power_state
from nova.virt import driver as nova_driver

from nova_container import errors, nova_shim
from nova_container.engine import state
from nova_container.virt import driver as driver_module
from tests.unit.virt import servers

Status = state.Status


class SignatureTest(unittest.TestCase):
    """Nova changes its interface every cycle: a difference is found here, not on a host."""

    def test_every_method_takes_what_nova_passes(self):
        for name, method in vars(driver_module.ContainerDriver).items():
            base = getattr(nova_driver.ComputeDriver, name, None)
            if base is None or name.startswith('_') or not inspect.isfunction(method):
                continue
            with self.subTest(method=name):
                self.assertEqual(list(inspect.signature(base).parameters.values()),
                                 [parameter.replace(annotation=inspect.Parameter.empty) for parameter
                                  in inspect.signature(method).parameters.values()])

    def test_no_public_method_is_one_that_nova_does_not_know(self):
        public = [name for name in vars(driver_module.ContainerDriver) if not name.startswith('_')]
        self.assertEqual([], [name for name in public if not hasattr(nova_driver.ComputeDriver, name)])

    def test_no_capability_is_one_that_nova_does_not_know(self):
        self.assertEqual(set(nova_driver.ComputeDriver.capabilities), set(driver_module.ContainerDriver.capabilities))

    def test_what_is_claimed_is_what_works(self):
        claimed = {name for name, value in driver_module.ContainerDriver.capabilities.items() if value}
        self.assertEqual({'has_imagecache', 'supports_attach_interface', 'supports_device_tagging',
                          'supports_tagged_attach_interface', 'supports_trusted_certs', 'supports_pcpus',
                          'supports_image_type_raw'}, claimed)

    def test_nova_finds_the_driver_by_its_shim(self):
        self.assertIs(driver_module.ContainerDriver, nova_shim.ContainerDriver)


class DriverTest(unittest.TestCase):

    def setUp(self):
        self.cloud = servers.Cloud()
        self.engine, self.driver = self.cloud.engine, self.cloud.driver
        self.network_info = servers.a_network_info()

    def assert_power(self, expected, instance):
        self.assertEqual(expected, self.driver.get_info(instance).state)


class StateTest(DriverTest):

    def test_power_states_are_those_of_nova(self):
        instance = self.cloud.spawn()
        self.assert_power(power_state.RUNNING, instance)
        self.driver.pause(instance)
        self.assert_power(power_state.PAUSED, instance)
        self.driver.unpause(instance)
        self.engine.exit(instance.uuid, 0)
        self.assert_power(power_state.SHUTDOWN, instance)

    def test_a_container_that_ran_out_of_memory_has_crashed(self):
        instance = self.cloud.spawn()
        self.engine.exit(instance.uuid, 137, oom_killed=True)
        self.assert_power(power_state.CRASHED, instance)

    def test_a_server_that_was_never_started_is_shut_down(self):
        self.assert_power(power_state.SHUTDOWN, self.cloud.spawn(power_on=False))

    def test_a_missing_container_is_not_found(self):
        with self.assertRaises(exception.InstanceNotFound):
            self.driver.get_info(servers.an_instance())
        self.assertFalse(self.driver.instance_exists(servers.an_instance()))

    def test_containers_of_others_are_not_reported(self):
        self.cloud.add_stranger()
        instance = self.cloud.spawn()
        self.assertEqual([instance.uuid], self.driver.list_instance_uuids())
        self.assertEqual([instance.name], self.driver.list_instances())
        self.assertEqual(1, self.driver.get_num_instances())

    def test_containers_of_another_host_on_the_same_engine_are_not_reported(self):
        self.cloud.spawn()
        servers.CONF.set_override('host', 'compute-2')
        self.addCleanup(servers.CONF.set_override, 'host', 'compute-1')
        self.assertEqual([], self.driver.list_instance_uuids())

    def test_every_failure_of_the_engine_is_an_exception_of_nova(self):
        instance = self.cloud.spawn()
        for error_class in servers.EVERY_ERROR:
            with self.subTest(error=error_class.__name__):
                self.engine.fail('inspect', servers.raised(error_class))
                with self.assertRaises((exception.NovaException, NotImplementedError)):
                    self.driver.get_info(instance)


class DestroyTest(DriverTest):

    def test_destroy_takes_the_container_and_its_wires(self):
        instance = self.cloud.spawn()
        self.driver.destroy(servers.CONTEXT, instance, self.network_info)
        self.assertEqual((), self.engine.list())
        self.assertEqual([], self.cloud.vifs.wired)

    def test_destroy_may_be_repeated_and_an_unknown_server_is_success(self):
        self.driver.destroy(servers.CONTEXT, servers.an_instance(), self.network_info)
        self.driver.destroy(servers.CONTEXT, servers.an_instance(), None)

    def test_destroy_keeps_the_files_if_told_so(self):
        instance = self.cloud.spawn()
        self.driver.destroy(servers.CONTEXT, instance, self.network_info, destroy_disks=False)
        self.assertIs(Status.STOPPED, self.cloud.status(instance))
        self.assertEqual([], self.cloud.vifs.wired)

    def test_cleanup_keeps_the_wires_if_told_so(self):
        instance = self.cloud.spawn()
        self.driver.cleanup(servers.CONTEXT, instance, self.network_info, destroy_vifs=False)
        self.assertEqual((), self.engine.list())
        self.assertEqual(1, len(self.cloud.vifs.wired))

    def test_a_paused_server_can_be_destroyed(self):
        instance = self.cloud.spawn()
        self.driver.pause(instance)
        self.driver.destroy(servers.CONTEXT, instance, self.network_info)
        self.assertEqual((), self.engine.list())

    def test_an_engine_that_does_not_answer_is_no_success(self):
        instance = self.cloud.spawn()
        self.engine.fail('remove', errors.Unavailable('down'))
        with self.assertRaises(exception.NovaException):
            self.driver.destroy(servers.CONTEXT, instance, self.network_info)

    def test_a_rebuild_by_destroy_and_spawn_works(self):
        instance = self.cloud.spawn()
        self.driver.destroy(servers.CONTEXT, instance, self.network_info)
        self.cloud.spawn(instance)
        self.assertIs(Status.RUNNING, self.cloud.status(instance))


class PowerTest(DriverTest):

    def test_power_off_gives_the_server_its_time_and_is_silent_if_it_is_off(self):
        instance = self.cloud.spawn()
        self.driver.power_off(instance, 30, 10)
        self.driver.power_off(instance)
        self.assertIs(Status.STOPPED, self.cloud.status(instance))
        self.assertEqual(0, self.engine.inspect(instance.uuid).exit.code)

    def test_power_off_without_time_kills(self):
        instance = self.cloud.spawn()
        self.driver.power_off(instance)
        self.assertEqual(137, self.engine.inspect(instance.uuid).exit.code)

    def test_a_paused_server_hears_that_it_is_to_stop(self):
        instance = self.cloud.spawn()
        self.driver.pause(instance)
        self.driver.power_off(instance, 30)
        self.assertEqual(0, self.engine.inspect(instance.uuid).exit.code)

    def test_the_servers_own_stop_timeout_shortens_that_of_nova(self):
        instance = self.cloud.spawn(servers.an_instance(metadata={'container:stop_timeout': '3'}))
        with mock.patch.object(self.engine, 'stop') as stop:
            self.driver.power_off(instance, 60)
        stop.assert_called_once_with(instance.uuid, grace_s=3)

    def test_novas_own_call_with_a_context_first_is_understood(self):
        instance = self.cloud.spawn()
        self.driver.power_off(servers.CONTEXT, instance)
        self.assertIs(Status.STOPPED, self.cloud.status(instance))

    def test_power_on_wires_again_and_starts(self):
        instance = self.cloud.spawn()
        self.driver.power_off(instance)
        self.cloud.vifs.wired.clear()
        self.driver.power_on(servers.CONTEXT, instance, self.network_info)
        self.assertIs(Status.RUNNING, self.cloud.status(instance))
        self.assertEqual(1, len(self.cloud.vifs.wired))

    def test_a_failed_power_on_keeps_the_container(self):
        instance = self.cloud.spawn()
        self.driver.power_off(instance)
        self.engine.fail('start', errors.HostFailure('no cgroup'))
        with self.assertRaises(exception.NovaException):
            self.driver.power_on(servers.CONTEXT, instance, self.network_info)
        self.assertIs(Status.STOPPED, self.cloud.status(instance))

    def test_a_reboot_of_either_kind_ends_running_from_every_state(self):
        states = {'running': lambda one: None, 'paused': self.driver.pause, 'stopped': self.driver.power_off}
        for kind in ('SOFT', 'HARD'):
            for name, enter in states.items():
                with self.subTest(kind=kind, state=name):
                    instance = self.cloud.spawn()
                    enter(instance)
                    before = self.engine.inspect(instance.uuid).started_at
                    self.driver.reboot(servers.CONTEXT, instance, self.network_info, kind)
                    self.assertIs(Status.RUNNING, self.cloud.status(instance))
                    self.assertGreater(self.engine.inspect(instance.uuid).started_at, before)

    def test_a_soft_reboot_asks_and_a_hard_one_kills(self):
        instance = self.cloud.spawn()
        self.driver.reboot(servers.CONTEXT, instance, self.network_info, 'SOFT')
        self.assertEqual(0, self.engine.inspect(instance.uuid).exit.code)
        self.driver.reboot(servers.CONTEXT, instance, self.network_info, 'HARD')
        self.assertEqual(137, self.engine.inspect(instance.uuid).exit.code)

    def test_a_reboot_keeps_the_namespace(self):
        instance = self.cloud.spawn()
        before = self.engine.network_namespace(instance.uuid)
        self.driver.reboot(servers.CONTEXT, instance, self.network_info, 'HARD')
        self.assertEqual(before, self.engine.network_namespace(instance.uuid))

    def test_a_reboot_whose_wires_fail_fails(self):
        instance = self.cloud.spawn()
        self.cloud.vifs.failure = errors.LinkFailed('no bridge')
        with self.assertRaises(exception.NovaException):
            self.driver.reboot(servers.CONTEXT, instance, self.network_info, 'HARD')

    def test_after_a_boot_of_the_host_a_server_runs_again(self):
        instance = self.cloud.spawn()
        self.engine.exit(instance.uuid, 137)
        self.cloud.vifs.wired.clear()
        self.driver.resume_state_on_host_boot(servers.CONTEXT, instance, self.network_info, [])
        self.assertIs(Status.RUNNING, self.cloud.status(instance))
        self.assertEqual(1, len(self.cloud.vifs.wired))

    def test_a_namespace_lost_in_a_boot_of_the_host_is_wired_once_it_is_there_again(self):
        instance = self.cloud.spawn()
        self.driver.power_off(instance)
        self.cloud.vifs.wired.clear()
        self.engine.fail('network_namespace', errors.WrongState('no namespace until it is started'))
        self.driver.resume_state_on_host_boot(servers.CONTEXT, instance, self.network_info, [])
        self.assertIs(Status.RUNNING, self.cloud.status(instance))
        self.assertEqual(1, len(self.cloud.vifs.wired))

    def test_pause_and_unpause_may_be_repeated(self):
        instance = self.cloud.spawn()
        for verb, status in ((self.driver.pause, Status.PAUSED), (self.driver.unpause, Status.RUNNING)):
            verb(instance)
            verb(instance)
            self.assertIs(status, self.cloud.status(instance))

    def test_a_stopped_server_cannot_be_paused(self):
        instance = self.cloud.spawn(power_on=False)
        with self.assertRaises(exception.InstanceInvalidState):
            self.driver.pause(instance)


class ConsoleTest(DriverTest):

    def spawn_writer(self, words):
        return self.cloud.spawn(servers.an_instance(metadata={'container:entrypoint': words}))

    def test_the_console_is_what_the_server_wrote_as_bytes(self):
        instance = self.spawn_writer('echo hello')
        self.engine.wait(instance.uuid, timeout_s=5)
        self.assertEqual(b'hello\n', self.driver.get_console_output(servers.CONTEXT, instance))

    def test_only_the_end_of_a_long_output_is_returned(self):
        instance = self.spawn_writer(f'echo {"x" * 110_000}end')
        self.engine.wait(instance.uuid, timeout_s=5)
        output = self.driver.get_console_output(servers.CONTEXT, instance)
        self.assertEqual((102400, b'xend\n'), (len(output), output[-5:]))

    def test_a_missing_server_is_not_found(self):
        with self.assertRaises(exception.InstanceNotFound):
            self.driver.get_console_output(servers.CONTEXT, servers.an_instance())


class InterfaceTest(DriverTest):

    def setUp(self):
        super().setUp()
        self.instance = self.cloud.spawn()
        self.instance.save = mock.Mock()
        self.vif = servers.a_vif(2)

    def test_a_port_is_attached_to_and_detached_from_a_running_server(self):
        self.driver.attach_interface(servers.CONTEXT, self.instance, servers.an_image_meta(), self.vif)
        self.assertIn((self.instance.uuid, self.vif['id']), self.cloud.vifs.wired)
        self.driver.detach_interface(servers.CONTEXT, self.instance, self.vif)
        self.driver.detach_interface(servers.CONTEXT, self.instance, self.vif)
        self.assertNotIn((self.instance.uuid, self.vif['id']), self.cloud.vifs.wired)

    def test_a_failed_attach_leaves_no_wire(self):
        self.cloud.vifs.failure = errors.LinkFailed('no bridge')
        with self.assertRaises(exception.InterfaceAttachFailed):
            self.driver.attach_interface(servers.CONTEXT, self.instance, servers.an_image_meta(), self.vif)
        self.assertNotIn((self.instance.uuid, self.vif['id']), self.cloud.vifs.wired)

    def test_a_port_cannot_be_attached_to_what_is_not_there(self):
        with self.assertRaises(exception.NovaException):
            self.driver.attach_interface(servers.CONTEXT, servers.an_instance(), servers.an_image_meta(), self.vif)

    def test_at_start_up_nothing_but_an_unbound_port_is_raised(self):
        for failure in (errors.LinkFailed('x'), errors.Unavailable('x'), errors.InvalidSpec('x')):
            self.cloud.vifs.failure = failure
            self.driver.plug_vifs(self.instance, self.network_info)
        self.driver.plug_vifs(servers.an_instance(), self.network_info)
        self.cloud.vifs.failure = exception.VirtualInterfacePlugException()
        with self.assertRaises(exception.VirtualInterfacePlugException):
            self.driver.plug_vifs(self.instance, self.network_info)


class DiagnosticsTest(DriverTest):

    def setUp(self):
        super().setUp()
        self.instance = self.cloud.spawn()

    def test_a_running_server_tells_what_it_uses(self):
        found = self.driver.get_instance_diagnostics(self.instance)
        self.assertEqual(('running', 'libvirt', 512), (found.state, found.driver, found.memory_details.maximum))
        self.assertEqual(1, found.num_cpus)
        self.assertEqual(['fa:16:3e:00:00:01'], [one.mac_address for one in found.nic_details])
        self.assertIn('cpu0_time', self.driver.get_diagnostics(self.instance))

    def test_a_stopped_server_tells_that_it_is(self):
        self.driver.power_off(self.instance)
        found = self.driver.get_instance_diagnostics(self.instance)
        self.assertEqual(('shutdown', 0), (found.state, found.num_cpus))
        self.assertEqual({'memory': 512 * 1024}, self.driver.get_diagnostics(self.instance))


    def test_a_rescue_is_refused_with_what_to_do_instead(self):
        with self.assertRaisesRegex(NotImplementedError, 'hard reboot'):
            self.driver.rescue(servers.CONTEXT, self.instance, [], None, 'x', None, None)


class HostTest(DriverTest):

    def test_it_starts_once_the_engine_answers(self):
        self.engine.fail('info', errors.Unavailable('starting'), times=2)
        self.driver.init_host('compute-1')
        self.driver.cleanup_host('compute-1')

    def test_it_does_not_start_without_an_engine(self):
        servers.CONF.set_override('engine_timeout', 1, group='container')
        self.addCleanup(servers.CONF.clear_override, 'engine_timeout', group='container')
        self.engine.fail('info', errors.Unavailable('down'), times=100)
        with self.assertRaises(exception.HypervisorUnavailable):
            self.driver.init_host('compute-1')

    def test_it_does_not_start_where_root_disks_shall_be_limits_and_cannot(self):
        servers.CONF.set_override('limit_root_disk', True, group='container')
        self.addCleanup(servers.CONF.clear_override, 'limit_root_disk', group='container')
        self.driver.init_host('compute-1')
        self.driver.cleanup_host('compute-1')
        info = self.engine.info()
        lacking = dataclasses.replace(info, features=info.features - {state.Feature.ROOT_SIZE})
        with mock.patch.object(self.engine, 'info', lambda: lacking), self.assertRaisesRegex(
                exception.InvalidConfiguration, 'prjquota'):
            self.driver.init_host('compute-1')

    def test_resources_of_an_engine_that_is_down_name_no_path_of_the_host(self):
        self.engine.fail('info', errors.Unavailable('unix:///run/engine.sock cannot be reached'))
        with self.assertRaises(exception.HypervisorUnavailable) as caught:
            self.driver.get_available_resource('compute-1')
        self.assertNotIn('sock', str(caught.exception))

    def test_address_name_and_uptime(self):
        self.assertEqual(servers.CONF.my_ip, self.driver.get_host_ip_addr())
        self.assertEqual(['compute-1'], self.driver.get_available_nodes())
        self.assertRegex(self.driver.get_host_uptime(), r'^ \d\d:\d\d:\d\d up .*load average: [\d.]+, [\d.]+, [\d.]+$')
        self.assertEqual({'kernel', 'user', 'idle', 'iowait', 'frequency'}, set(self.driver.get_host_cpu_stats()))
