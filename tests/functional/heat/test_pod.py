# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Pod on real engines: what the kernel says of what members share."""

import os

import pytest

from heat_container import names
from heat_container.resources.pod.members import INFRA

pytestmark = pytest.mark.root

TEMPLATE = '''
heat_template_version: 2021-04-16
resources:
  net: {type: OS::Docker::Network}
  pod:
    type: OS::Docker::Pod
    properties:
      hostname: together
      share: [net, ipc, pid]
      volumes: [shared]
      networks: [{network: {get_resource: net}}]
      init_containers:
        - name: prepare
          image: IMAGE
          command: [sh, -c, 'echo ready > /v/note']
          mounts: [{volume: shared, target: /v}]
      containers:
        - name: web
          image: IMAGE
          command: [sh, -c, 'cat /v/note; hostname; sleep 600']
          stop_signal: SIGKILL
          mounts: [{volume: shared, target: /v, read_only: true}]
        - {name: side, image: 'IMAGE', command: [sleep, '600'], stop_signal: SIGKILL, memory: 67108864}
'''


def members(cloud) -> dict:
    return {info.labels[names.POD_MEMBER]: info for info in cloud.engine.list() if names.POD_MEMBER in info.labels}


def namespace(info, kind: str) -> int:
    return os.stat(f'/proc/{info.pid}/ns/{kind}').st_ino


def test_members_share_namespaces_and_change_one_by_one(cloud):
    image = cloud.engine.list_images()[0].references[0]
    text = TEMPLATE.replace('IMAGE', image)
    stack = cloud.create(text)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    before = members(cloud)
    for kind in ('net', 'ipc', 'pid'):
        assert len({namespace(before[name], kind) for name in (INFRA, 'web', 'side')}) == 1, kind
    assert len({namespace(before[name], 'mnt') for name in (INFRA, 'web', 'side')}) == 3
    loaded = cloud.load(stack)
    assert loaded['pod'].FnGetAtt('logs')['web'] == 'ready\ntogether\n'
    assert loaded['pod'].FnGetAtt('ip_address') and loaded['pod'].FnGetAtt('exit_codes') == {'prepare': 0}

    stack = cloud.update(stack, text.replace('67108864', '134217728').replace("sleep 600']", "sleep 601']"))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(cloud)
    assert [after[name].id == before[name].id for name in (INFRA, 'web', 'side')] == [True, False, True]
    assert after['side'].spec.resources.memory_bytes == 134217728
    assert namespace(after['web'], 'net') == namespace(before[INFRA], 'net')

    stack = cloud.load(stack)
    stack.suspend()
    assert stack.state == ('SUSPEND', 'COMPLETE'), stack.status_reason
    stack = cloud.load(stack)
    stack.resume()
    assert stack.state == ('RESUME', 'COMPLETE'), stack.status_reason
    stack = cloud.delete(stack)
    assert stack.state == ('DELETE', 'COMPLETE'), stack.status_reason
    assert not members(cloud) and not cloud.engine.list_volumes()
