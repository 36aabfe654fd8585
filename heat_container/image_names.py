# SPDX-License-Identifier: Apache-2.0
"""Names of images on an engine that projects share: what a project makes is named below its own prefix.

A name is what others trust when they write it in a template. So on a shared engine a project may make, of names that no
registry answers for, only those below ``heat-container/PROJECT/``, and use no image that only other projects' names
hold. On an engine of its own (level privileged) it names as it likes.
"""

import re
from collections.abc import Iterable, Mapping

from nova_container import errors
from nova_container.image import reference as references

PREFIX = 'heat-container'
_OTHER = re.compile(r'[^a-z0-9]+')


def of_project(project_id: str, name: str) -> str:
    """``name`` (with or without a tag) below the prefix of a project. :raises InvalidReference:"""
    prefix = f'{PREFIX}/{_part(project_id)}/'
    whole = name if name.startswith(prefix) else f'{prefix}{name}'
    found = references.parse(whole)
    if found.digest:
        raise errors.InvalidReference(f'{name}: a name to give is REPOSITORY[:TAG], without a digest')
    return found.familiar()


def owner(name: str) -> str | None:
    """The project part of a name below the prefix, None if it is below none."""
    parts = name.removeprefix('docker.io/').split('/')
    return parts[1] if len(parts) > 2 and parts[0] == PREFIX else None


def labels(own: Mapping[str, str]) -> dict[str, str]:
    """Where an image comes from, by other keys than those that say whose a container of it is."""
    return {key.replace('.heat.', '.heat.image.'): value for key, value in own.items()}


def is_of(project_id: str, name: str) -> bool:
    """Whether a name is below the prefix of a project."""
    return owner(name) == _part(project_id)


def check_usable(project_id: str, names: Iterable[str]) -> None:
    """Whether a project may use an image that has these names. :raises Denied: all are of other projects."""
    owners = [owner(name) for name in names]
    if owners and not {None, _part(project_id)} & set(owners):
        raise errors.Denied('This image belongs to another project; ask its owner to push it to a registry')


def _part(project_id: str) -> str:
    """Ids of projects are mostly hexadecimal; what a reference cannot hold becomes a dash."""
    return _OTHER.sub('-', project_id.lower()).strip('-') or 'none'
