# SPDX-License-Identifier: Apache-2.0
"""An image whose data is in Glance's store already is made active by its location (API 2.17, ``add-location``).

Nova's client sends it as the user, whose image it is, with the token of ``[service_user]`` beside: Glance takes a
location of such a store from no one without the role ``service``. It makes the image active at once, in a task of its
own (glance/async_/flows/location_import.py), and computes the hashes afterwards.
"""

import time
from collections.abc import Mapping
from typing import Any

import glanceclient.exc
from nova import exception
from oslo_log import log as logging

from nova_container import errors

LOG = logging.getLogger(__name__)
_LOCK = 'os_glance_import_task'
_PAUSE_S = 0.05
_REFUSED = (exception.NovaException, glanceclient.exc.BaseException, glanceclient.exc.ClientException)


def activate(glance: Any, context: Any, image_id: str, fields: Mapping[str, Any], uri: str, *,
             timeout_s: float = 120.0) -> bool:
    """Describe an image and give it its location; False if Glance has not taken it and will not.

    :raises ImageNotFound: it was deleted meanwhile.
    :raises Unavailable: Glance may take it yet.
    """
    try:
        glance.update(context, image_id, {**fields, 'location': uri}, purge_props=False)
    except exception.ImageNotFound:
        raise
    except _REFUSED as error:
        LOG.warning('Glance did not take the location of image %s: %s', image_id, error)
    deadline, idle = time.monotonic() + timeout_s, 0
    while idle < 2:
        shown = glance.get(context, image_id)
        if shown['status'] == 'active':
            return True
        # A task holds the lock from the answer to its end; it may end between the reads of status and lock.
        idle = 0 if _LOCK in (shown.get('properties') or {}) else idle + 1
        if time.monotonic() > deadline:
            raise errors.Unavailable(f'Glance did not make image {image_id} active within {timeout_s:g} s; its log '
                                     'tells why')
        time.sleep(_PAUSE_S)
    return False
