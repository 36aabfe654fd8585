# SPDX-License-Identifier: Apache-2.0
"""What heat-engine loads: the resource types. A part that cannot be imported is logged, and heat-engine starts."""

import importlib
import logging
from collections.abc import Mapping
from typing import Any

from heat_container import names

LOG = logging.getLogger(__name__)
_HERE = 'heat_container.resources'
MODULES: Mapping[str, str] = {
    'Endpoint': 'endpoint', 'Network': 'network', 'NetworkAttachment': 'network_attachment', 'Volume': 'volume',
    'Container': 'container', 'Pod': 'pod', 'Image': 'image', 'Exec': 'execution', 'Stack': 'stack',
    'Service': 'service', 'Secret': 'secret', 'Config': 'config',
}
"""Each type, and the module below ``resources`` whose class of the same name it is."""
LEGACY = 'DockerInc::Docker::Container'
KINDS = tuple(MODULES)


def resource_mapping() -> dict[str, type[Any]]:
    """The types that could be imported, by their names in templates."""
    found = {names.type_name(kind): _loaded(module, kind) for kind, module in MODULES.items()}
    found[LEGACY] = _loaded('legacy', 'LegacyContainer')
    if not _register_rules():
        return {}
    return {name: cls for name, cls in found.items() if cls is not None}


def _loaded(module: str, kind: str) -> type[Any] | None:
    try:
        return getattr(importlib.import_module(f'{_HERE}.{module}'), kind)
    except Exception:
        LOG.exception('The resource type %s could not be loaded and is not offered', kind)
        return None


def _register_rules() -> bool:
    """Without its rules nothing is offered: heat would allow what it does not know."""
    try:
        from heat_container import policy
        policy.register(policy.list_rules())
    except Exception:
        LOG.exception('The rules of %s could not be registered: no such type is offered', names.PREFIX)
        return False
    return True
