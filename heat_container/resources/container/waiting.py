# SPDX-License-Identifier: Apache-2.0
"""Whether a container is where its stack waits for it. Pure."""

from collections.abc import Collection

from heat.common import exception
from heat.common.i18n import _

from nova_container.engine import ContainerInfo, Health, Status, health


def reached(info: ContainerInfo, wanted: str, expected: Collection[int]) -> bool:
    """Whether a container that was started is none (at once), running, healthy or exited.

    :param expected: exit codes that are a success: also a container that is to run may have done its work.
    :raises Error: it will never be; the text says why.
    """
    if wanted == 'none':
        return True
    if is_over(info):
        return _ended_well(info, wanted, expected)
    if wanted == 'running' or not info.status.alive:
        return info.status.alive
    if wanted == 'healthy':
        return _is_healthy(info)
    return False


def is_over(info: ContainerInfo) -> bool:
    """Whether it ended, and its engine does not start it again."""
    if info.status is not Status.STOPPED:
        return False
    policy, code = info.spec.restart, info.exit.code if info.exit else 0
    if policy.name in ('always', 'unless-stopped'):
        return False
    return policy.name == 'no' or code == 0 or 0 < policy.maximum_retries <= info.restart_count


def as_it_should_be(info: ContainerInfo, *, started: bool, expected: Collection[int], job: bool = True) -> str:
    """'' if so; else a sentence about what is wrong.

    :param job: it may have ended, as expected.
    """
    if not started:
        return str(_('The container runs, and is not to.')) if info.status.alive else ''
    if info.status is Status.PAUSED:
        return str(_('The container is paused.'))
    if not info.status.alive:
        if info.exit is None:
            return str(_('The container was not started.'))
        return '' if job and is_over(info) and info.exit.code in expected else str(_(
            'The container does not run; it ended with %s.') % info.exit.code)
    if info.health is not None and _is_unhealthy(info.health):
        return str(_('The container is unhealthy.'))
    return ''


def _ended_well(info: ContainerInfo, wanted: str, expected: Collection[int]) -> bool:
    ended = info.exit
    code = ended.code if ended else 0
    if code not in expected:
        reason = _(' as it used up its memory') if ended and ended.oom_killed else ''
        raise exception.Error(_('The container ended with %(code)d%(reason)s; expected is %(expected)s.') % {
            'code': code, 'reason': reason, 'expected': ' or '.join(map(str, sorted(expected))) or _('no end')})
    if wanted == 'healthy':
        raise exception.Error(_('The container ended with %d before it was healthy.') % code)
    return True


def _is_unhealthy(found: Health) -> bool:
    """dockerd calls one that was paused unhealthy until its next check, though none failed."""
    return found.status == health.UNHEALTHY and found.failing_streak > 0


def _is_healthy(info: ContainerInfo) -> bool:
    if info.health is None:
        raise exception.Error(_('The container has no health check, neither from healthcheck nor from its image: add '
                                'one, or wait for running.'))
    if _is_unhealthy(info.health):
        said = info.health.probes[-1].output.strip()[-500:] if info.health.probes else ''
        raise exception.Error(_('The container is unhealthy: %s') % (said or _('its check said nothing')))
    return info.health.status == health.HEALTHY
