# SPDX-License-Identifier: Apache-2.0
"""What is shown to a registry that asks who we are: a password, or tokens from where it says they are given."""

import base64
import json
import threading
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from nova_container import errors
from nova_container.engine.registry import Credentials
from nova_container.registry import challenge, wire
from nova_container.registry.challenge import Challenge
from nova_container.registry.settings import RegistrySettings
from nova_container.registry.wire import Response, Wire

_CLIENT = 'nova-container'
_HUB_TOKENS = ('auth.docker.io',)
_FORM = {'Content-Type': 'application/x-www-form-urlencoded'}


class Authority:
    """Answers the challenges of one registry.

    Credentials go to the registry's own host, to hosts below it, and to those an operator listed: a registry that
    names another is asked for a token without them.
    """

    def __init__(self, domain: str, through: Wire, settings: RegistrySettings, credentials: Credentials | None) -> None:
        self._wire = through
        self._credentials = credentials or Credentials()
        self._lock = threading.Lock()
        self._headers: dict[str, str] = {}
        self._more = settings.token_hosts.get(domain, ()) + (_HUB_TOKENS if domain == 'docker.io' else ())
        self._withheld = ''
        if credentials and credentials.token and not credentials.username:
            self._headers[''] = f'Bearer {credentials.token}'

    def header(self, scope: str) -> dict[str, str]:
        """What to show for a scope, as far as is known."""
        with self._lock:
            shown = self._headers.get(scope) or self._headers.get('')
        return {'Authorization': shown} if shown else {}

    def answer(self, refused: Response, scope: str, shown: Mapping[str, str]) -> bool:
        """Learn from a 401; False if there is nothing further to show.

        :param shown: the ``header`` that was refused: another thread may have learnt something since.
        :raises Denied: the token server does not know us, or is not to be trusted.
        """
        for asked in challenge.parse(', '.join(refused.headers.getlist('WWW-Authenticate'))):
            if asked.scheme == 'bearer' and asked.parameters.get('realm'):
                token = f'Bearer {self._token(asked, scope)}'
                with self._lock:
                    self._headers[scope] = token
                return True
            if asked.scheme == 'basic' and self._credentials.password and not shown:
                with self._lock:
                    self._headers[''] = self._basic()
                return True
        return False

    def _basic(self) -> str:
        pair = f'{self._credentials.username}:{self._credentials.password}'
        return f'Basic {base64.b64encode(pair.encode()).decode()}'

    def _token(self, asked: Challenge, scope: str) -> str:
        realm = asked.parameters['realm']
        wanted = [('service', asked.parameters.get('service', ''))]
        wanted += [('scope', part) for part in (scope or asked.parameters.get('scope', '')).split(' ') if part]
        known = self._may_know(realm)
        if known and self._credentials.token:
            answered = self._wire.ask_other('POST', realm, _FORM, lambda: urlencode([
                *wanted, ('grant_type', 'refresh_token'), ('client_id', _CLIENT),
                ('refresh_token', self._credentials.token)]).encode())
        else:
            shown = {'Authorization': self._basic()} if known and self._credentials.password else {}
            mark = '&' if urlsplit(realm).query else '?'
            answered = self._wire.ask_other('GET', f'{realm}{mark}{urlencode(wanted)}', shown)
        return self._read(answered, realm)

    def _may_know(self, realm: str) -> bool:
        """Whether the credentials may be told to the token server."""
        host, own = (urlsplit(realm).hostname or '').lower(), self._wire.place.host.lower()
        known = host == own or host.endswith(f'.{own}') or host in self._more
        if not known and (self._credentials.password or self._credentials.token):
            self._withheld = f'; the credentials were not sent to {host[:253]}, which is not the registry\'s host'
        return known

    def _read(self, answered: Response, realm: str) -> str:
        content = wire.document(answered)
        if answered.status != 200:
            place = urlsplit(realm).hostname
            raise errors.Denied(f'access denied: the token server {place} answered {answered.status}: incorrect '
                                f'username or password, or no such repository{self._withheld}')
        try:
            fields = json.loads(content)
            token = fields.get('token') or fields.get('access_token')
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise errors.Corrupt('The token server gave no token')
        return token

    @property
    def withheld(self) -> str:
        """Why the credentials did not help, or ''."""
        return self._withheld
