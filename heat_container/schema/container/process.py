# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about its image, its first process and what that sees of itself."""

from heat.common.i18n import _

from heat_container import credentials
from heat_container.schema.kinds import custom, flag, like, mapping, number, one_of, record, text, texts, whole

_PORT = '[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?'

IMAGE = {
    'image': text(_('The image: NAME[:TAG][@DIGEST], the id of one that is on the engine, or an OS::Docker::Image.'),
                  required=True, constraints=custom('docker.image_reference')),
    'image_pull_policy': text(_('Whether the image is pulled: if_not_present, always, or never. An id is never '
                                'pulled.'),
                              default='if_not_present', constraints=one_of('if_not_present', 'always', 'never')),
    'platform': text(_('Which of the images under the name is pulled, OS/ARCHITECTURE[/VARIANT].')),
    'registry_credentials': credentials.SCHEMA,
}
PROCESS = {
    'entrypoint': texts(_('The program, and its first arguments. [] clears that of the image. Setting it drops the '
                          'command of the image.')),
    'command': texts(_('The arguments, or the whole command if there is no entry point; no shell is involved. By '
                       'default those of the image.')),
    'environment': mapping(_('Variables, laid over those of the image. Null takes none away: give an empty text.')),
    'secret_environment': mapping(_(
        'Variables whose values are not kept in Heat and not shown by it: each is the reference of a Barbican secret, '
        'or a text from a parameter with "hidden: true".')),
    'working_dir': text(_('The absolute path in which the process starts.'), constraints=like('/.*')),
    'user': text(_('USER[:GROUP] inside, by name or number.')),
    'tty': flag(_('Whether the process gets a terminal.'), False),
    'open_stdin': flag(_('Whether standard input stays open though nothing is attached to it.'), False),
    'stdin_once': flag(_('Whether standard input ends when the first client detaches.'), False),
    'stop_signal': text(_('The signal that asks the process to stop, by name or number.'),
                        constraints=like('(SIG)?[A-Z0-9+-]+|[0-9]+')),
    'stop_timeout': whole(_('Seconds between that signal and SIGKILL. -1 waits without end.'), -1, 3600),
    'init': flag(_('Whether a small reaper is process 1. By default as the engine is set up.')),
    'hostname': text(_('The host name inside. By default the first 12 characters of the id.'),
                     constraints=like('[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?')),
    'domainname': text(_('The domain name inside.')),
    'labels': mapping(_('Labels. Those that Heat gives, org.openstack.heat.*, cannot be set.')),
    'exposed_ports': texts(_('Ports that the process listens at, as PORT[-PORT][/PROTOCOL], beside those of the '
                             'image.'),
                           item=like(_PORT)),
    'shell': texts(_('The shell of build steps of images that are made of the container.')),
    'on_build': texts(_('Build steps to run in images built on one that is made of the container.')),
}
HEALTH = {
    'healthcheck': record(_('The command that tells whether the service works: exit code 0. What is left out is as the '
                            'image says.'), {
        'test': texts(_('[CMD, program, arguments...], [CMD-SHELL, command line], or [NONE] for no check.')),
        'interval': number(_('Seconds between two runs.'), 0.001),
        'timeout': number(_('Seconds after which a run has failed.'), 0.001),
        'retries': whole(_('Failures in a row that make the container unhealthy.'), 1),
        'start_period': number(_('Seconds after the start in which failures do not count.'), 0),
        'start_interval': number(_('Seconds between two runs in that time.'), 0.001),
    }),
}
