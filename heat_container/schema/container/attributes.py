# SPDX-License-Identifier: Apache-2.0
"""Attributes of OS::Docker::Container: as the engine sees it now; none is kept by Heat."""

from heat.common.i18n import _
from heat.engine.attributes import Schema

from heat_container.schema.kinds import live

ATTRIBUTES = {
    'id': live(_('The id.'), Schema.STRING),
    'name': live(_('The name on the engine.'), Schema.STRING),
    'status': live(_('created, running, paused or exited.'), Schema.STRING),
    'state': live(_('All about its state: status, pid, exit_code, oom_killed, error, started_at, finished_at, '
                    'restart_count and health.'), Schema.MAP),
    'health': live(_('starting, healthy or unhealthy; none without a health check.'), Schema.STRING),
    'health_log': live(_('The last runs of the health check: exit_code, output, start and end.'), Schema.LIST),
    'exit_code': live(_('The exit code of the last run.'), Schema.INTEGER),
    'created_at': live(_('When it was made.'), Schema.STRING),
    'started_at': live(_('When it was started last.'), Schema.STRING),
    'finished_at': live(_('When it ended last.'), Schema.STRING),
    'restart_count': live(_('How often the engine started it again.'), Schema.INTEGER),
    'image_id': live(_('The id of its image.'), Schema.STRING),
    'ip_address': live(_('Its address in the first network.'), Schema.STRING),
    'addresses': live(_('Each network by name: ip_address, ipv6_address, mac_address, gateway, aliases and '
                        'network_id.'), Schema.MAP),
    'ports': live(_('Each port that the host shows, as 80/tcp: a list of host_ip and host_port.'), Schema.MAP),
    'host': live(_('Where the ports of the host are reached.'), Schema.STRING),
    'mounts': live(_('What is mounted: type, volume, target and read_only.'), Schema.LIST),
    'logs': live(_('The end of its output, log_lines lines at most.'), Schema.STRING),
    'logs_head': live(_('The beginning of its output.'), Schema.STRING),
    'logs_tail': live(_('The end of its output.'), Schema.STRING),
    'stats': live(_('What it uses: cpu_seconds, memory_bytes, memory_limit_bytes, pids, and bytes of networks and '
                    'disks.'), Schema.MAP),
    'processes': live(_('Its processes: pid, uid, cpu_seconds, started_at and command.'), Schema.LIST),
    'changes': live(_('Paths that differ from the image: path and kind; 1000 at most.'), Schema.LIST),
    'output_files': live(_('The text of each of output_files, by path; null of one that is not there.'), Schema.MAP),
    'signal_url': live(_('A URL that sends a signal by a POST, without credentials.'), Schema.STRING),
}
