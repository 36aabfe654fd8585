# SPDX-License-Identifier: Apache-2.0
"""A server's files as a new image in Glance. The container is frozen only while its layer is taken.

Where the driver knows the registry of Glance's container store, the new layer goes there and Glance is told of it;
otherwise, and whenever that does not work, the whole archive is uploaded.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from nova import exception
from nova.compute import task_states
from nova.objects import fields
from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.virt import activation, steps
from nova_container.virt.giving import Giving

LOG = logging.getLogger(__name__)

UpdateTaskState = Callable[..., None]
_REFERENCE = re.compile(r'snapshot/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:latest')


def run(engine: Any, glance: Any, context: Any, instance: Any, image_id: str,
        update_task_state: UpdateTaskState, giving: Giving | None = None) -> None:
    """Commit the container, running or not, and have Glance hold the image; nothing stays in the engine.

    :raises ContainerError: the engine fails.  Errors of Glance pass as they are.
    """
    timer = steps.Steps()
    update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
    with contextlib.ExitStack() as stack:
        with timer.timed('commit'):
            image = stack.enter_context(_committed(engine, instance, image_id))
        update_task_state(task_state=task_states.IMAGE_UPLOADING,
                          expected_state=task_states.IMAGE_PENDING_UPLOAD)
        fields = description(instance)
        if giving is not None and _is_given(giving, glance, context, image, image_id, fields, timer):
            LOG.info('Snapshot %s sent by its layers in %s', image_id, timer, instance=instance)
            return
        with timer.timed('upload'):
            glance.update(context, image_id, fields, _Stream(engine.save((image,))), purge_props=False)
    LOG.info('Snapshot %s uploaded in %s', image_id, timer, instance=instance)


def _is_given(giving: Giving, glance: Any, context: Any, image: str, image_id: str, fields: dict[str, Any],
              timer: steps.Steps) -> bool:
    """Send what is new and tell Glance; False if that does not work, and then nothing is left of it.

    :raises Unavailable: Glance may still take what was sent, so it stays: ``nova-container-store gc`` removes it if
        the image is deleted.
    """
    try:
        with timer.timed('layers'):
            place = giving.give(image, image_id, _reference(image_id))
    except errors.ContainerError as error:
        LOG.warning('Snapshot %s could not be sent by its layers, so all of it is uploaded: %s', image_id, error)
        return False
    try:
        with timer.timed('location'):
            if activation.activate(glance, context, image_id, fields, place.uri):
                return True
    except exception.ImageNotFound:
        giving.take_back(place)
        raise
    LOG.warning('Glance did not take snapshot %s by its layers, so all of it is uploaded', image_id)
    giving.take_back(place)
    return False


def description(instance: Any) -> dict[str, Any]:
    """What Glance is told of the image. Nova leaves both formats to the driver."""
    return {
        'container_format': 'docker', 'disk_format': 'raw',
        'properties': {'image_location': 'snapshot', 'image_state': 'available', 'owner_id': instance.project_id,
                       'img_hv_type': fields.HVType.DOCKER, 'hw_vm_mode': fields.VMMode.EXE}}


@contextlib.contextmanager
def _committed(engine: Any, instance: Any, image_id: str) -> Iterator[str]:
    reference = _reference(image_id)
    image = engine.commit(instance.uuid, specs.CommitSpec(
        reference=reference, comment=f'Snapshot of server {instance.uuid}', pause=True))
    try:
        yield image
    finally:
        with contextlib.suppress(errors.WrongState):
            engine.remove_image(reference, force=True)


def _reference(image_id: str) -> str:
    """What the engine calls it for the while, and its archive for ever."""
    return f'snapshot/{image_id}:latest'


def discard_left(engine: Any) -> None:
    """Remove the images of snapshots that a killed nova-compute left, under all their names: for when none runs."""
    for image in engine.list_images():
        if any(_REFERENCE.fullmatch(reference) for reference in image.references):
            with contextlib.suppress(errors.WrongState):
                engine.remove_image(image.id, force=True)
                LOG.info('What was left of a snapshot was removed: %s', ', '.join(image.references))


class _Stream:
    """What glanceclient uploads: an object to read from, over an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b''

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all if it is negative; b'' at the end."""
        if size < 0:
            everything = self._left + b''.join(self._pieces)
            self._left = b''
            return everything
        while not self._left:
            try:
                self._left = next(self._pieces)
            except StopIteration:
                return b''
        piece, self._left = self._left[:size], self._left[size:]
        return piece
