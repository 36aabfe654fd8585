# SPDX-License-Identifier: Apache-2.0
"""Certificates of engines that tenants bring: held in memory, shown to OpenSSL without a file on a disk."""

import contextlib
import dataclasses
import os
import ssl
from collections.abc import Iterator

from nova_container import errors


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """PEM texts: who may be trusted, and who we are. Never shown in full."""

    ca: str = dataclasses.field(repr=False)
    cert: str = dataclasses.field(repr=False)
    key: str = dataclasses.field(repr=False)

    def context(self) -> ssl.SSLContext:
        """Verifies the engine and its name, TLS 1.2 or later. :raises InvalidRequest: what it says names no text."""
        try:
            context = ssl.create_default_context(cadata=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            with _in_memory(self.cert) as cert, _in_memory(self.key) as key:
                context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ValueError) as error:
            reason = getattr(error, 'reason', None) or type(error).__name__
            raise errors.InvalidRequest(f'The certificates of the endpoint cannot be used ({reason}): give PEM texts '
                                        'of the authority, the certificate and its key without a passphrase') from None
        return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal of heat-engine."""
    raise ValueError('passphrase')


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """The path of a file that is in no file system and that only this process sees."""
    handle = os.memfd_create('pem', os.MFD_CLOEXEC)
    try:
        with open(handle, 'w', closefd=False) as file:
            file.write(text)
        yield f'/proc/self/fd/{handle}'
    finally:
        os.close(handle)
