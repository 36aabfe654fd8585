# SPDX-License-Identifier: Apache-2.0
"""Endpoints that tenants bring: what an OS::Docker::Endpoint keeps, read again by the resources that name it."""

from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.db import api as db_api
from heat.objects import resource as resource_objects
from heat.objects import stack as stack_objects

from heat_container.tls import Material
from nova_container import errors

URL, SERVER_NAME = 'url', 'server_name'
CA, CERT, KEY = 'ca_cert', 'client_cert', 'client_key'
CA_REF, CERT_REF, KEY_REF = 'ca_cert_ref', 'client_cert_ref', 'client_key_ref'
MATERIAL = ((CA, CA_REF), (CERT, CERT_REF), (KEY, KEY_REF))
"""Each is kept as an encrypted text, or as the reference of a Barbican secret."""


def record_of(context: Any, endpoint_id: str, project_id: str) -> dict[str, str] | None:
    """What the endpoint with this id keeps, if it is one of the project."""
    try:
        found = resource_objects.Resource.get_all_by_physical_resource_id(context, endpoint_id)
    except exception.NotFound:
        return None
    for row in found:
        kept = _data_of(context, row)
        if URL in kept and _is_ours(context, row) and _tenant_of(context, row) == project_id:
            return kept
    return None


def _is_ours(context: Any, row: Any) -> bool:
    """Whether an OS::Docker::Endpoint keeps it: what a tenant adopts a stack with, any resource keeps, in the clear."""
    try:
        return bool(db_api.resource_data_get_by_key(context, row.id, KEY).redact)
    except exception.NotFound:
        return False


def _tenant_of(context: Any, row: Any) -> str | None:
    found = stack_objects.Stack.get_by_id(context, row.stack_id, eager_load=False)
    return None if found is None else str(found.tenant)


def _data_of(context: Any, row: Any) -> dict[str, str]:
    try:
        return dict(db_api.resource_data_get_all(context, row.id))
    except exception.NotFound:
        return {}


def material_of(record: Mapping[str, str], context: Any) -> Material:
    """The certificates, from Barbican with the token of the user. :raises InvalidRequest: one is missing."""
    ca, cert, key = (_text_of(record, text, ref, context) for text, ref in MATERIAL)
    return Material(ca=ca, cert=cert, key=key)


def _text_of(record: Mapping[str, str], text: str, ref: str, context: Any) -> str:
    if record.get(text):
        return record[text]
    if not record.get(ref):
        raise errors.InvalidRequest(f'The endpoint needs {ref} or {text}: engines of projects are reached by TLS only')
    payload = context.clients.client_plugin('barbican').get_secret_payload_by_ref(record[ref])
    return payload.decode('ascii', 'replace') if isinstance(payload, bytes) else str(payload)
