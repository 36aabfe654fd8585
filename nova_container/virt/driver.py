# SPDX-License-Identifier: Apache-2.0
"""Nova's driver. Every method says what and in which order; how is in the modules beside it.

What is not here (resize, migration, volumes, rescue, suspend, serial and graphical consoles) the base class
refuses by NotImplementedError, and no capability claims it.
"""

from typing import Any

import nova.conf
from nova import exception
from nova.i18n import _
from nova.image import glance
from nova.virt import driver as nova_driver
from oslo_log import log as logging

from nova_container import conf as own_conf
from nova_container import errors
from nova_container.engine import undo as undoing
from nova_container.virt import (
    availability, building, connection, console, diagnostics, failures, hostinfo, imagecache, inventory, lifecycle,
    power, settings, snapshot, spawn, tags)
from nova_container.virt import images as glance_images
from nova_container.virt import vif as vif_module
from nova_container.virt.translate import container as translate

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class ContainerDriver(nova_driver.ComputeDriver):
    """Containers as servers, on any engine of the contract. Holds no state that a restart would lose."""

    capabilities = nova_driver.ComputeDriver.capabilities | {
        'has_imagecache': True,
        'supports_attach_interface': True,
        'supports_device_tagging': True,
        'supports_tagged_attach_interface': True,
        'supports_trusted_certs': True,
        'supports_pcpus': True,
        'supports_image_type_raw': True,
    }

    def __init__(self, virtapi, engine=None, vifs=None, images=None):
        """:param engine: the engine to drive; made from nova.conf if None, as are the others."""
        super().__init__(virtapi)
        own_conf.register_container_opts(CONF)
        settings.bound_waits(CONF)
        own = CONF.container
        self._engine = engine or settings.engine(CONF)
        self._vifs = vifs or vif_module.Vifs(tx_offload=not own.disable_tx_offload)
        self._glance = glance.API()
        self._images = images or glance_images.Images(
            self._engine, self._glance, require_hash=own.require_image_hash, folder=own.image_download_dir,
            max_bytes=own.image_max_size_gb << 30, attempts=own.image_download_attempts,
            straight=settings.straight(CONF, self._engine))
        self._giving = settings.giving(CONF, self._engine)
        self._cache = imagecache.ImageCache(self._engine)
        self._lifecycle = lifecycle.Lifecycle(self._engine, lambda event: self.emit_event(event), CONF.host,
                                              availability.Availability(virtapi, CONF.host))

    # The host

    def init_host(self, host):
        connection.wait(self._engine, timeout_s=CONF.container.engine_timeout)
        connection.check_root_size(self._engine, wanted=CONF.container.limit_root_disk)
        snapshot.discard_left(self._engine)
        self._lifecycle.start()

    def cleanup_host(self, host):
        self._lifecycle.stop()

    def get_available_nodes(self, refresh=False):
        return [CONF.host]

    def get_available_resource(self, nodename):
        return inventory.resources(self._host(), nodename)

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        inventory.update_provider_tree(provider_tree, nodename, self._host(), self._get_allocation_ratios)

    def get_host_ip_addr(self):
        return CONF.my_ip

    def get_host_uptime(self):
        return hostinfo.uptime()

    def get_host_cpu_stats(self):
        return {**hostinfo.cpu_times_ns(), 'frequency': hostinfo.frequency_mhz()}

    # What there is

    def list_instances(self):
        return [container.labels.get(translate.NAME, container.name) for container in self._ours()]

    def list_instance_uuids(self):
        return [container.name for container in self._ours()]

    def instance_exists(self, instance):
        try:
            self._engine.inspect(instance.uuid)
        except errors.ContainerNotFound:
            return False
        return True

    def get_info(self, instance, use_cache=True):
        with failures.as_nova(instance):
            return power.info(self._engine.inspect(instance.uuid))

    def get_console_output(self, context, instance):
        with failures.as_nova(instance):
            return console.output(self._engine, instance.uuid, limit_bytes=CONF.container.console_log_bytes)

    def get_diagnostics(self, instance):
        with failures.as_nova(instance):
            return diagnostics.legacy(self._engine, instance)

    def get_instance_diagnostics(self, instance):
        with failures.as_nova(instance):
            return diagnostics.standard(self._engine, instance, self._counters(instance))

    # Life

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None,
              block_device_info=None, power_on=True, accel_info=None):
        with failures.as_nova(instance):
            building.refuse_what_is_missing(instance, block_device_info)
            spawn.run(self._engine, self._vifs, spawn.Order(
                instance=instance, network_info=network_info if network_info is not None else (),
                image=lambda: self._images.ensure(context, image_meta, instance.trusted_certs),
                describe=building.description(instance, image_meta, network_info, CONF.host, settings.policy(CONF)),
                waited_for=building.waiting(self.virtapi, context, instance, network_info, CONF, power_on=power_on),
                plugged=lambda: self._tag(context, instance), files=injected_files or (), power_on=power_on))

    def destroy(self, context, instance, network_info, block_device_info=None, destroy_disks=True,
                destroy_secrets=True):
        if not destroy_disks:
            with failures.as_nova(instance):
                power.kill(self._engine, instance)
        self.cleanup(context, instance, network_info, block_device_info, destroy_disks,
                     destroy_secrets=destroy_secrets)

    def cleanup(self, context, instance, network_info, block_device_info=None, destroy_disks=True, migrate_data=None,
                destroy_vifs=True, destroy_secrets=True):
        if destroy_disks:                   # first: the kernel deletes a pair with its namespace faster than alone
            with failures.as_nova(instance):
                self._engine.remove(instance.uuid, force=True)
        if destroy_vifs:
            self._vifs.unplug(instance, network_info or ())

    def reboot(self, context, instance, network_info, reboot_type, block_device_info=None, bad_volumes_callback=None,
               accel_info=None, share_info=None):
        act = power.reboot_softly if reboot_type == 'SOFT' else power.reboot_hard
        with failures.as_nova(instance):
            act(self._engine, instance, lambda: self._plug(instance, network_info))

    def power_off(self, instance, timeout=0, retry_interval=0):
        if hasattr(timeout, 'uuid'):        # nova's power_update passes a context first (nova 34, manager.py)
            instance, timeout = timeout, 0
        with failures.as_nova(instance):
            power.off(self._engine, instance, timeout)

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None, share_info=None):
        with failures.as_nova(instance):
            power.on(self._engine, instance, lambda: self._plug(instance, network_info))

    def resume_state_on_host_boot(self, context, instance, network_info, share_info, block_device_info=None):
        with failures.as_nova(instance):
            power.reboot_hard(self._engine, instance, lambda: self._plug(instance, network_info))

    def pause(self, instance):
        with failures.as_nova(instance):
            self._engine.pause(instance.uuid)

    def unpause(self, instance):
        with failures.as_nova(instance):
            self._engine.unpause(instance.uuid)

    def delete_instance_files(self, instance):
        with failures.as_nova(instance):
            self._engine.remove(instance.uuid, force=True)
        return True

    def rescue(self, context, instance, network_info, image_meta, rescue_password, block_device_info, share_info):
        """Nova has stopped the server by now and shows this text: the base class has none."""
        raise NotImplementedError(_('containers have no rescue mode; a hard reboot starts the server again'))

    # Images

    def snapshot(self, context, instance, image_id, update_task_state):
        with failures.as_nova(instance):
            snapshot.run(self._engine, self._glance, context, instance, image_id, update_task_state, self._giving)

    def cache_image(self, context, image_id):
        return self._images.cache(context, image_id)

    def manage_image_cache(self, context, all_instances):
        if CONF.image_cache.remove_unused_base_images:
            self._cache.prune({instance.image_ref for instance in all_instances},
                              minimum_age_s=CONF.image_cache.remove_unused_original_minimum_age_seconds)

    # Interfaces

    def plug_vifs(self, instance, network_info):
        """Called for every server when nova-compute starts, where it may raise hardly anything."""
        try:
            self._plug(instance, network_info)
        except errors.ContainerNotFound:
            LOG.debug('There is no container to plug', instance=instance)
        except errors.ContainerError as error:
            LOG.error('Interfaces could not be verified, a hard reboot repairs them: %s', error, instance=instance)

    def unplug_vifs(self, instance, network_info):
        self._vifs.unplug(instance, network_info)

    def attach_interface(self, context, instance, image_meta, vif):
        try:
            with undoing.undo_on_error() as undo:
                undo('interface', lambda: self._vifs.detach(instance, vif))
                self._vifs.attach(instance, vif, self._engine.network_namespace(instance.uuid))
        except errors.InvalidRequest as error:
            raise failures.translated(instance, error) from error
        except errors.ContainerError as error:
            LOG.error('Port %s could not be attached: %s', vif['id'], error, instance=instance)
            raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid) from error
        self._tag(context, instance)
        instance.save()

    def detach_interface(self, context, instance, vif):
        try:
            self._vifs.detach(instance, vif)
        except errors.ContainerError as error:
            LOG.error('Port %s could not be detached: %s', vif['id'], error, instance=instance)
            raise exception.InterfaceDetachFailed(instance_uuid=instance.uuid) from error

    def _plug(self, instance: Any, network_info: Any) -> None:
        self._vifs.plug(instance, network_info or (), self._engine.network_namespace(instance.uuid))

    def _counters(self, instance: Any) -> Any:
        try:
            return self._vifs.counters(self._engine.network_namespace(instance.uuid))
        except (errors.LinkFailed, errors.WrongState):
            return ()

    def _tag(self, context: Any, instance: Any) -> None:
        instance.device_metadata = tags.device_metadata(context, instance)

    def _ours(self) -> tuple[Any, ...]:
        return self._engine.list(labels={translate.HOST: CONF.host})

    def _host(self) -> inventory.Host:
        """Nova may show the text of what is raised here to a tenant whose server was being made."""
        try:
            return inventory.look(self._engine.info(), settings.reserved(CONF))
        except errors.Unavailable as error:
            raise exception.HypervisorUnavailable() from error
