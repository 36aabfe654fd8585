# SPDX-License-Identifier: Apache-2.0
"""Our errors as those of glance_store: one table."""

import contextlib
import errno
from collections.abc import Iterator

from glance_store import exceptions

from nova_container import errors

TABLE: tuple[tuple[type[errors.ContainerError], type[Exception]], ...] = (
    (errors.NotFound, exceptions.NotFound),
    (errors.AlreadyExists, exceptions.Duplicate),
    (errors.WrongState, exceptions.InUseByStore),
    (errors.InvalidRequest, exceptions.BadStoreUri),
    (errors.Denied, exceptions.Forbidden),
    (errors.Exhausted, exceptions.StorageFull),
    (errors.Unsupported, exceptions.StoreDeleteNotSupported),
    (errors.Unavailable, exceptions.RemoteServiceUnavailable),
    (errors.ContainerError, exceptions.BackendException),
)
_FULL_DISK: type[Exception] = exceptions.StorageFull
_REFUSING_DISK: type[Exception] = exceptions.StorageWriteDenied
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_REFUSED = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))


def of(error: Exception) -> Exception | None:
    """The error of glance_store that stands for ours, or for one of the file system; None if there is none."""
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return _FULL_DISK()
        return _REFUSING_DISK() if error.errno in _REFUSED else None
    return next((theirs(_with_text(error, theirs)) for ours, theirs in TABLE if isinstance(error, ours)), None)


@contextlib.contextmanager
def as_glance() -> Iterator[None]:
    """Raise what Glance understands for what is raised in the block."""
    try:
        yield
    except (errors.ContainerError, OSError) as error:
        found = of(error)
        if found is None:
            raise
        raise found from error


def while_read(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks; what is raised between them is what Glance understands."""
    with as_glance():
        yield from chunks


def _with_text(error: Exception, theirs: type[Exception]) -> str | None:
    text = str(error)
    return text if theirs is exceptions.BackendException else text or None
