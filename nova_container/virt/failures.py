# SPDX-License-Identifier: Apache-2.0
"""Our errors as Nova's, by one table: whose fault it is decides whether Nova tries another host.

What a tenant may read is short (Nova cuts a fault at 255 characters and puts 90 to 125 of its own before)
and, where the host failed, holds no path and no command of the host: that is in the log.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nova import exception
from nova.i18n import _
from oslo_log import log as logging

from nova_container import errors

LOG = logging.getLogger(__name__)
_REASON_CHARACTERS, _IMAGE_REASON_CHARACTERS = 160, 125

Factory = Callable[[Any, errors.ContainerError], Exception]


def _invalid_input(instance: Any, error: errors.ContainerError) -> Exception:
    return exception.InvalidInput(reason=reason(error))


def _image_unacceptable(instance: Any, error: errors.ContainerError) -> Exception:
    return exception.ImageUnacceptable(image_id=getattr(instance, 'image_ref', None) or '-',
                                       reason=reason(error, _IMAGE_REASON_CHARACTERS))


def _host_failure(instance: Any, error: errors.ContainerError) -> Exception:
    LOG.error('The container engine failed: %s', error, instance=instance)
    return exception.NovaException(_('The container engine failed (%s); the log of nova-compute says why') % error.kind)


TABLE: Mapping[type[errors.ContainerError], Factory] = {
    errors.ContainerNotFound: lambda instance, error: exception.InstanceNotFound(instance_id=instance.uuid),
    errors.UnacceptableImage: _image_unacceptable,
    errors.DigestMismatch: _image_unacceptable,
    errors.AlreadyExists: lambda instance, error: exception.InstanceExists(name=instance.uuid),
    errors.WrongState: lambda instance, error: exception.InstanceInvalidState(
        instance_uuid=instance.uuid, attr='container state', state=reason(error, 100), method=_('do this')),
    errors.InvalidRequest: _invalid_input,
    errors.Denied: lambda instance, error: exception.Forbidden(reason(error)),
    errors.Exhausted: lambda instance, error: exception.ComputeResourcesUnavailable(reason=reason(error)),
    errors.Unsupported: lambda instance, error: NotImplementedError(reason(error)),
    errors.Unavailable: lambda instance, error: exception.NovaException(
        _('The container engine does not answer; try again later')),
    errors.NetworkNotFound: lambda instance, error: exception.NovaException(reason(error)),
    errors.NotFound: lambda instance, error: exception.NovaException(reason(error)),
    errors.ContainerError: _host_failure,
}
"""The class nearest to the error's own, in the order of its bases, decides."""


def translated(instance: Any, error: errors.ContainerError, table: Mapping[type, Factory] = TABLE) -> Exception:
    """The exception of Nova that stands for ``error``."""
    for base in type(error).__mro__:
        if base in table:
            return table[base](instance, error)
    raise AssertionError('the table holds the root of all errors')


@contextlib.contextmanager
def as_nova(instance: Any) -> Iterator[None]:
    """Raise Nova's exceptions in place of ours; others pass as they are."""
    try:
        yield
    except errors.ContainerError as error:
        raise translated(instance, error) from error


@contextlib.contextmanager
def as_plugging(instance: Any) -> Iterator[None]:
    """Around the wiring of interfaces while a server is made: a link that fails ends the build."""
    try:
        yield
    except errors.LinkFailed as error:
        LOG.error('An interface could not be plugged: %s', error, instance=instance)
        raise exception.VirtualInterfaceCreateException() from error


def reason(error: BaseException, characters: int = _REASON_CHARACTERS) -> str:
    """The error's text, cut to what a fault has room for."""
    said = ' '.join(str(error).split())
    return said if len(said) <= characters else f'{said[:characters - 3]}...'
