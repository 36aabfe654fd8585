# SPDX-License-Identifier: Apache-2.0
"""What a registry's refusals mean: statuses and error bodies (distribution-spec, "Error Codes") as our errors."""

import json

from nova_container import errors

_DETAIL = 300


def refusal(status: int, body: bytes, what: str) -> errors.ContainerError:
    """The error that an answer is.

    :param what: what was asked for, as a sentence begins with it: ``manifest for a:1``.
    """
    code, message = _said(body)
    detail = ': '.join(part for part in (code, message) if part) or f'status {status}'
    if status in (401, 403):
        return errors.Denied(f'access denied for {what}: {detail}: it does not exist or needs "docker login"')
    if status == 404:
        return not_found(f'{what} not found: {detail}')
    if status == 405:
        return errors.Unsupported(f'the registry does not do that with {what}: {detail}')
    if status in (413, 507):
        return errors.Exhausted(f'the registry has no room for {what}: {detail}')
    if status == 429:
        return errors.Unavailable(f'the registry asks to wait before more of {what}: {detail}')
    if 400 <= status < 500:
        return errors.InvalidRequest(f'the registry refused {what}: {detail}')
    return errors.Unavailable(f'the registry failed at {what}: {detail}')


def not_found(sentence: str) -> errors.ImageNotFound:
    """An ``ImageNotFound`` with a text of its own."""
    error = errors.ImageNotFound('')
    error.args = (sentence,)
    return error


def _said(body: bytes) -> tuple[str, str]:
    """Docker's words for the first error of a body: ``MANIFEST_UNKNOWN`` is shown as ``manifest unknown``."""
    try:
        first = json.loads(body)['errors'][0]
        return str(first.get('code', '')).lower().replace('_', ' ')[:_DETAIL], str(first.get('message', ''))[:_DETAIL]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return '', ''
