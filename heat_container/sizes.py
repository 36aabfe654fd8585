# SPDX-License-Identifier: Apache-2.0
"""How much the properties of one resource may hold, so that no template makes heat-engine grow. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from nova_container import errors

MOST_BYTES, MOST_VALUES = 512 * 1024, 10_000
"""The bytes are those of heat's own ``max_template_size``."""


def check(properties: Any) -> None:
    """What is known of the properties; functions that are yet to be resolved count as nothing.

    :raises InvalidRequest: it is too much.
    """
    values = size = 0
    pending = [properties]
    while pending:
        value = pending.pop()
        values += 1
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Mapping):
            size += sum(len(str(key)) for key in value)
            pending.extend(value.values())
        elif isinstance(value, Sequence):
            pending.extend(value)
        if values + len(pending) > MOST_VALUES or size > MOST_BYTES:
            raise errors.InvalidRequest(f'The properties hold more than {MOST_VALUES} values or {MOST_BYTES} bytes')
