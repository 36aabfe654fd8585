# SPDX-License-Identifier: Apache-2.0
"""What a registry is shown: from a secret of Barbican, or from hidden parameters; never kept, never logged."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from heat.common.i18n import _
from heat.engine import constraints, properties

from nova_container import errors
from nova_container.engine import Credentials

USERNAME, PASSWORD, REF = 'username', 'password', 'secret_ref'

SCHEMA = properties.Schema(
    properties.Schema.MAP,
    _('What the registry is shown. Either secret_ref, or username and password from parameters with "hidden: true".'),
    schema={
        USERNAME: properties.Schema(properties.Schema.STRING, _('The name of the user.')),
        PASSWORD: properties.Schema(properties.Schema.STRING, _('The password, from a hidden parameter.')),
        REF: properties.Schema(
            properties.Schema.STRING,
            _('A Barbican secret: a JSON object of username and password or of token, or the text USER:PASSWORD.'),
            constraints=[constraints.CustomConstraint('barbican.secret')]),
    }, update_allowed=True)


def resolve(value: Mapping[str, Any] | None, secret_of: Callable[[str], Any]) -> Credentials | None:
    """The credentials that a property tells of; None if it is unset.

    :param secret_of: the payload of a Barbican secret by its reference.
    :raises InvalidRequest: the payload cannot be read, or nothing usable is said.
    """
    if not value or not any(value.values()):
        return None
    if value.get(REF):
        if value.get(USERNAME) or value.get(PASSWORD):
            raise errors.InvalidRequest('registry_credentials: give secret_ref, or username and password, not both')
        return _of_payload(secret_of(value[REF]))
    if not (value.get(USERNAME) and value.get(PASSWORD)):
        raise errors.InvalidRequest('registry_credentials: username and password belong together')
    return Credentials(username=value[USERNAME], password=value[PASSWORD])


def _of_payload(payload: bytes | str) -> Credentials:
    text = payload.decode('utf-8', 'replace') if isinstance(payload, bytes) else payload
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return Credentials(username=str(found.get(USERNAME, '')), password=str(found.get(PASSWORD, '')),
                           token=str(found.get('token', '')))
    username, colon, password = text.strip().partition(':')
    if not colon:
        raise errors.InvalidRequest('registry_credentials: the secret is neither a JSON object nor USER:PASSWORD')
    return Credentials(username=username, password=password)
