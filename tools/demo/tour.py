# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo."""

from tools.demo.cloud import HOME, Cloud, http_get
from tools.demo.steps import Steps, expect, wait_for

WEB, SYSTEM, COPY = 'demo-web', 'demo-box', 'demo-box-again'
IMAGE, SNAPSHOT, GROUP, NETWORK, MARK = 'demo-upload', 'demo-snapshot', 'demo-closed', 'demo-second', '/root/was-here'
SMALL, ROOT = 'c1.tiny', 'c1.small'


class Tour:
    """Boots containers as servers, uses them as a user would, and takes them away again."""

    def __init__(self, cloud: Cloud, steps: Steps) -> None:
        self._cloud = cloud
        self._steps = steps
        self._web_address = ''
        self._box_address = ''

    def all(self) -> None:
        """Every step, in order."""
        for name, step in (
                ('upload an image (docker save archive) to Glance', self._upload),
                ('openstack server create: the container is ACTIVE', self._boot),
                ('openstack console log show', self._console),
                ('floating IP; the security group blocks port 80', self._blocked),
                ('a rule opens it: HTTP from the host', self._opened),
                ('openstack server stop, start', self._stop_start),
                ('openstack server pause, unpause', self._pause),
                ('openstack server reboot, soft and hard', self._reboot),
                ('boot the system image; ssh with the key', self._ssh),
                ('a second port, live', self._second_port),
                ('openstack server image create', self._snapshot),
                ('boot the snapshot and find the change in it', self._boot_snapshot),
                ('delete everything', self._delete)):
            self._steps.run(name, step)

    def _upload(self) -> None:
        self._cloud.openstack('image', 'create', '--container-format', 'docker', '--disk-format', 'raw',
                              '--file', str(HOME / 'images' / 'demo-httpd.tar'), IMAGE)
        self._cloud.await_image(IMAGE)
        self._cloud.openstack('security', 'group', 'create', GROUP)

    def _create(self, name: str, image: str, flavor: str, group: str) -> str:
        self._cloud.openstack('server', 'create', '--image', image, '--flavor', flavor, '--network', 'private',
                              '--key-name', 'demo', '--security-group', group, name)
        server = self._cloud.await_status(name, 'ACTIVE')
        expect(server.hypervisor_hostname is not None or server.addresses, f'server {name} has no address')
        return str(next(iter(server.addresses.values()))[0]['addr'])

    def _boot(self) -> str:
        return f'{WEB} has {self._create(WEB, IMAGE, SMALL, GROUP)}'

    def _console(self) -> str:
        text = str(wait_for('the console log says something',
                            lambda: self._cloud.openstack('console', 'log', 'show', WEB).strip(), 20))
        return text.splitlines()[0][:60]

    def _blocked(self) -> str:
        self._web_address = self._cloud.connect_floating_ip(WEB)
        expect(http_get(self._web_address, 3) is None, 'port 80 answered although the security group has no rule')
        return f'{self._web_address} is silent'

    def _opened(self) -> str:
        self._cloud.openstack('security', 'group', 'rule', 'create', '--protocol', 'tcp', '--dst-port', '80', GROUP)
        page = str(wait_for('HTTP answers', lambda: http_get(self._web_address), 90))
        expect(WEB in page, f'the page does not tell the name of the server: {page[:200]}')
        return f'{self._web_address} says its name'

    def _await_page(self) -> None:
        wait_for('HTTP answers again', lambda: http_get(self._web_address), 90)

    def _stop_start(self) -> None:
        self._cloud.openstack('server', 'stop', WEB)
        self._cloud.await_status(WEB, 'SHUTOFF')
        expect(http_get(self._web_address, 1) is None, 'a stopped server answered HTTP')
        self._cloud.openstack('server', 'start', WEB)
        self._cloud.await_status(WEB, 'ACTIVE')
        self._await_page()

    def _pause(self) -> None:
        self._cloud.openstack('server', 'pause', WEB)
        self._cloud.await_status(WEB, 'PAUSED')
        expect(http_get(self._web_address, 1) is None, 'a paused server answered HTTP')
        self._cloud.openstack('server', 'unpause', WEB)
        self._cloud.await_status(WEB, 'ACTIVE')
        self._await_page()

    def _reboot(self) -> None:
        for kind in ('--soft', '--hard'):
            self._cloud.openstack('server', 'reboot', kind, '--wait', WEB)
            self._cloud.await_status(WEB, 'ACTIVE')
            self._await_page()

    def _ssh(self) -> str:
        self._create(SYSTEM, 'demo-system', ROOT, 'demo')
        self._box_address = self._cloud.connect_floating_ip(SYSTEM)
        self._cloud.await_ssh(self._box_address)
        name = self._cloud.ssh(self._box_address, 'hostname').strip()
        expect(name == SYSTEM, f'the host name inside is {name}, not {SYSTEM}')
        return f'root@{self._box_address} is {name}'

    def _second_port(self) -> str:
        self._cloud.openstack('network', 'create', NETWORK)
        self._cloud.openstack('subnet', 'create', '--network', NETWORK, '--subnet-range', '10.77.0.0/24',
                              '--gateway', 'none', NETWORK)
        self._cloud.openstack('server', 'add', 'network', SYSTEM, NETWORK)
        return str(wait_for('eth1 has an address', lambda: next(
            (word for word in self._cloud.ssh(self._box_address, 'ip -4 addr show eth1').split()
             if word.startswith('10.77.0.')), None), 30))

    def _snapshot(self) -> None:
        self._cloud.ssh(self._box_address, f'echo changed > {MARK}')
        self._cloud.openstack('server', 'image', 'create', '--name', SNAPSHOT, SYSTEM)
        self._cloud.await_image(SNAPSHOT)
        self._cloud.await_status(SYSTEM, 'ACTIVE')

    def _boot_snapshot(self) -> str:
        self._create(COPY, SNAPSHOT, ROOT, 'demo')
        address = self._cloud.connect_floating_ip(COPY)
        self._cloud.await_ssh(address)
        text = self._cloud.ssh(address, f'cat {MARK}').strip()
        expect(text == 'changed', f'the change is not in the snapshot: {text}')
        return f'{MARK} says {text}'

    def _delete(self) -> None:
        for name in (WEB, SYSTEM, COPY):
            self._cloud.openstack('server', 'delete', name)
        for name in (WEB, SYSTEM, COPY):
            self._cloud.await_gone(name)
        for address in self._cloud.show('floating', 'ip', 'list'):
            self._cloud.openstack('floating', 'ip', 'delete', address['ID'])
        self._cloud.openstack('image', 'delete', IMAGE, SNAPSHOT)
        self._cloud.openstack('network', 'delete', NETWORK)
        self._cloud.openstack('security', 'group', 'delete', GROUP)


def sweep(cloud: Cloud) -> None:
    """Take away what an earlier run that failed has left."""
    for name in (WEB, SYSTEM, COPY):
        if cloud.server(name) is not None:
            cloud.openstack('server', 'delete', name)
            cloud.await_gone(name)
    for kind, names in (('image', (IMAGE, SNAPSHOT)), ('network', (NETWORK,)), ('security group', (GROUP,))):
        known = {row['Name'] for row in cloud.show(*kind.split(), 'list')}
        for name in set(names) & known:
            cloud.openstack(*kind.split(), 'delete', name)
    for address in cloud.show('floating', 'ip', 'list'):
        cloud.openstack('floating', 'ip', 'delete', address['ID'])
