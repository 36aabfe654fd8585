# SPDX-License-Identifier: Apache-2.0
"""Projects, users, roles and the service catalog in keystone."""

from tools.minicloud import api
from tools.minicloud import instance
from tools.minicloud.config import shared

DEMO = 'demo'
SERVICE_USERS = ('placement', 'glance', 'neutron', 'nova', 'heat')
ENDPOINTS = (
    # type, name, service of the port plan, path
    ('placement', 'placement', 'placement', ''),
    ('image', 'glance', 'glance', ''),
    ('network', 'neutron', 'neutron', ''),
    ('compute', 'nova', 'nova-api', '/v2.1'),
    ('orchestration', 'heat', 'heat-api', '/v1/%(tenant_id)s'),
    ('cloudformation', 'heat-cfn', 'heat-api-cfn', '/v1'),
)


def create(cloud: instance.Instance) -> None:
    """Create all of it; what exists already is kept."""
    keystone = _Keystone(cloud)
    _create_service_users(cloud, keystone)
    _create_demo(cloud, keystone)
    _create_stack_domain(cloud, keystone)
    _create_catalog(cloud, keystone)


def project_ids(cloud: instance.Instance) -> dict[str, str]:
    """Return the ids of the projects that people use, by name."""
    found = api.Api(cloud, 'admin', 'admin').get('keystone', '/v3/projects')
    return {project['name']: project['id'] for project in found['projects']
            if project['name'] in (DEMO, 'admin')}


class _Keystone:
    """Ensure things by name."""

    def __init__(self, cloud: instance.Instance) -> None:
        self.api = api.Api(cloud, 'admin', 'admin')

    def ensure(self, kind: str, name: str, **more) -> str:
        """Create unless there is one of the name; its id."""
        scope = f'&domain_id={more["domain_id"]}' if 'domain_id' in more else ''
        found = self.api.get(
            'keystone', f'/v3/{kind}s?name={name}{scope}')[f'{kind}s']
        if found:
            return found[0]['id']
        return self.api.post('keystone', f'/v3/{kind}s', {
            kind: {'name': name, **more}})[kind]['id']

    def grant(self, role: str, user: str, place: str) -> None:
        """Give a user a role on `projects/ID` or `domains/ID`."""
        self.api.put('keystone', f'/v3/{place}/users/{user}/roles/{role}')


def _create_service_users(cloud: instance.Instance,
                          keystone: _Keystone) -> None:
    project = keystone.ensure('project', 'service', domain_id='default')
    roles = [keystone.ensure('role', name) for name in ('admin', 'service')]
    for name in SERVICE_USERS:
        user = keystone.ensure('user', name, domain_id='default',
                               password=cloud.secret(name))
        for role in roles:
            keystone.grant(role, user, f'projects/{project}')


def _create_demo(cloud: instance.Instance, keystone: _Keystone) -> None:
    project = keystone.ensure('project', DEMO, domain_id='default')
    user = keystone.ensure('user', DEMO, domain_id='default',
                           password=cloud.secret(DEMO))
    keystone.grant(keystone.ensure('role', 'member'), user,
                   f'projects/{project}')


def _create_stack_domain(cloud: instance.Instance,
                         keystone: _Keystone) -> None:
    keystone.ensure('role', 'heat_stack_user')
    domain = keystone.ensure('domain', 'heat')
    user = keystone.ensure('user', 'heat_domain_admin', domain_id=domain,
                           password=cloud.secret('heat_domain_admin'))
    keystone.grant(keystone.ensure('role', 'admin'), user,
                   f'domains/{domain}')


def _create_catalog(cloud: instance.Instance, keystone: _Keystone) -> None:
    existing = {endpoint['service_id'] for endpoint in keystone.api.get(
        'keystone', '/v3/endpoints')['endpoints']}
    for kind, name, port_name, path in ENDPOINTS:
        service = keystone.ensure('service', name, type=kind)
        if service not in existing:
            keystone.api.post('keystone', '/v3/endpoints', {'endpoint': {
                'interface': 'public', 'region_id': shared.REGION,
                'service_id': service, 'url': cloud.url(port_name, path)}})
