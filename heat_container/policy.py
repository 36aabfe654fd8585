# SPDX-License-Identifier: Apache-2.0
"""Rules of oslo.policy in heat's policy.yaml that really apply, for resource types and for ``docker:create:*``.

Heat lets pass what no code registered (heat/common/policy.py, ResourceEnforcer), so the types are registered here: a
rule in policy.yaml then overrides the default.
"""

from collections.abc import Callable
from typing import Any

from heat.common import policy as heat_policy
from heat.policies import base, resource_types
from oslo_policy import policy

from heat_container import features, names

_RULE = 'docker:create:{}'
_DOCS = {
    **{name: f'Who may give a container {features.GIVEN[name]}, where the level of the endpoint does not allow it.'
       for name in features.CONTAINER},
    **{name: f'Who may {text}.' for name, text in features.OTHERS.items()}}
_OPEN = ('endpoint', 'sidecar')
"""About what is the user's own. All else is for nobody until the operator says for whom."""
_ADMIN_TYPES = ('Swarm', 'SwarmNode', 'Plugin')


def create_rules() -> list[policy.RuleDefault]:
    """The rules ``docker:create:*``."""
    return [policy.RuleDefault(name=_RULE.format(name), description=_DOCS[name],
                               check_str=base.RULE_DENY_STACK_USER if name in _OPEN else base.RULE_DENY_EVERYBODY)
            for name in features.ALL]


def type_rules(kinds: tuple[str, ...]) -> list[policy.RuleDefault]:
    """A rule for each resource type, and one for all."""
    return [policy.RuleDefault(
        name=f'resource_types:{names.type_name(kind)}',
        description=f'Use the resource type ``{names.type_name(kind)}``.',
        check_str=base.RULE_PROJECT_ADMIN if kind in _ADMIN_TYPES else base.RULE_ALLOW_EVERYBODY)
        for kind in (*kinds, '*')]


def list_rules() -> list[policy.RuleDefault]:
    """For oslopolicy-sample-generator."""
    from heat_container import registration
    legacy = policy.RuleDefault(
        name=f'resource_types:{registration.LEGACY}', check_str=base.RULE_ALLOW_EVERYBODY,
        description=f'Use the resource type {registration.LEGACY}.')
    return [*create_rules(), *type_rules(registration.KINDS), legacy]


def register(rules: list[policy.RuleDefault]) -> None:
    """Make heat's enforcers know them: those to come by heat's own list, one that is there directly. Repeatable."""
    known = {rule.name for rule in resource_types.resource_types_policies}
    resource_types.resource_types_policies.extend(rule for rule in rules if rule.name not in known)
    enforcer = heat_policy.get_enforcer().enforcer
    for rule in rules:
        if rule.name not in enforcer.registered_rules:
            enforcer.register_default(rule)


def granted_to(context: Any) -> Callable[[str], bool]:
    """Whether the rule of a feature allows it to the user of a context."""
    enforcer = heat_policy.get_enforcer().enforcer

    def granted(feature: str) -> bool:
        return bool(enforcer.authorize(_RULE.format(feature), {'project_id': context.project_id},
                                       context.to_policy_values(), do_raise=False))
    return granted
