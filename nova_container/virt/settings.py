# SPDX-License-Identifier: Apache-2.0
"""nova.conf as plain values: below this module nothing reads configuration."""

from typing import Any

from nova.compute import utils as compute_utils
from nova.virt import hardware

from nova_container import connect, errors
from nova_container.engine import base
from nova_container.engine.registry import Credentials
from nova_container.image import reference
from nova_container.registry import RegistrySettings
from nova_container.virt import hostinfo, inventory
from nova_container.virt.giving import Giving
from nova_container.virt.locations import Locations
from nova_container.virt.straight import StorePlace, Straight
from nova_container.virt.translate import flavor, pinning

_GLANCE_SILENCE_S = 300


def engine(conf: Any) -> base.Engine:
    """The engine of ``[container] engine_url``; nothing is asked of it yet.

    :raises InvalidRequest: the URL or a TLS file is wrong.
    """
    own = conf.container
    files = (own.tls_ca_file, own.tls_cert_file, own.tls_key_file)
    if any(files) and not all(files):
        raise errors.InvalidRequest('[container] tls_ca_file, tls_cert_file and tls_key_file go together')
    tls = connect.TlsFiles(*files) if all(files) else None
    return connect.connect(own.engine_url, tls=tls, timeout_s=own.engine_timeout)


def straight(conf: Any, engine: base.Engine) -> Straight | None:
    """Where layers are fetched from, if ``[container] image_registry`` says so and no signature must be verified.

    :raises InvalidRequest: it is no repository.
    """
    if not conf.container.image_registry or conf.glance.verify_glance_signatures:
        return None
    return Straight(engine, Locations(conf), _store_place(conf.container))


def giving(conf: Any, engine: base.Engine) -> Giving | None:
    """Where snapshots are sent to by their layers, if ``[container] image_registry`` says so.

    :raises InvalidRequest: it is no repository.
    """
    if not conf.container.image_registry or not conf.container.snapshot_layers:
        return None
    return Giving(engine, _store_place(conf.container))


def _store_place(own: Any) -> StorePlace:
    found = reference.parse(own.image_registry)
    if f'{found.domain}/{found.path}' != own.image_registry:
        raise errors.InvalidRequest(f'[container] image_registry {own.image_registry!r} is no repository: give '
                                    'host:port/repository, as registry.example.org:5000/glance')
    credentials = Credentials(username=own.image_registry_username, password=own.image_registry_password or '',
                              server=found.domain) if own.image_registry_username else None
    insecure = (found.domain, found.domain.rpartition(':')[0]) if own.image_registry_insecure else ()
    return StorePlace(domain=found.domain, path=found.path, credentials=credentials,
                      settings=RegistrySettings(insecure=insecure))


def bound_waits(conf: Any) -> None:
    """Let a Glance that falls silent be an error: without a limit a server would stay in BUILD for ever."""
    if conf.glance.timeout is None:
        conf.set_default('timeout', _GLANCE_SILENCE_S, group='glance')


def policy(conf: Any) -> flavor.Policy:
    """What flavors may ask for."""
    shared = hardware.get_cpu_shared_set() if conf.compute.cpu_shared_set else None
    if shared is None and conf.compute.cpu_dedicated_set:
        shared = hostinfo.online_cpus() - hardware.get_cpu_dedicated_set()
    return flavor.Policy(pids_limit=conf.container.default_pids_limit,
                         allowed_sysctls=tuple(conf.container.allowed_sysctls),
                         limit_root_disk=conf.container.limit_root_disk,
                         shared_cpus=pinning.as_list(shared) if shared else None)


def reserved(conf: Any) -> inventory.Reserved:
    """What the operator keeps back."""
    shared = hardware.get_cpu_shared_set() if conf.compute.cpu_shared_set else None
    dedicated = hardware.get_cpu_dedicated_set() if conf.compute.cpu_dedicated_set else None
    return inventory.Reserved(
        cpus=conf.reserved_host_cpus, memory_mb=conf.reserved_host_memory_mb,
        disk_gb=compute_utils.convert_mb_to_ceil_gb(conf.reserved_host_disk_mb),
        dedicated_cpus=frozenset(dedicated or ()), shared_cpus=None if shared is None else frozenset(shared))
