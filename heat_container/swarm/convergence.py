# SPDX-License-Identifier: Apache-2.0
"""Whether a service is what its spec says, by its tasks. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from nova_container import errors

_FAILED = frozenset(('failed', 'rejected'))
_STOPPED = frozenset(('paused', 'rollback_paused', 'rollback_completed'))
_MOST_FAILURES = 3
Task = Mapping[str, Any]


def reached(service: Mapping[str, Any], tasks: Iterable[Task], nodes: int) -> bool:
    """Whether the tasks of the spec run, or ended well if it is a job.

    :param nodes: how many nodes a global service has a task on.
    :raises WrongState: it will not be; the text says what the swarm or its last task says.
    """
    update = service.get('UpdateStatus') or {}
    if update.get('State') in _STOPPED:
        raise errors.InvalidRequest(f'The swarm gave up the update: {update.get("Message", update["State"])}')
    spec = service['Spec']
    current = [task for task in tasks if is_of(task, spec)]
    wanted, good = _wanted(spec['Mode'], nodes), 'complete' if is_job(spec['Mode']) else 'running'
    if sum(1 for task in current if task['Status']['State'] == good and (
            good == 'complete' or task['DesiredState'] == 'running')) >= wanted:
        return update.get('State') not in ('updating', 'rollback_started')
    _check_failures(spec, current, wanted)
    return False


def running(tasks: Iterable[Task]) -> int:
    return sum(1 for task in tasks if task['Status']['State'] == 'running')


def is_job(mode: Mapping[str, Any]) -> bool:
    return 'ReplicatedJob' in mode or 'GlobalJob' in mode


def is_of(task: Task, spec: Mapping[str, Any]) -> bool:
    """Whether a task was made by the spec as it is now."""
    return _essence(task['Spec']) == _essence(spec['TaskTemplate'])


def _essence(task: Mapping[str, Any]) -> dict[str, Any]:
    """What both have: the engine leaves out what is empty, in one and not in the other."""
    return {key: value for key, value in task.items() if key not in ('Runtime', 'Networks') and value not in (
        None, 0, {}, [])}


def _wanted(mode: Mapping[str, Any], nodes: int) -> int:
    if 'Replicated' in mode:
        return int(mode['Replicated'].get('Replicas', 1))
    if 'ReplicatedJob' in mode:
        job = mode['ReplicatedJob']
        return int(job.get('TotalCompletions', job.get('MaxConcurrent', 1)))
    return nodes


def _check_failures(spec: Mapping[str, Any], current: list[Task], wanted: int) -> None:
    failed = [task for task in current if task['Status']['State'] in _FAILED]
    condition = (spec['TaskTemplate'].get('RestartPolicy') or {}).get('Condition', 'any')
    if failed and (condition == 'none' or len(failed) >= _MOST_FAILURES * max(wanted, 1)):
        status = max(failed, key=lambda task: str(task['Status'].get('Timestamp', '')))['Status']
        raise errors.InvalidRequest(f'Tasks of the service fail: {status.get("Err") or status.get("Message", "")}')
