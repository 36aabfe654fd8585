# SPDX-License-Identifier: Apache-2.0
"""Names of images on an engine that projects share: what a project makes is named below its own prefix.

A name is what others trust when they write it in a template. So on a shared engine a project may make, of names that no
registry answers for, only those below ``heat-container/PROJECT/``, and use no image that only other projects' names
hold. On an engine of its own (level privileged) it names as it likes.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping

from nova_container import errors
from nova_container.image import reference as references

PREFIX = 'heat-container'
OPERATOR = '.operator'
"""The owner of names that Nova and the engine give: they run what has them, whoever it is of."""
_OPERATORS = frozenset(('glance', 'nova-container'))
"""Prefixes of nova_container/virt/translate/image.py and docker/infra_image.py."""
_PUSHED = 'being-pushed'
_OTHER = re.compile(r'[^a-z0-9]+')
_ID = re.compile(r'sha256:[0-9a-f]{6,64}|[0-9a-f]{64}')


def of_project(project_id: str, name: str) -> str:
    """``name`` (with or without a tag) below the prefix of a project. :raises InvalidReference:"""
    prefix = f'{PREFIX}/{_part(project_id)}/'
    whole = name if name.startswith(prefix) else f'{prefix}{name}'
    found = references.parse(whole)
    if found.digest:
        raise errors.InvalidReference(f'{name}: a name to give is REPOSITORY[:TAG], without a digest')
    return found.familiar()


def owner(name: str) -> str | None:
    """The project part of a name below the prefix, OPERATOR of one of theirs, None of a name of a registry."""
    parts = normal(name).split('/')
    if len(parts) > 2 and parts[0] == PREFIX:
        return parts[1]
    return OPERATOR if len(parts) > 1 and parts[0] in (*_OPERATORS, PREFIX) else None


def normal(name: str) -> str:
    """In the one form that engines tell it in; what is no name stays as it is."""
    try:
        return references.parse(name).familiar()
    except errors.InvalidReference:
        return name.removeprefix('docker.io/')


def is_id(name: str) -> bool:
    """Whether it is the id of an image, and no name."""
    return _ID.fullmatch(name) is not None


def labels(own: Mapping[str, str]) -> dict[str, str]:
    """Where an image comes from, by other keys than those that say whose a container of it is."""
    return {key.replace('.heat.', '.heat.image.'): value for key, value in own.items()}


def is_of(project_id: str, name: str) -> bool:
    """Whether a name is below the prefix of a project."""
    return owner(name) == _part(project_id)


def may_give(project_id: str, name: str) -> bool:
    """Whether a project may call an image so."""
    return is_of(project_id, name) and f'/{_PUSHED}:' not in normal(name)


def check_usable(project_id: str, names: Iterable[str]) -> None:
    """Whether a project may use an image that has these names. :raises Denied: all are of others."""
    owners = [owner(name) for name in names]
    if owners and not {None, _part(project_id)} & set(owners):
        raise errors.Denied('This image belongs to another project; ask its owner to push it to a registry')


def is_usable(project_id: str, asked: str, names: Collection[str]) -> bool:
    """Whether a project may look at an image by the name it asked for: all of its names are ``names``.

    Not by a name that others are giving it, while they push it: the registry may refuse that.
    """
    try:
        check_usable(project_id, names)
    except errors.Denied:
        return False
    if is_id(asked):
        return True
    if (whose := owner(asked)) is not None:
        return whose == _part(project_id)
    return not any(owner(name) not in (None, _part(project_id)) and name.endswith(_marking(asked)) for name in names)


def settled(names: Iterable[str]) -> tuple[str, ...]:
    """Names of an image without those that it has only while it is pushed."""
    names = tuple(names)
    pushed = {f'/{name.rpartition("/")[2]}' for name in names}
    return tuple(name for name in names if _marking(name) not in pushed)



def mark(project_id: str, name: str) -> str:
    """The name of an image, of a project, that says that the project is giving it another."""
    return f'{PREFIX}/{_part(project_id)}{_marking(name)}'


def _marking(name: str) -> str:
    return f'/{_PUSHED}:{hashlib.sha256(normal(name).encode()).hexdigest()[:32]}'


def _part(project_id: str) -> str:
    """Ids of projects are mostly hexadecimal; what a reference cannot hold becomes a dash."""
    return _OTHER.sub('-', project_id.lower()).strip('-') or 'none'
