# SPDX-License-Identifier: Apache-2.0
"""Servers, ports and a cloud around the driver: Nova's own objects, and small fakes of Glance and of the wires."""

import base64
import contextlib
import hashlib
import io
import threading
import warnings

warnings.filterwarnings('ignore', message='.*[Ee]ventlet.*')

import nova.conf  # noqa: E402
from nova import context, exception, objects  # noqa: E402
from nova.network import model  # noqa: E402
from nova.virt import fake as nova_fake  # noqa: E402
from os_vif import objects as os_vif_objects  # noqa: E402
from oslo_utils import uuidutils  # noqa: E402

from nova_container import errors  # noqa: E402
from nova_container.engine import fake  # noqa: E402
from nova_container.engine import spec as specs  # noqa: E402
from nova_container.virt import building  # noqa: E402
from nova_container.virt import driver as driver_module  # noqa: E402

CONF = nova.conf.CONF
CONF([], project='nova', default_config_files=[], default_config_dirs=[])
CONF.set_override('host', 'compute-1')
objects.register_all()
os_vif_objects.register_all()

CONTEXT = context.get_admin_context()
IMAGE_ID = '6c2f52a0-6a6c-4c1c-9d46-0d2d5b1c9d5e'
PROJECT = 'b2b0a4a5f4a64d1b8c9c0b6b1d8e7f60'


def a_flavor(*, vcpus=2, memory_mb=512, root_gb=10, swap=0, **extra_specs):
    """A flavor; extra specs have ``__`` for the colon."""
    return objects.Flavor(name='c1.small', vcpus=vcpus, memory_mb=memory_mb, root_gb=root_gb, swap=swap,
                          ephemeral_gb=0, flavorid='1', rxtx_factor=1.0,
                          extra_specs={name.replace('__', ':'): value for name, value in extra_specs.items()})


def an_instance(*, metadata=None, user_data=None, flavor=None, hostname='web-1', numa_topology=None, uuid=None,
                config_drive='', **fields):
    """A server as the compute manager hands it to a driver."""
    encoded = base64.b64encode(user_data.encode()).decode() if user_data else None
    flavor = flavor or a_flavor()
    return objects.Instance(
        CONTEXT, id=7, uuid=uuid or uuidutils.generate_uuid(), project_id=PROJECT, user_id='u', host='compute-1',
        hostname=hostname, display_name='Web 1', image_ref=IMAGE_ID, metadata=metadata or {}, user_data=encoded,
        flavor=flavor, vcpus=flavor.vcpus, memory_mb=flavor.memory_mb, root_gb=flavor.root_gb, ephemeral_gb=0,
        numa_topology=numa_topology, trusted_certs=None, config_drive=config_drive, launched_at=None,
        system_metadata={}, device_metadata=None, vm_state='building', task_state='spawning', **fields)


def an_image_meta(*, container_format='docker', disk_format='raw', **properties):
    return objects.ImageMeta(id=IMAGE_ID, name='nginx', container_format=container_format, disk_format=disk_format,
                             checksum='d41d8cd98f00b204e9800998ecf8427e', size=3,
                             properties=objects.ImageMetaProps(**properties))


def a_subnet(cidr='192.0.2.0/24', *, ips=('192.0.2.5',), gateway='192.0.2.1', dns=(), routes=(), **meta):
    return model.Subnet(
        cidr=cidr, gateway=model.IP(address=gateway, type='gateway'),
        ips=[model.FixedIP(address=one) for one in ips], dns=[model.IP(address=one, type='dns') for one in dns],
        routes=[model.Route(cidr=to, gateway=model.IP(address=via, type='gateway')) for to, via in routes], **meta)


def a_vif(number=1, *, subnets=None, active=True, mtu=1450, vnic_type='normal', kind='ovs'):
    """Port ``number``; always the same id and MAC address."""
    port_id = f'0000000{number}-1111-4222-8333-444444444444'
    network = model.Network(id='99999999-1111-4222-8333-444444444444', bridge='br-int', label='private',
                            subnets=[a_subnet()] if subnets is None else subnets, mtu=mtu)
    return model.VIF(id=port_id, address=f'fa:16:3e:00:00:0{number}', network=network, type=kind,
                     devname=f'tap{port_id}'[:14], active=active, vnic_type=vnic_type, details={},
                     ovs_interfaceid=port_id, delegate_create=True, profile={})


def a_network_info(*vifs):
    return model.NetworkInfo(list(vifs) or [a_vif()])


