# SPDX-License-Identifier: Apache-2.0
"""tempest.conf for the minicloud."""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What the driver does not do yet, and says so; what the minicloud does not run.
_COMPUTE_FEATURES: dict[str, object] = {
    'resize': False, 'cold_migration': False, 'live_migration': False, 'suspend': False, 'rescue': False,
    'stable_rescue': False, 'attach_encrypted_volume': False, 'vnc_console': False, 'spice_console': False,
    'serial_console': False, 'config_drive': False, 'change_password': False, 'console_output': True,
    'pause': True, 'shelve': True, 'snapshot': True, 'interface_attach': True, 'personality': False,
    'volume_multiattach': False, 'swap_volume': False, 'disk_config': True, 'allow_duplicate_networks': True,
    'hostname_fqdn_sanitization': True,
}


def tempest_conf(cloud: Mapping[str, Any], *, images: tuple[str, str], flavors: tuple[str, str], public: str,
                 folder: Path) -> str:
    """The file's text.

    :param cloud: the administrator's entry of clouds.yaml.
    :param images: ids of two images whose servers let root in by ssh.
    :param flavors: ids of two flavors that such a server fits.
    :param public: id of the external network.
    """
    auth = cloud['auth']
    sections: dict[str, dict[str, object]] = {
        'DEFAULT': {'log_dir': folder, 'log_file': 'tempest.log', 'debug': False},
        'oslo_concurrency': {'lock_path': folder / 'locks'},
        'auth': {'use_dynamic_credentials': True, 'admin_username': auth['username'],
                 'admin_password': auth['password'], 'admin_project_name': auth['project_name'],
                 'admin_domain_name': auth.get('user_domain_name', 'Default')},
        'identity': {'uri_v3': auth['auth_url'], 'auth_version': 'v3', 'region': cloud.get('region_name', 'RegionOne')},
        'identity-feature-enabled': {'api_v2': False, 'api_v2_admin': False},
        'compute': {'image_ref': images[0], 'image_ref_alt': images[1], 'flavor_ref': flavors[0],
                    'flavor_ref_alt': flavors[1], 'min_compute_nodes': 1, 'min_microversion': '2.1',
                    'max_microversion': 'latest', 'build_interval': 1, 'hypervisor_type': 'docker'},
        'compute-feature-enabled': _COMPUTE_FEATURES,
        'network': {'public_network_id': public, 'floating_network_name': 'public',
                    'project_network_cidr': '10.100.0.0/16'},
        'validation': {'run_validation': True, 'connect_method': 'floating', 'auth_method': 'keypair',
                       'image_ssh_user': 'root', 'image_alt_ssh_user': 'root', 'ssh_timeout': 120,
                       'ping_timeout': 60, 'connect_timeout': 30, 'ssh_key_type': 'ecdsa'},
        'image': {'container_formats': 'docker,bare', 'disk_formats': 'raw'},
        'service_available': {'cinder': False, 'swift': False, 'horizon': False, 'glance': True, 'nova': True,
                              'neutron': True},
    }
    parser = configparser.RawConfigParser(default_section='')
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    for name, values in sections.items():
        parser[name] = {key: str(value) for key, value in values.items()}
    lines = [line for name in sections for line in
             (f'[{name}]', *(f'{key} = {value}' for key, value in parser[name].items()), '')]
    return '\n'.join(lines)
