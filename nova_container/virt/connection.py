# SPDX-License-Identifier: Apache-2.0
"""Nova starts only with an engine that answers; the two may be started in any order."""

import time
from typing import Any

from nova import exception
from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import Feature

LOG = logging.getLogger(__name__)
_LONGEST_PAUSE_S = 5.0


def wait(engine: Any, *, timeout_s: float) -> None:
    """Return once the engine answers.

    :raises HypervisorUnavailable: it does not within ``timeout_s``.
    """
    deadline, pause_s = time.monotonic() + timeout_s, 0.1
    while True:
        try:
            info = engine.info()
        except errors.Unavailable as error:
            if time.monotonic() + pause_s > deadline:
                LOG.error('The container engine does not answer: %s', error)
                raise exception.HypervisorUnavailable() from error
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            LOG.info('Container engine %s %s with %s, %d containers', info.name, info.version, info.runtime,
                     sum(info.containers.values()))
            return


def check_root_size(engine: Any, *, wanted: bool) -> None:
    """Refuse to start where every server would fail: flavors' root disks are limits, and the engine keeps none.

    :raises InvalidConfiguration:
    """
    if wanted and Feature.ROOT_SIZE not in engine.info().features:
        raise exception.InvalidConfiguration(
            'limit_root_disk in [container] is set, but the engine cannot keep the size of a root disk: have its '
            'state directory on ext4 or XFS mounted with prjquota, or unset the option')