class FakeVifs:
    """Wires that are remembered: ``wired`` holds (server, port)."""

    def __init__(self, failure=None):
        self.failure = failure
        self.wired = []
        self.namespaces = []

    def plug(self, instance, network_info, namespace):
        for vif in network_info:
            self.attach(instance, vif, namespace)

    def attach(self, instance, vif, namespace):
        if (instance.uuid, vif['id']) not in self.wired:
            self.wired.append((instance.uuid, vif['id']))
        self.namespaces.append(namespace)
        if self.failure is not None:
            raise self.failure

    def unplug(self, instance, network_info):
        for vif in network_info:
            self.detach(instance, vif)

    def counters(self, namespace):
        names = ('rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors',
                 'tx_dropped')
        return [{'mac': a_vif()['address'], 'name': 'eth0', **dict.fromkeys(names, 1)}]

    def detach(self, instance, vif):
        with contextlib.suppress(ValueError):
            self.wired.remove((instance.uuid, vif['id']))


class FakeGlance:
    """Images by id; remembers downloads, and breaks off those that it is told to."""

    def __init__(self):
        self.images, self.data, self.uploads = {}, {}, {}
        self.downloads, self.gets = [], []
        self.breaks, self.slow = 0, None
        self._lock = threading.Lock()

    def add(self, image_id=IMAGE_ID, data=None, *, hashed=True, **fields):
        data = an_archive() if data is None else data
        self.data[image_id] = data
        self.images[image_id] = {'id': image_id, 'container_format': 'docker', 'disk_format': 'raw',
                                 'properties': {}, 'checksum': hashlib.md5(data).hexdigest(), **fields}
        if hashed:
            self.images[image_id] |= {'os_hash_algo': 'sha512', 'os_hash_value': hashlib.sha512(data).hexdigest()}
        return image_id

    def get(self, context, image_id):
        self.gets.append(image_id)
        try:
            return self.images[image_id]
        except KeyError:
            raise exception.ImageNotFound(image_id=image_id) from None

    def download(self, context, image_id, data=None, trusted_certs=None):
        with self._lock:
            self.downloads.append((image_id, trusted_certs))
            breaks = self.breaks > 0
            self.breaks -= breaks
        if self.slow:
            self.slow.wait(5)
        content = self.data[image_id]
        data.write(content[:len(content) // 2])
        if breaks:
            raise OSError('connection reset')
        data.write(content[len(content) // 2:])

    def update(self, context, image_id, description, data, purge_props=True):
        content = b''
        while piece := data.read(65536):
            content += piece
        self.uploads[image_id] = (description, content, purge_props)


class VirtAPI(nova_fake.FakeVirtAPI):
    """Answers waits for events as told; remembers what was waited for."""

    def __init__(self):
        self.waited, self.late, self.failed = [], False, False

    @contextlib.contextmanager
    def wait_for_instance_event(self, instance, event_names, timeout=300, error_callback=None):
        self.waited.append((list(event_names), timeout))
        yield
        if event_names and self.failed:
            error_callback(event_names[0], instance)
        if event_names and self.late:
            raise exception.InstanceEventTimeout()


def an_archive(**config):
    """A docker-save archive."""
    engine = fake.FakeEngine()
    engine.add_image('any', config=config)
    return b''.join(engine.save(('any',)))


class Cloud:
    """A driver on a FakeEngine, with everything around it."""

    def __init__(self, vifs=None, engine=None):
        self.engine = engine or fake.FakeEngine()
        self.virtapi, self.glance, self.vifs = VirtAPI(), FakeGlance(), vifs or FakeVifs()
        self.glance.add()
        self.driver = driver_module.ContainerDriver(self.virtapi, engine=self.engine, vifs=self.vifs)
        self.driver._glance = self.driver._images._glance = self.glance
        self.driver._tag = lambda context, instance: None
        self.active_ports = set()
        building.is_active = lambda context, port: port in self.active_ports

    def spawn(self, instance=None, network_info=None, image_meta=None, **kwargs):
        """Boot a server and return it."""
        instance = instance or an_instance()
        self.driver.spawn(CONTEXT, instance, image_meta or an_image_meta(), kwargs.pop('files', []), None, {},
                          network_info=a_network_info() if network_info is None else network_info, **kwargs)
        return instance

    def status(self, instance):
        return self.engine.inspect(instance.uuid).status

    def add_stranger(self):
        """A container that is not Nova's."""
        self.engine.add_image('stranger')
        return self.engine.create(specs.ContainerSpec(name='stranger', image='stranger'))


def raised(error_class, *arguments):
    """An error of ours, made without thinking of its constructor."""
    return error_class(*(arguments or ('it went wrong',)))


def a_stream(data):
    return io.BytesIO(data)


EVERY_ERROR = (errors.Unavailable, errors.Exhausted, errors.HostFailure, errors.Denied, errors.Corrupt,
               errors.InvalidSpec, errors.Unsupported, errors.LinkFailed)
