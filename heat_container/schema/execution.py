# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Exec."""

from heat.common.i18n import _
from heat.engine import attributes, constraints
from heat.engine.properties import Schema

CONTAINER, COMMAND, ENVIRONMENT, SECRETS, USER, WORKING_DIR, ACTIONS, CODES = (
    'container', 'command', 'environment', 'secret_environment', 'user', 'working_dir', 'actions',
    'expected_exit_codes')
TRIGGERS, TIMEOUT, LIMIT, PRIVILEGED, TTY = 'triggers', 'timeout', 'output_limit', 'privileged', 'tty'
ALLOWED_ACTIONS = ('CREATE', 'UPDATE', 'DELETE', 'SUSPEND', 'RESUME', 'CHECK', 'SIGNAL')
EXIT_CODE, STDOUT, STDERR, TRUNCATED, STARTED_AT, ENDED_AT, RUNS = (
    'exit_code', 'stdout', 'stderr', 'truncated', 'started_at', 'ended_at', 'runs')
MAX_LIMIT = 16384

PROPERTIES = {
    CONTAINER: Schema(Schema.STRING, _('The container to run in. Another one replaces the resource, and CREATE runs '
                                       'in it.'), required=True),
    COMMAND: Schema(Schema.LIST, _('The program and its arguments; no shell is involved.'), required=True,
                    schema=Schema(Schema.STRING), update_allowed=True, constraints=[constraints.Length(min=1)]),
    ENVIRONMENT: Schema(Schema.MAP, _('Variables beside those of the container.'), update_allowed=True),
    SECRETS: Schema(Schema.MAP, _('Variables whose values are not kept in Heat and not shown by it: each is the '
                                  'reference of a Barbican secret, or a text from a parameter with "hidden: true".'),
                    update_allowed=True),
    USER: Schema(Schema.STRING, _('USER[:GROUP] inside, by name or number. By default that of the container.'),
                 update_allowed=True),
    WORKING_DIR: Schema(Schema.STRING, _('An absolute path inside. By default that of the container.'),
                        update_allowed=True, constraints=[constraints.AllowedPattern('/.*')]),
    ACTIONS: Schema(Schema.LIST, _('When to run. SIGNAL is "openstack stack resource signal".'), default=['CREATE'],
                    schema=Schema(Schema.STRING), update_allowed=True,
                    constraints=[constraints.AllowedValues(ALLOWED_ACTIONS)]),
    CODES: Schema(Schema.LIST, _('Exit codes that are a success. With another the action fails; what the command said '
                                 'is in the attributes stdout and stderr, and not in the reason.'), default=[0],
                  update_allowed=True, schema=Schema(Schema.INTEGER, constraints=[constraints.Range(0, 255)])),
    TRIGGERS: Schema(Schema.MAP, _('Any values. A stack update that changes one runs the command again, whatever '
                                   'actions says.'), update_allowed=True),
    TIMEOUT: Schema(Schema.INTEGER, _('Seconds within which the command must end.'), default=60, update_allowed=True,
                    constraints=[constraints.Range(1, 3600)]),
    LIMIT: Schema(Schema.INTEGER, _('Bytes of each output stream that are kept, from its beginning.'), default=8192,
                  update_allowed=True, constraints=[constraints.Range(0, MAX_LIMIT)]),
    PRIVILEGED: Schema(Schema.BOOLEAN, _('Whether the command has all privileges of the host, on an engine and for a '
                                         'role that may give them.'), default=False, update_allowed=True),
    TTY: Schema(Schema.BOOLEAN, _('Whether the command gets a terminal; standard error is then part of stdout.'),
                default=False, update_allowed=True),
}


def _live(description: str, kind: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


ATTRIBUTES = {
    EXIT_CODE: _live(_('The exit code of the last run.'), attributes.Schema.INTEGER),
    STDOUT: _live(_('What the last run wrote to standard output.'), attributes.Schema.STRING),
    STDERR: _live(_('What the last run wrote to standard error.'), attributes.Schema.STRING),
    TRUNCATED: _live(_('Whether there was more output than is kept.'), attributes.Schema.BOOLEAN),
    STARTED_AT: _live(_('When the last run began.'), attributes.Schema.STRING),
    ENDED_AT: _live(_('When the last run ended.'), attributes.Schema.STRING),
    RUNS: _live(_('How often the command ran.'), attributes.Schema.INTEGER),
}
