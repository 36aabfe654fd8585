# SPDX-License-Identifier: Apache-2.0
"""The REST APIs of the cloud, without the 1-2 s a CLI call costs."""

import threading

import requests

from tools.minicloud import errors
from tools.minicloud import instance

_VERSIONS = {'nova-api': {'X-OpenStack-Nova-API-Version': '2.90'},
             'placement': {'OpenStack-API-Version': 'placement 1.39'}}


class Api:
    """All services as one user of one project.

    The addresses come from the port plan, not from the catalog, so that it
    works before there is one.
    """

    def __init__(self, cloud: instance.Instance, user: str,
                 project: str) -> None:
        self._cloud = cloud
        self._user = user
        self._project = project
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.mount('http://', requests.adapters.HTTPAdapter(
            pool_maxsize=20))
        self._token = ''
        self._login = threading.Lock()
        self.project_id = ''

    def get(self, service: str, path: str) -> dict:
        """Return the decoded answer."""
        return self.call('GET', service, path)

    def post(self, service: str, path: str, body: dict) -> dict:
        """Create something and return the decoded answer."""
        return self.call('POST', service, path, body)

    def put(self, service: str, path: str, body: dict | None = None) -> dict:
        """Set something and return the decoded answer."""
        return self.call('PUT', service, path, body)

    def call(self, method: str, service: str, path: str,
             body: dict | None = None) -> dict:
        """Send one request; raises MinicloudError unless it is a 2xx."""
        answer = self._http.request(
            method, self._cloud.url(service, path), json=body, timeout=60,
            headers=self._headers(service))
        self._check(answer)
        return answer.json() if answer.content else {}

    def upload(self, service: str, path: str, content) -> None:
        """Send a file object as the body of a PUT."""
        answer = self._http.put(
            self._cloud.url(service, path), data=content, timeout=600,
            headers={**self._headers(service),
                     'Content-Type': 'application/octet-stream'})
        self._check(answer)

    def _headers(self, service: str) -> dict[str, str]:
        with self._login:
            if not self._token:
                self._log_in()
        return {'X-Auth-Token': self._token, **_VERSIONS.get(service, {})}

    def _log_in(self) -> None:
        domain = {'name': 'Default'}
        answer = self._http.post(
            self._cloud.url('keystone', '/v3/auth/tokens'), timeout=60, json={
                'auth': {
                    'identity': {'methods': ['password'], 'password': {
                        'user': {'name': self._user, 'domain': domain,
                                 'password': self._cloud.secret(self._user)}}},
                    'scope': {'project': {'name': self._project,
                                          'domain': domain}}}})
        self._check(answer)
        self._token = answer.headers['X-Subject-Token']
        self.project_id = answer.json()['token']['project']['id']

    def _check(self, answer: requests.Response) -> None:
        if not answer.ok:
            raise errors.MinicloudError(
                f'{answer.request.method} {answer.url} was answered with '
                f'{answer.status_code}: {answer.text[:500]}')
