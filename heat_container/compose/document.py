# SPDX-License-Identifier: Apache-2.0
"""The text of a compose file -> its document, by YAML 1.2's idea of numbers and booleans, as Compose reads it. Pure."""

import re
from typing import Any

import yaml

from nova_container import errors

_LARGEST = 512 * 1024
_MOST_NODES = 20000
_DEEPEST = 50
_INT = r'^[-+]?[0-9]+$|^0x[0-9a-fA-F]+$'


class _Loader(yaml.SafeLoader):
    """``22:22`` is a text, and so is ``yes``."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _first in (
        ('tag:yaml.org,2002:bool', r'^(?:true|True|TRUE|false|False|FALSE)$', 'tTfF'),
        ('tag:yaml.org,2002:int', _INT, '-+0123456789'),
        ('tag:yaml.org,2002:float', r'^[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?$', '-+0123456789'),
        ('tag:yaml.org,2002:null', r'^(?:~|null|Null|NULL|)$', '~nN\0'),
        ('tag:yaml.org,2002:merge', r'^(?:<<)$', '<')):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), [*_first, *([''] if '~' in _first else [])])


def parsed(content: str) -> dict[str, Any]:
    """:raises InvalidRequest: it is no YAML map, or is too large, also by its aliases."""
    if len(content) > _LARGEST:
        raise errors.InvalidRequest(f'A compose file has at most {_LARGEST} characters')
    loader = _Loader(content)
    try:
        node = loader.get_single_node()
        if node is None:
            raise errors.InvalidRequest('The compose file is empty')
        _count(node, {}, 0)
        found = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise errors.InvalidRequest(f'The compose file is no YAML: {error}') from None
    finally:
        loader.dispose()
    if not isinstance(found, dict):
        raise errors.InvalidRequest('The compose file is no map of services')
    return found


def _count(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Nodes below this one, those of aliases each time. :raises InvalidRequest: too many."""
    if id(node) in known:
        return known[id(node)]
    if depth > _DEEPEST:
        raise errors.InvalidRequest(f'The compose file is nested more than {_DEEPEST} deep, or holds itself')
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        inner = node.value
    elif isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    found = 1 + sum(_count(part, known, depth + 1) for part in inner)
    if found > _MOST_NODES:
        raise errors.InvalidRequest(f'The compose file has more than {_MOST_NODES} values')
    known[id(node)] = found
    return found
