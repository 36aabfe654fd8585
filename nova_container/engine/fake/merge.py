# SPDX-License-Identifier: Apache-2.0
"""A container's process, its image's configuration filled in as Docker does."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.fake import files


def process(asked: specs.ProcessSpec, config: Mapping[str, Any]) -> specs.ProcessSpec:
    """What will run. :raises InvalidSpec: neither names a program."""
    entrypoint = asked.entrypoint if asked.entrypoint is not None else tuple(config.get('Entrypoint') or ()) or None
    command = asked.command
    if command is None and asked.entrypoint is None:
        command = tuple(config.get('Cmd') or ()) or None
    if not entrypoint and not command:
        raise errors.InvalidSpec('command: neither the container nor its image names a program to run')
    return dataclasses.replace(
        asked, entrypoint=entrypoint, command=command,
        env=_own_first(asked.env, config.get('Env') or ()),
        cwd=asked.cwd or config.get('WorkingDir') or None,
        user=asked.user if asked.user is not None else config.get('User') or None,
        stop_signal=asked.stop_signal or config.get('StopSignal') or None,
        stop_timeout_s=asked.stop_timeout_s if asked.stop_timeout_s is not None else config.get('StopTimeout'))


def variables(*layers: Iterable[str]) -> dict[str, str]:
    """Environments laid over each other, the last one wins; a name without a value takes it away."""
    merged: dict[str, str] = {}
    for layer in layers:
        for name, equals, value in (entry.partition('=') for entry in layer):
            if equals:
                merged[name] = value
            else:
                merged.pop(name, None)
    return merged


def _own_first(asked: Iterable[str], config: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for entry in (*reversed(tuple(asked)), *config):
        found.setdefault(entry.partition('=')[0], entry)
    return tuple(found.values())


def resources(old: specs.Resources, new: specs.Resources) -> specs.Resources:
    """Limits after an update: a field that is None, empty or False stays as it is."""
    changed = {field.name: getattr(new, field.name) for field in dataclasses.fields(new)}
    return dataclasses.replace(old, **{name: value for name, value in changed.items()
                                       if value is not None and value != () and value is not False})


def identity(user: str | None, tree: files.Tree) -> tuple[int, int]:
    """The uid and gid of ``name|uid[:group|gid]`` inside. :raises InvalidRequest: no such name."""
    name, _, group = (user or '0').partition(':')
    row = _row(tree, '/etc/passwd', name)
    if row is None and not name.isdigit():
        raise errors.InvalidRequest(f'unable to find user {name}: no matching entries in passwd file')
    uid = int(row[2]) if row else int(name)
    if not group:
        return uid, int(row[3]) if row else 0
    group_row = _row(tree, '/etc/group', group)
    if group_row is None and not group.isdigit():
        raise errors.InvalidRequest(f'unable to find group {group}: no matching entries in group file')
    return uid, int(group_row[2]) if group_row else int(group)


def _row(tree: files.Tree, path: str, key: str) -> list[str] | None:
    """The row of a name, or of a number in its third column."""
    if tree.find(path) is None:
        return None
    rows = [line.split(':') for line in tree.read(path).decode(errors='replace').splitlines()]
    named = [row for row in rows if len(row) > 3 and row[0] == key] or [
        row for row in rows if len(row) > 3 and row[2] == key]
    return named[0] if named else None
