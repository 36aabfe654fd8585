# SPDX-License-Identifier: Apache-2.0
"""Every error that nova-container raises on purpose, classed by what the caller should do.

::

    ContainerError
      NotFound              it is not there: treat delete as done
        ContainerNotFound  ImageNotFound  BlobNotFound  ExecNotFound  NetworkNotFound  VolumeNotFound
      AlreadyExists         a name or id is taken
      WrongState            change the state, then retry
      InvalidRequest        will never work: fix the request
        InvalidSpec  InvalidReference  UnacceptableImage  StepFailed
      Denied                not allowed
      Exhausted             no room here, try another host
      Unsupported           not this engine
      Unavailable           engine or registry unreachable: retry later
      Corrupt               bytes do not match their digest or schema
        DigestMismatch
      HostFailure           the kernel or a tool refused
        CommandFailed  MountFailed  LinkFailed

Each border translates this tree through one table: ``docker/status.py``, ``virt/failures.py``.
The text of an error is a sentence for a person, never parsed by code.
"""

from collections.abc import Sequence


class ContainerError(Exception):
    """The root: everything raised on purpose."""

    kind = 'error'


class NotFound(ContainerError):
    """What was asked for is not there. Treat a delete as done."""

    kind = 'not_found'


class ContainerNotFound(NotFound):
    kind = 'container_not_found'

    def __init__(self, container: str) -> None:
        super().__init__(f'No such container: {container}')


class ImageNotFound(NotFound):
    kind = 'image_not_found'

    def __init__(self, image: str) -> None:
        super().__init__(f'No such image: {image}')


class BlobNotFound(NotFound):
    kind = 'blob_not_found'

    def __init__(self, digest: str) -> None:
        super().__init__(f'No such blob: {digest}')


class ExecNotFound(NotFound):
    kind = 'exec_not_found'

    def __init__(self, exec_id: str) -> None:
        super().__init__(f'No such exec instance: {exec_id}')


class NetworkNotFound(NotFound):
    kind = 'network_not_found'

    def __init__(self, network: str) -> None:
        super().__init__(f'No such network: {network}')


class VolumeNotFound(NotFound):
    kind = 'volume_not_found'

    def __init__(self, volume: str) -> None:
        super().__init__(f'No such volume: {volume}')


class AlreadyExists(ContainerError):
    """A name or an id is taken."""

    kind = 'already_exists'


class WrongState(ContainerError):
    """The container is not in a state that allows this. Change the state, then retry."""

    kind = 'wrong_state'


class InvalidRequest(ContainerError):
    """This will never work. Fix the request."""

    kind = 'invalid_request'


class InvalidSpec(InvalidRequest):
    """A field of a spec is wrong; the text names it and says what to change."""

    kind = 'invalid_spec'


class InvalidReference(InvalidRequest):
    """An image reference or digest is malformed."""

    kind = 'invalid_reference'


class UnacceptableImage(InvalidRequest):
    """The image breaks a rule of its format or of ours; the text names the entry."""

    kind = 'unacceptable_image'


class StepFailed(InvalidRequest):
    """A step of a build failed; carries its exit ``code``."""

    kind = 'step_failed'
    code = 1

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


class Denied(ContainerError):
    """Credentials or permissions do not allow this."""

    kind = 'denied'


class Exhausted(ContainerError):
    """There is no room here: memory, disk, ports, process ids. Try another host."""

    kind = 'exhausted'


class Unsupported(ContainerError):
    """This engine cannot do that at all."""

    kind = 'unsupported'


class Unavailable(ContainerError):
    """The engine or registry cannot be reached, or did not answer in time. Retry later."""

    kind = 'unavailable'


class Corrupt(ContainerError):
    """Bytes do not match their digest or schema."""

    kind = 'corrupt'


class DigestMismatch(Corrupt):
    kind = 'digest_mismatch'

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(f'{what} does not match its digest: expected {expected}, found {found}')


class HostFailure(ContainerError):
    """The kernel or a tool refused."""

    kind = 'host_failure'


class CommandFailed(HostFailure):
    """A command ended with an error; carries ``argv``, ``code`` and the end of ``stderr``."""

    kind = 'command_failed'

    def __init__(self, argv: Sequence[str], code: int, stderr: str) -> None:
        self.argv, self.code, self.stderr = tuple(argv), code, stderr
        said = stderr.strip()[-2000:] or 'it said nothing'
        super().__init__(f'{argv[0]} ended with {code}: {said}')


class MountFailed(HostFailure):
    kind = 'mount_failed'


class LinkFailed(HostFailure):
    """A network link, address, route or namespace could not be made."""

    kind = 'link_failed'
