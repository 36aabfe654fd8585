# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Endpoint."""

from heat.common.i18n import _
from heat.engine import attributes, constraints, properties

from heat_container import tenants

URL, SERVER, NETWORK, PORT = tenants.URL, 'server', 'network', 'port'
SERVER_NAME, WAIT_TIMEOUT = tenants.SERVER_NAME, 'wait_timeout'
MATERIAL = tuple(name for pair in tenants.MATERIAL for name in pair)

_TEXT_BYTES = 65536
_WHAT = {tenants.CA: _('The certificate of the authority that signed the certificate of the engine'),
         tenants.CERT: _('The certificate that Heat shows to the engine'),
         tenants.KEY: _('The key of that certificate, without a passphrase')}

PROPERTIES = {
    URL: properties.Schema(
        properties.Schema.STRING,
        _('Where the engine is: tcp://host:port. Heat connects with TLS only, and to no address of the cloud itself.')),
    SERVER: properties.Schema(
        properties.Schema.STRING, _('A Nova server that runs the engine, instead of url.'),
        constraints=[constraints.CustomConstraint('nova.server')]),
    NETWORK: properties.Schema(
        properties.Schema.STRING,
        _('The name of the network of the server at whose address the engine is reached. Its floating address comes '
          'first. Without it, the first address of the server.')),
    PORT: properties.Schema(
        properties.Schema.INTEGER, _('The port of the engine on the server.'), default=2376,
        constraints=[constraints.Range(1, 65535)]),
    SERVER_NAME: properties.Schema(
        properties.Schema.STRING,
        _('The name that the certificate of the engine is for, where that is not the host of the URL.'),
        update_allowed=True, constraints=[constraints.Length(max=253)]),
    WAIT_TIMEOUT: properties.Schema(
        properties.Schema.INTEGER, _('How many seconds to wait until the engine answers.'), default=600,
        update_allowed=True, constraints=[constraints.Range(1, 86400)]),
    **{ref: properties.Schema(
        properties.Schema.STRING, _('%s: a PEM text in a Barbican secret.') % _WHAT[text], update_allowed=True,
        constraints=[constraints.CustomConstraint('barbican.secret')]) for text, ref in tenants.MATERIAL},
    **{text: properties.Schema(
        properties.Schema.STRING,
        _('%s: a PEM text, from a parameter with "hidden: true". Kept encrypted.') % _WHAT[text], update_allowed=True,
        constraints=[constraints.Length(max=_TEXT_BYTES)]) for text, ref in tenants.MATERIAL},
}

ADDRESS, API_VERSION, ENGINE, ENGINE_VERSION = 'address', 'api_version', 'engine', 'engine_version'
OS, ARCHITECTURE, CPUS, MEMORY, HOSTNAME = 'os', 'architecture', 'cpus', 'memory', 'hostname'


def _live(kind: str, description: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


ATTRIBUTES = {
    URL: attributes.Schema(_('Where the engine is.'), type=attributes.Schema.STRING),
    ADDRESS: attributes.Schema(_('Where its published ports are reached.'), type=attributes.Schema.STRING),
    API_VERSION: _live(attributes.Schema.STRING, _('The version of the Docker Engine API.')),
    ENGINE: _live(attributes.Schema.STRING, _('What the engine is.')),
    ENGINE_VERSION: _live(attributes.Schema.STRING, _('Its version.')),
    OS: _live(attributes.Schema.STRING, _('The operating system of its host.')),
    ARCHITECTURE: _live(attributes.Schema.STRING, _('The architecture of its host.')),
    CPUS: _live(attributes.Schema.INTEGER, _('How many CPUs its host has.')),
    MEMORY: _live(attributes.Schema.INTEGER, _('How many bytes of memory its host has.')),
    HOSTNAME: _live(attributes.Schema.STRING, _('The name of its host.')),
}
