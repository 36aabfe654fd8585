# SPDX-License-Identifier: Apache-2.0
"""Names that templates and labels use."""

PREFIX = 'OS::Docker'
"""Of every resource type. Three parts in all: Heat's wildcard policies cut the last one off."""

PROJECT = 'org.openstack.heat.project_id'
STACK_ID, STACK_NAME = 'org.openstack.heat.stack_id', 'org.openstack.heat.stack_name'
RESOURCE, RESOURCE_UUID = 'org.openstack.heat.resource_name', 'org.openstack.heat.resource_uuid'
FEATURES = 'org.openstack.heat.features'
"""What a container has beyond the level of its endpoint: whoever enters it needs the same rules."""
POD_MEMBER = 'org.openstack.heat.pod_member'
"""Which container of a pod one is."""

OWN_LABELS = frozenset((PROJECT, STACK_ID, STACK_NAME, RESOURCE, RESOURCE_UUID, FEATURES))
"""Labels that a template cannot set. None ever changes: an engine cannot change labels."""
FOREIGN = ('org.openstack.nova.', 'org.nova-container.')
"""Beginnings of labels by which Nova's driver and the client of an engine know what is theirs."""


def type_name(kind: str) -> str:
    """``OS::Docker::Network`` of ``Network``."""
    return f'{PREFIX}::{kind}'
