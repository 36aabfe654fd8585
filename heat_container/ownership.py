# SPDX-License-Identifier: Apache-2.0
"""Whose a container, network or volume is: labels, given when it is made and looked at before it is touched. Pure."""

from collections.abc import Iterable, Mapping

from heat_container import names
from nova_container import errors


def labels(project_id: str, stack_id: str, stack_name: str, resource_name: str, resource_uuid: str) -> dict[str, str]:
    """The labels of what a resource makes."""
    return {names.PROJECT: project_id, names.STACK_ID: stack_id, names.STACK_NAME: stack_name,
            names.RESOURCE: resource_name, names.RESOURCE_UUID: resource_uuid}


def is_of(project_id: str, found: Mapping[str, str]) -> bool:
    """Whether a project made the thing that has these labels."""
    return bool(project_id) and found.get(names.PROJECT) == project_id


def taken(keys: Iterable[str]) -> set[str]:
    """Those of some labels that say whose a thing is, to us or to Nova."""
    return {key for key in keys if key in names.OWN_LABELS or key.startswith(names.FOREIGN)}


def merged(wanted: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What a template wants and what says whose it is. :raises InvalidSpec: it wants to say whose it is."""
    wrong = sorted(key for key in taken(wanted) if wanted[key] != own.get(key))
    if wrong:
        raise errors.InvalidSpec(f'labels: {", ".join(wrong)} is set by Heat or Nova; leave it out')
    return {**wanted, **own}
