# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Stack."""

from heat.common.i18n import _
from heat.engine import constraints
from heat.engine.attributes import Schema as Attribute

from heat_container.schema.kinds import live, mapping, text, texts

COMPOSE, VARIABLES, SECRETS, FILES, PROFILES = 'compose', 'environment', 'secret_environment', 'files', 'profiles'
PROPERTIES = {
    COMPOSE: text(_('The text of the compose file, as get_file reads it.'), required=True, update_allowed=True,
                  constraints=[constraints.Length(min=1, max=512 * 1024)]),
    VARIABLES: mapping(_('Variables that the file leaves open.'), default={}, update_allowed=True),
    SECRETS: mapping(_('Such variables whose values are kept encrypted: each can be the whole value of a variable of a '
                       'service, or of a secret.'), default={}, update_allowed=True),
    FILES: mapping(_('Texts by the paths that the file names them with: of env_file, configs and secrets.'), default={},
                   update_allowed=True),
    PROFILES: texts(_('Profiles whose services are wanted too.'), default=[], update_allowed=True),
}
SERVICES, NETWORKS, VOLUMES = 'services', 'networks', 'volumes'
ATTRIBUTES = {
    SERVICES: live(_('Each service: a list of its containers, each with id, name, ip_address and ports.'),
                   Attribute.MAP),
    NETWORKS: live(_('Each network that was made, and its id.'), Attribute.MAP),
    VOLUMES: live(_('Each volume that was made, and its name.'), Attribute.MAP),
}
