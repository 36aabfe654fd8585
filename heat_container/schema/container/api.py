# SPDX-License-Identifier: Apache-2.0
"""Every field of a container create body of the Docker Engine API: the property that says it, or why none does.

There is no third kind: a test holds this against the API (``python -m tools.api_coverage --heat``). What no property
says cannot be asked for, as a container is made of properties and of nothing else.
"""

from collections.abc import Mapping

from heat_container.translate.limits import DEVICES

_CLIENT = 'tells what a client does with its own terminal and files'
_ANSWER = 'is told by the engine, not to it'
_WINDOWS = 'is for Windows'
_GONE = 'is not in the kernel or the API any more'
_HEAT = 'Heat removes what it makes, and must find it until then'
_ENGINE = 'no engine of ours does it'

EXPOSED: Mapping[str, str] = {
    'Hostname': 'hostname', 'Domainname': 'domainname', 'User': 'user', 'ExposedPorts': 'exposed_ports', 'Tty': 'tty',
    'OpenStdin': 'open_stdin', 'StdinOnce': 'stdin_once', 'Env': 'environment', 'Cmd': 'command',
    'Healthcheck': 'healthcheck', 'Healthcheck.Test': 'healthcheck.test',
    'Healthcheck.Interval': 'healthcheck.interval',
    'Healthcheck.Timeout': 'healthcheck.timeout', 'Healthcheck.Retries': 'healthcheck.retries',
    'Healthcheck.StartPeriod': 'healthcheck.start_period', 'Healthcheck.StartInterval': 'healthcheck.start_interval',
    'Image': 'image', 'Volumes': 'anonymous_volumes', 'WorkingDir': 'working_dir', 'Entrypoint': 'entrypoint',
    'NetworkDisabled': 'network_mode', 'OnBuild': 'on_build', 'Labels': 'labels', 'StopSignal': 'stop_signal',
    'StopTimeout': 'stop_timeout', 'Shell': 'shell', 'MacAddress': 'networks[].mac_address',
    'HostConfig.CpuShares': 'cpu_shares', 'HostConfig.Memory': 'memory', 'HostConfig.CgroupParent': 'cgroup_parent',
    'HostConfig.BlkioWeight': 'blkio_weight', 'HostConfig.CpuPeriod': 'cpu_period', 'HostConfig.CpuQuota': 'cpu_quota',
    'HostConfig.CpuRealtimePeriod': 'cpu_rt_period', 'HostConfig.CpuRealtimeRuntime': 'cpu_rt_runtime',
    'HostConfig.CpusetCpus': 'cpuset_cpus', 'HostConfig.CpusetMems': 'cpuset_mems', 'HostConfig.Devices': 'devices',
    'HostConfig.Devices[].PathOnHost': 'devices[].path_on_host',
    'HostConfig.Devices[].PathInContainer': 'devices[].path_in_container',
    'HostConfig.Devices[].CgroupPermissions': 'devices[].permissions',
    'HostConfig.DeviceCgroupRules': 'device_cgroup_rules', 'HostConfig.MemoryReservation': 'memory_reservation',
    'HostConfig.MemorySwap': 'memory_swap', 'HostConfig.MemorySwappiness': 'memory_swappiness',
    'HostConfig.NanoCpus': 'cpus', 'HostConfig.OomKillDisable': 'oom_kill_disable', 'HostConfig.Init': 'init',
    'HostConfig.PidsLimit': 'pids_limit', 'HostConfig.Ulimits': 'ulimits',
    'HostConfig.Ulimits[].Name': 'ulimits[].name',
    'HostConfig.Ulimits[].Soft': 'ulimits[].soft', 'HostConfig.Ulimits[].Hard': 'ulimits[].hard',
    'HostConfig.Binds': 'mounts', 'HostConfig.LogConfig': 'log_config',
    'HostConfig.LogConfig.Type': 'log_config.driver',
    'HostConfig.LogConfig.Config': 'log_config.max_size', 'HostConfig.NetworkMode': 'network_mode',
    'HostConfig.PortBindings': 'ports', 'HostConfig.PortBindings{}[].HostIp': 'ports[].host_ip',
    'HostConfig.PortBindings{}[].HostPort': 'ports[].host_port', 'HostConfig.PortBindings{}.HostIp': 'ports[].host_ip',
    'HostConfig.PortBindings{}.HostPort': 'ports[].host_port', 'HostConfig.RestartPolicy': 'restart_policy',
    'HostConfig.RestartPolicy.Name': 'restart_policy.name',
    'HostConfig.RestartPolicy.MaximumRetryCount': 'restart_policy.maximum_retry_count',
    'HostConfig.VolumeDriver': 'mounts[].volume_driver', 'HostConfig.VolumesFrom': 'volumes_from',
    'HostConfig.Mounts': 'mounts', 'HostConfig.Mounts[].Target': 'mounts[].target',
    'HostConfig.Mounts[].Source': 'mounts[].source', 'HostConfig.Mounts[].Type': 'mounts[].type',
    'HostConfig.Mounts[].ReadOnly': 'mounts[].read_only', 'HostConfig.Mounts[].BindOptions': 'mounts[].propagation',
    'HostConfig.Mounts[].BindOptions.Propagation': 'mounts[].propagation',
    'HostConfig.Mounts[].BindOptions.CreateMountpoint': 'mounts[].create_source',
    'HostConfig.Mounts[].BindOptions.NonRecursive': 'mounts[].non_recursive',
    'HostConfig.Mounts[].BindOptions.ReadOnlyNonRecursive': 'mounts[].read_only_non_recursive',
    'HostConfig.Mounts[].VolumeOptions': 'mounts[].volume',
    'HostConfig.Mounts[].VolumeOptions.NoCopy': 'mounts[].no_copy',
    'HostConfig.Mounts[].VolumeOptions.Labels': 'mounts[].volume_labels',
    'HostConfig.Mounts[].VolumeOptions.DriverConfig': 'mounts[].volume_driver',
    'HostConfig.Mounts[].VolumeOptions.DriverConfig.Name': 'mounts[].volume_driver',
    'HostConfig.Mounts[].VolumeOptions.DriverConfig.Options': 'mounts[].volume_options',
    'HostConfig.Mounts[].VolumeOptions.Subpath': 'mounts[].subpath',
    'HostConfig.Mounts[].TmpfsOptions': 'mounts[].size', 'HostConfig.Mounts[].TmpfsOptions.SizeBytes': 'mounts[].size',
    'HostConfig.Mounts[].TmpfsOptions.Mode': 'mounts[].mode',
    'HostConfig.Mounts[].TmpfsOptions.Options': 'mounts[].options', 'HostConfig.Annotations': 'annotations',
    'HostConfig.CapAdd': 'cap_add', 'HostConfig.CapDrop': 'cap_drop', 'HostConfig.CgroupnsMode': 'cgroupns_mode',
    'HostConfig.Dns': 'dns', 'HostConfig.DnsOptions': 'dns_options', 'HostConfig.DnsSearch': 'dns_search',
    'HostConfig.ExtraHosts': 'extra_hosts', 'HostConfig.GroupAdd': 'group_add', 'HostConfig.IpcMode': 'ipc_mode',
    'HostConfig.Links': 'links', 'HostConfig.OomScoreAdj': 'oom_score_adj', 'HostConfig.PidMode': 'pid_mode',
    'HostConfig.Privileged': 'privileged', 'HostConfig.PublishAllPorts': 'publish_all_ports',
    'HostConfig.ReadonlyRootfs': 'read_only', 'HostConfig.SecurityOpt': 'no_new_privileges',
    'HostConfig.StorageOpt': 'root_size', 'HostConfig.Tmpfs': 'mounts', 'HostConfig.UTSMode': 'uts_mode',
    'HostConfig.UsernsMode': 'userns_mode', 'HostConfig.ShmSize': 'shm_size', 'HostConfig.Sysctls': 'sysctls',
    'HostConfig.Runtime': 'runtime', 'HostConfig.MaskedPaths': 'masked_paths',
    'HostConfig.ReadonlyPaths': 'readonly_paths', 'NetworkingConfig.EndpointsConfig': 'networks',
    'NetworkingConfig.EndpointsConfig{}.IPAMConfig': 'networks[].ipv4_address',
    'NetworkingConfig.EndpointsConfig{}.IPAMConfig.IPv4Address': 'networks[].ipv4_address',
    'NetworkingConfig.EndpointsConfig{}.IPAMConfig.IPv6Address': 'networks[].ipv6_address',
    'NetworkingConfig.EndpointsConfig{}.IPAMConfig.LinkLocalIPs': 'networks[].link_local_ips',
    'NetworkingConfig.EndpointsConfig{}.Links': 'networks[].links',
    'NetworkingConfig.EndpointsConfig{}.MacAddress': 'networks[].mac_address',
    'NetworkingConfig.EndpointsConfig{}.Aliases': 'networks[].aliases',
    'NetworkingConfig.EndpointsConfig{}.DriverOpts': 'networks[].driver_options',
    'NetworkingConfig.EndpointsConfig{}.GwPriority': 'networks[].gateway_priority',
    **{f'HostConfig.{field}{part}': f'{name}{inner}' for name, field in (
        ('blkio_weight_device', 'BlkioWeightDevice'), ('device_read_bps', 'BlkioDeviceReadBps'),
        ('device_write_bps', 'BlkioDeviceWriteBps'), ('device_read_iops', 'BlkioDeviceReadIOps'),
        ('device_write_iops', 'BlkioDeviceWriteIOps'))
       for part, inner in (('', ''), ('[].Path', '[].path'),
                           (f'[].{DEVICES[name][1].capitalize()}', f'[].{DEVICES[name][1]}'))},
}
GATED: Mapping[str, str] = {
    **dict.fromkeys(('AttachStdin', 'AttachStdout', 'AttachStderr', 'HostConfig.ContainerIDFile',
                     'HostConfig.ConsoleSize', 'HostConfig.Mounts[].Consistency'), _CLIENT),
    **dict.fromkeys(('ArgsEscaped', 'HostConfig.CpuCount', 'HostConfig.CpuPercent', 'HostConfig.IOMaximumIOps',
                     'HostConfig.IOMaximumBandwidth', 'HostConfig.Isolation'), _WINDOWS),
    **dict.fromkeys(('HostConfig.KernelMemoryTCP', 'HostConfig.KernelMemory', 'HostConfig.Capabilities',
                     'HostConfig.DiskQuota', 'HostConfig.NanoCPUs', 'HostConfig.Cgroup'), _GONE),
    **dict.fromkeys((
        'HostConfig.DeviceRequests', 'HostConfig.DeviceRequests[].Driver', 'HostConfig.DeviceRequests[].Count',
        'HostConfig.DeviceRequests[].DeviceIDs', 'HostConfig.DeviceRequests[].Capabilities',
        'HostConfig.DeviceRequests[].Options', 'HostConfig.Mounts[].BindOptions.ReadOnlyForceRecursive',
        'HostConfig.Mounts[].ImageOptions', 'HostConfig.Mounts[].ImageOptions.Subpath'), _ENGINE),
    **dict.fromkeys((f'NetworkingConfig.EndpointsConfig{{}}.{name}' for name in (
        'NetworkID', 'EndpointID', 'Gateway', 'IPAddress', 'IPPrefixLen', 'IPv6Gateway', 'GlobalIPv6Address',
        'GlobalIPv6PrefixLen', 'DNSNames')), _ANSWER),
    'HostConfig.AutoRemove': _HEAT,
}
"""Fields that no template can set, and why."""
