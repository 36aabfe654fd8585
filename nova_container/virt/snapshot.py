# SPDX-License-Identifier: Apache-2.0
"""A server's files as a new image in Glance. The container is frozen only while its layer is taken."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from nova.compute import task_states
from nova.objects import fields
from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.virt import steps

LOG = logging.getLogger(__name__)

UpdateTaskState = Callable[..., None]


def run(engine: Any, glance: Any, context: Any, instance: Any, image_id: str,
        update_task_state: UpdateTaskState) -> None:
    """Commit the container, running or not, and upload the image; nothing stays in the engine.

    :raises ContainerError: the engine fails.  Errors of Glance pass as they are.
    """
    timer = steps.Steps()
    update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
    with timer.timed('commit'), _committed(engine, instance, image_id) as image:
        update_task_state(task_state=task_states.IMAGE_UPLOADING,
                          expected_state=task_states.IMAGE_PENDING_UPLOAD)
        with timer.timed('upload'):
            glance.update(context, image_id, description(instance), _Stream(engine.save((image,))), purge_props=False)
    LOG.info('Snapshot %s uploaded in %s', image_id, timer, instance=instance)


def description(instance: Any) -> dict[str, Any]:
    """What Glance is told of the image. Nova leaves both formats to the driver."""
    return {
        'container_format': 'docker', 'disk_format': 'raw',
        'properties': {'image_location': 'snapshot', 'image_state': 'available', 'owner_id': instance.project_id,
                       'img_hv_type': fields.HVType.DOCKER, 'hw_vm_mode': fields.VMMode.EXE}}


@contextlib.contextmanager
def _committed(engine: Any, instance: Any, image_id: str) -> Iterator[str]:
    reference = f'snapshot/{image_id}:latest'
    image = engine.commit(instance.uuid, specs.CommitSpec(
        reference=reference, comment=f'Snapshot of server {instance.uuid}', pause=True))
    try:
        yield image
    finally:
        with contextlib.suppress(errors.WrongState):
            engine.remove_image(reference, force=True)


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
