# SPDX-License-Identifier: Apache-2.0
"""What a container of the engine's networks reads in /etc/hosts and /etc/resolv.conf."""

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

from nova_container.engine.spec import ContainerSpec, NetworkSpec

RESOLVER = '127.0.0.11'
"""Docker's address of its resolver inside a container."""

_HOST_RESOLV = Path('/etc/resolv.conf')
_BEHIND_STUB = Path('/run/systemd/resolve/resolv.conf')
_LOCAL = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def hosts(spec: ContainerSpec, hostname: str, own: Iterable[str], links: Mapping[str, str], gateway: str) -> str:
    """The text of /etc/hosts.

    :param own: the container's addresses.  :param links: names of others and their address.
    :param gateway: what ``host-gateway`` in ``extra_hosts`` means.
    """
    full = f'{hostname}.{spec.domainname} {hostname}' if spec.domainname else hostname
    lines = [f'{address}\t{full}\n' for address in own]
    for entry in spec.network.extra_hosts:
        name, _, address = entry.partition(':')
        lines.append(f'{gateway if address == "host-gateway" else address.strip("[]")}\t{name}\n')
    lines += [f'{address}\t{names}\n' for names, address in links.items()]
    return _LOCAL + ''.join(lines)


def host_servers() -> tuple[str, ...]:
    """The name servers of the host, as it reaches them."""
    return _servers(_HOST_RESOLV)


def _servers(path: Path) -> tuple[str, ...]:
    return tuple(server for server in _settings(path).get('nameserver', ()) if _is_address(server))


def resolv_conf(network: NetworkSpec, *, embedded: bool) -> str:
    """The text of /etc/resolv.conf: our resolver, or those that the container can reach itself."""
    host = _settings(_HOST_RESOLV)
    search = network.dns_search or tuple(host.get('search', ()))
    options = network.dns_options or tuple(host.get('options', ()))
    servers: tuple[str, ...] = network.dns or reachable_servers()
    if embedded:
        servers = (RESOLVER,)
        options = options if any(each.startswith('ndots') for each in options) else (*options, 'ndots:0')
    lines = [f'search {" ".join(search)}\n'] if search and search != ('.',) else []
    lines += [f'nameserver {server}\n' for server in servers]
    lines += [f'options {" ".join(options)}\n'] if options else []
    return ''.join(lines)


def reachable_servers() -> tuple[str, ...]:
    """Those of the host that are not on its loopback, behind the stub of systemd-resolved if that is all."""
    for path in (_HOST_RESOLV, _BEHIND_STUB):
        found = tuple(server for server in _servers(path)
                      if not ipaddress.ip_address(server.partition('%')[0]).is_loopback)
        if found:
            return found
    return ()


def _settings(path: Path) -> dict[str, list[str]]:
    """The words of each keyword; of all but nameserver the last line counts (resolv.conf(5))."""
    found: dict[str, list[str]] = {}
    try:
        lines = path.read_text(errors='replace').splitlines()
    except OSError:
        return {}
    for line in lines:
        words = line.split('#')[0].split(';')[0].split()
        if len(words) > 1:
            found[words[0]] = [*found.get('nameserver', []), words[1]] if words[0] == 'nameserver' else words[1:]
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition('%')[0])
    except ValueError:
        return False
    return True
