# SPDX-License-Identifier: Apache-2.0
"""Where Glance keeps an image, as it tells services only (``GET /v2/images/ID/locations``, API 2.17)."""

from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1 import loading

from nova_container import errors

_GROUP = 'service_user'


class Locations:
    """Asks Glance with the credentials of ``[service_user]``, whose user needs the role ``service``."""

    def __init__(self, conf: Any) -> None:
        self._conf = conf
        self._glance: Any = None

    def __call__(self, image_id: str) -> tuple[str, ...]:
        """The URIs of an image. :raises Denied: it does not tell us.  :raises Unavailable: it does not answer."""
        try:
            answer = self._adapter().get(f'/images/{image_id}/locations')
            return tuple(str(one['url']) for one in answer.json())
        except (keystone_errors.Unauthorized, keystone_errors.Forbidden) as error:
            raise errors.Denied(f'Glance does not tell the user of [{_GROUP}] where images are; it needs the role '
                                f'service: {error}') from error
        except (keystone_errors.ClientException, KeyError, TypeError, ValueError) as error:
            raise errors.Unavailable(f'Glance does not say where image {image_id} is: {error}') from error

    def _adapter(self) -> Any:
        if self._glance is None:
            auth = loading.load_auth_from_conf_options(self._conf, _GROUP)
            session = loading.load_session_from_conf_options(self._conf, _GROUP, auth=auth)
            self._glance = loading.load_adapter_from_conf_options(
                self._conf, 'glance', session=session, auth=auth, min_version='2.0', max_version='2.latest')
        return self._glance
