# SPDX-License-Identifier: Apache-2.0
"""A compose file as a stack: a front that asks an application that keeps files beside a healthy store."""

from tests.cloud.heat.stacks import Stacks, host_port, page

TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  version: {type: string, default: '1'}
resources:
  shop:
    type: OS::Docker::Stack
    properties:
      endpoint: local
      environment: {VERSION: {get_param: version}}
      secret_environment: {WORD: hush-hush}
      files: {motd.txt: good morning}
      compose: |
        services:
          store:
            image: demo-httpd:latest
            networks: [back]
            volumes: ["kept:/kept"]
            healthcheck: &healthy
              test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/"]
              interval: 1s
              retries: 9
          app:
            image: demo-httpd:latest
            hostname: app-$VERSION
            depends_on: {store: {condition: service_healthy}}
            environment: {WORD: $WORD}
            networks: [back, front]
            configs: [{source: motd, target: /www/motd}]
            healthcheck: *healthy
          front:
            image: demo-httpd:latest
            entrypoint: [nc, -ll, -p, "80", -e, nc, app, "80"]
            stop_signal: SIGKILL
            depends_on: {app: {condition: service_healthy}}
            networks: [front]
            ports: ["80"]
        networks:
          back: {internal: true}
          front: {}
        volumes: {kept: {}}
        configs: {motd: {file: motd.txt}}
outputs:
  services: {value: {get_attr: [shop, services]}}
  volumes: {value: {get_attr: [shop, volumes]}}
'''


def test_a_compose_file_runs_and_one_service_changes_alone(stacks: Stacks, images, containers):
    api = containers.client.api
    stack = stacks.create(TEMPLATE)
    first, nested = stack.outputs['services'], stack.ref('shop')
    port = host_port(first['front'][0]['ports'])
    assert 'Hello from app-1' in page(port) and page(port, '/motd') == 'good morning'
    assert containers.inspect(first['store'][0]['id'])['State']['Health']['Status'] == 'healthy'
    assert _word(containers, first) == 'hush-hush'

    stack.update(TEMPLATE, version='2')
    second = stack.outputs['services']
    assert stack.ref('shop') == nested and second['app'][0]['id'] != first['app'][0]['id']
    assert all(second[name][0]['id'] == first[name][0]['id'] for name in ('store', 'front'))
    assert 'Hello from app-2' in page(port)
    assert 'hush-hush' not in f'{stack.events()} {stack.resource("shop")} {stack.outputs}'

    stack.delete()
    assert not [one for one in api.containers(all=True) if one['Id'] in str(second)]
    assert not api.volumes(filters={'name': 'kept'})['Volumes']


def _word(containers, services) -> str:
    return containers.sh(services['app'][0]['id'], 'printf %s "$WORD"')
