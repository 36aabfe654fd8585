# SPDX-License-Identifier: Apache-2.0
"""Images of stacks: from Glance, built, pushed to a registry that asks for a password, and pulled by their digest."""

import pytest

from tests.cloud.heat.stacks import Failed, Stacks, host_port, page
from tests.fixtures.registry import PASSWORD, running_registry

FROM_GLANCE = '''
heat_template_version: 2021-04-16
resources:
  image: {type: OS::Docker::Image, properties: {endpoint: local, glance_image: demo-httpd}}
  net: {type: OS::Docker::Network, properties: {endpoint: local}}
  web:
    type: OS::Docker::Container
    properties:
      endpoint: local
      image: {get_resource: image}
      hostname: out-of-glance
      networks: [{network: {get_resource: net}}]
      ports: [{container_port: 80}]
outputs:
  ports: {value: {get_attr: [web, ports]}}
  tags: {value: {get_attr: [image, tags]}}
'''

BUILT = '''
heat_template_version: 2021-04-16
parameters:
  repository: {type: string}
  password: {type: string, hidden: true}
  greeting: {type: string, default: built}
resources:
  image:
    type: OS::Docker::Image
    properties:
      endpoint: local
      name: mine
      build:
        dockerfile: |
          FROM demo-httpd:latest
          ARG GREETING
          COPY page /www/page.html
          RUN echo "$GREETING" >> /www/page.html
        files: {page: "a page\\n"}
        args: {GREETING: {get_param: greeting}}
      push:
        repository: {get_param: repository}
        registry_credentials: {username: alice, password: {get_param: password}}
outputs:
  image: {value: {get_resource: image}}
  digest: {value: {get_attr: [image, pushed_digest]}}
'''

PULLED = '''
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  digest: {type: string}
  password: {type: string, hidden: true}
resources:
  image:
    type: OS::Docker::Image
    properties:
      endpoint: local
      name: {get_param: name}
      digest: {get_param: digest}
      registry_credentials: {username: alice, password: {get_param: password}}
  read:
    type: OS::Docker::Container
    properties:
      endpoint: local
      image: {get_resource: image}
      entrypoint: [cat, /www/page.html]
      wait_for: exited
outputs:
  image: {value: {get_resource: image}}
  read: {value: {get_attr: [read, logs]}}
'''


def test_an_image_of_glance_runs_in_a_container_of_the_stack(stacks: Stacks):
    stack = stacks.create(FROM_GLANCE)
    assert 'Hello from out-of-glance' in page(host_port(stack.outputs['ports']))
    assert all(name.startswith('heat-container/') for name in stack.outputs['tags'])


def test_an_image_is_built_pushed_and_pulled_by_its_digest(stacks: Stacks, images, containers):
    word = PASSWORD[1]
    with running_registry(password=True) as registry:
        repository = f'{registry}/team/web'
        first = stacks.create(BUILT, repository=repository, password=word)
        digest = first.outputs['digest']
        first.update(BUILT, repository=repository, password=word, greeting='built again')
        assert first.outputs['digest'] != digest
        tags = [tag for image in containers.client.api.images() for tag in image['RepoTags'] or ()]
        assert not any(tag.startswith(registry) for tag in tags)

        second = stacks.create(PULLED, name=repository, digest=digest, password=word)
        assert second.outputs['read'].split('\n')[:2] == ['a page', 'built']
        assert word not in str(second.events()) and word not in str(first.events())

        with pytest.raises(Failed, match=r'(?i)unauthorized|denied'):
            stacks.create(PULLED, name=repository, digest=first.outputs['digest'], password='wrong')
        stacks.clean()
