# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about what Heat does with it."""

from heat.common.i18n import _
from heat.engine.properties import Schema

from heat_container.schema.kinds import custom, flag, like, number, one_of, record, text, texts, whole

SIGNALS = ('restart', 'start', 'stop', 'kill', 'pause', 'unpause', 'exec')
WAIT_FOR = ('none', 'running', 'healthy', 'exited')
NAME = {
    'name': text(_('The name, unique on the engine. By default made of those of stack and resource.'),
                 update_allowed=True, constraints=like('[a-zA-Z0-9][a-zA-Z0-9_.-]{1,126}')),
}
PLACE = {
    'server': text(_('Instead of endpoint: a Nova server that is a container itself. The container is put on the '
                     'engine of its host and shares its ports and security groups.'),
                   constraints=custom('nova.server')),
    'placement': text(_('Where it is put with server: sidecar, beside the server.'), default='sidecar',
                      constraints=one_of('sidecar')),
}
BEHAVIOUR = {
    'start': flag(_('Whether it is started.'), True, update_allowed=True),
    'wait_for': text(_('What completes it: none, its start; running, that it runs (or ended as expected); healthy, '
                       'that its health check says so; exited, that it ended.'), default='running', update_allowed=True,
                     constraints=one_of(*WAIT_FOR)),
    'expected_exit_codes': Schema(Schema.LIST, _('Exit codes that are a success.'), default=[0], update_allowed=True,
                                  schema=whole(_('An exit code.'), 0, 255)),
    'hooks': record(_('Commands that are run in it.'), {
        'post_start': texts(_('After each start that Heat does; it must end with 0.')),
        'pre_stop': texts(_('Before Heat stops it; how it ends does not matter.')),
        'timeout': number(_('Seconds that each may take.'), 0.1, 3600, default=60),
    }, update_allowed=True),
    'suspend_mode': text(_('What suspending the stack does: pause freezes it, stop stops it.'), default='pause',
                         update_allowed=True, constraints=one_of('pause', 'stop')),
    'replace_strategy': text(_('How an update replaces it: create_first starts the new one beside the old one; '
                               'stop_first stops the old one just before the new one starts; auto does the latter if '
                               'the old one has a port of the host, a fixed address, or a volume that it writes to.'),
                             default='auto', update_allowed=True,
                             constraints=one_of('auto', 'create_first', 'stop_first')),
    'remove_volumes': flag(_('Whether volumes that nobody named go with it.'), True, update_allowed=True),
    'signal_actions': texts(_('What a signal may do: the first is done by a signal that says nothing, as an alarm '
                              'does. exec runs any command.'), item=one_of(*SIGNALS),
                            default=['restart', 'start', 'stop', 'kill', 'pause', 'unpause'], update_allowed=True),
    'output_files': texts(_('Small files whose text the attribute output_files shows.'), item=like('/.*'),
                          update_allowed=True),
    'log_lines': whole(_('The most lines of output that an attribute shows.'), 1, 10000, default=100,
                       update_allowed=True),
}
