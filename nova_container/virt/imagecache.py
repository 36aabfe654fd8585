# SPDX-License-Identifier: Apache-2.0
"""Images that no server of this host needs any more are removed, after Nova's ages."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from oslo_log import log as logging

from nova_container import errors
from nova_container.virt.translate import image as translate

LOG = logging.getLogger(__name__)


class ImageCache:
    """Prunes what ``Images`` took in; images of other names are not ours and stay.

    How long an image has been unused is counted from the first pass that found it so, in this process.
    """

    def __init__(self, engine: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._unused_since: dict[str, float] = {}

    def prune(self, used_ids: Iterable[str], *, minimum_age_s: float) -> tuple[str, ...]:
        """Remove images whose Glance id is not in ``used_ids``; returns the references that went."""
        unused = self._references() - {reference for reference in self._references()
                                       if translate.image_id(reference) in set(used_ids)}
        now = self._clock()
        self._unused_since = {one: self._unused_since.get(one, now) for one in unused}
        old = [one for one in sorted(unused) if now - self._unused_since[one] >= minimum_age_s]
        return tuple(one for one in old if self._remove(one))

    def _references(self) -> set[str]:
        return {reference for image in self._engine.list_images() for reference in image.references
                if translate.image_id(reference)}

    def _remove(self, reference: str) -> bool:
        try:
            self._engine.remove_image(reference)
        except errors.WrongState:
            LOG.debug('Image %s is still in use', reference)
            return False
        LOG.info('Unused image %s removed', reference)
        self._unused_since.pop(reference, None)
        return True
