# SPDX-License-Identifier: Apache-2.0
"""The options of a container store, in the section of the store (several) or in ``[glance_store]`` (one)."""

from pathlib import Path
from typing import Any

from glance_store import exceptions
from oslo_config import cfg

from glance_store_container import failures
from glance_store_container.backend import Backend
from glance_store_container.layout import Layout
from glance_store_container.remote import Remote
from nova_container import errors
from nova_container.engine.registry import Credentials
from nova_container.image import reference
from nova_container.registry import RegistrySettings
from nova_container.registry.settings import CERTS

OPTIONS = [
    cfg.StrOpt('container_store_directory', default='/var/lib/glance/container',
               help='Directory of the images, an OCI layout. With container_store_registry set, only data on its way '
                    'to the registry is kept there, each no longer than its upload takes: it must have room for the '
                    'largest images that are uploaded at the same time.'),
    cfg.StrOpt('container_store_registry',
               help='Registry that keeps the images instead of the directory, as host or host:port. It must allow '
                    'deletion (docker-registry: storage.delete.enabled), and is best used by this store alone.'),
    cfg.StrOpt('container_store_repository', default='glance',
               help='Repository in the registry. Each store needs one of its own.'),
    cfg.StrOpt('container_store_username', help='User of the registry.'),
    cfg.StrOpt('container_store_password', secret=True, help='Password of that user.'),
    cfg.ListOpt('container_store_token_hosts', default=[],
                help='Hosts beside the registry\'s own that may be told the password to get a token for it.'),
    cfg.ListOpt('container_store_certificates', default=[str(folder) for folder in CERTS],
                help='Folders with one named as the registry in it, that holds files ending in .crt (authorities), and '
                     'in .cert and .key to show to the registry.'),
    cfg.BoolOpt('container_store_insecure', default=False,
                help='Do not check the registry\'s certificate, and speak plain HTTP if it has none.'),
    cfg.IntOpt('container_store_chunk_mb', default=32, min=1,
               help='MiB sent to the registry at a time. What broke off is taken up again at the last chunk.'),
    cfg.IntOpt('container_store_timeout', default=60, min=1, help='Seconds that the registry may be silent.'),
    cfg.IntOpt('container_store_capacity_gb', default=0, min=0,
               help='The most GiB that the images in the directory may take together; 0: as many as fit.'),
    cfg.BoolOpt('container_store_read_only', default=False, help='Refuse to add and to delete images.'),
]


def backend(options: Any) -> Backend:
    """The back end that an operator chose. :raises BadStoreConfiguration:"""
    directory = Path(options.container_store_directory or '')
    if not directory.is_absolute():
        raise _bad('container_store_directory must be an absolute path')
    try:
        if options.container_store_registry:
            return _remote(options, directory)
        return Layout(directory, options.container_store_capacity_gb << 30,
                      read_only=options.container_store_read_only)
    except (errors.ContainerError, OSError) as error:
        raise _bad(str(failures.of(error) or error) if isinstance(error, OSError) else str(error)) from error


def _remote(options: Any, directory: Path) -> Remote:
    name = f'{options.container_store_registry}/{options.container_store_repository}'
    found = reference.parse(name)
    if (found.domain, found.path) != (options.container_store_registry, options.container_store_repository):
        raise errors.InvalidRequest(f'{name!r} is no repository: set container_store_registry to host or host:port '
                                    'and container_store_repository to a path in lower case')
    registries = RegistrySettings(
        insecure=(found.domain, found.domain.rpartition(':')[0]) if options.container_store_insecure else (),
        certificates=tuple(map(Path, options.container_store_certificates)),
        token_hosts={found.domain: tuple(options.container_store_token_hosts)},
        idle_s=options.container_store_timeout, connect_s=min(15, options.container_store_timeout))
    credentials = Credentials(username=options.container_store_username or '',
                              password=options.container_store_password or '')
    return Remote(found.domain, found.path, registries, credentials if credentials.username else None,
                  directory, options.container_store_chunk_mb << 20)


def _bad(reason: str) -> Exception:
    found: Exception = exceptions.BadStoreConfiguration(store_name='container', reason=reason)
    return found
