# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""The script that two engines are taken through: lines of the docker command, as data.

A line is what follows ``docker``. Words in front of it, each ending in a colon, say how it is run and read:

``sorted:``     the order of its lines means nothing
``stdin=X:``    X goes to its standard input
``until=X:``    run it until X is in what it says
``host:``       a program of the host, in the network where the engine is
``code:``       only its exit code is compared: what it says is about this engine
``{dir}``       a folder of the script's own, ``{registry}`` a registry
"""

import dataclasses
import shlex


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One line, taken apart."""

    line: str
    words: tuple[str, ...]
    on_host: bool = False
    ordered: bool = True
    code_only: bool = False
    stdin: str = ''
    until: str = ''


def parsed(line: str) -> Step:
    """See the module."""
    words = shlex.split(line)
    found: dict[str, object] = {}
    while words[0].endswith(':') and not words[0].startswith('-'):
        name, _, value = words.pop(0)[:-1].partition('=')
        match name:
            case 'sorted':
                found['ordered'] = False
            case 'host':
                found['on_host'] = True
            case 'code':
                found['code_only'] = True
            case 'stdin' | 'until':
                found[name] = value.replace(r'\n', '\n')
            case _:
                raise ValueError(f'{name} is no word of this script: {line}')
    return Step(line, tuple(words), **found)  # type: ignore[arg-type]


_SCRIPT = r"""
load -q -i {dir}/box.tar
images box --format '{{.Repository}} {{.Tag}} {{.ID}}'
image inspect box:1 --format '{{.Id}} {{.Os}} {{.Architecture}} {{json .Config.Cmd}} {{json .RootFS.Layers}}'
image ls -a -q --no-trunc
image ls --filter dangling=true -q
image ls --filter reference=bo* -q
image ls --filter reference=*:2 -q
history -q box:1
history --no-trunc --format '{{.CreatedBy}}' box:1
inspect --type image -f '{{json .RepoTags}}' box:1
inspect nobody
image inspect nobody
tag box:1 box:latest
tag box:1 team/other:v2
tag nobody:1 x:1
tag box:1 'UPPER:1'
sorted: images --format '{{.Repository}}:{{.Tag}}'
sorted: images --format '{{.Repository}}:{{.Tag}}' box
sorted: images --format '{{.Repository}}:{{.Tag}}' t*/*
sorted: images --format '{{.Repository}}:{{.Tag}}' --filter reference=[a-c]ox:l*
rmi team/other:v2
rmi nobody

create --name made --label a=b --label c= -e A=b -w /tmp --hostname h box:1 sleep 600
ps -q
ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}} {{.Label "a"}}'
inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.Path}} {{.Args}} {{.Name}}' made
inspect -f '{{.Config.Hostname}} {{.Config.WorkingDir}} {{json .Config.Labels}} {{json .Config.Env}}' made
inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.Image}} {{.Config.Tty}} {{.Config.User}}' made
inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.ShmSize}}' made
inspect -f '{{json .HostConfig.CapAdd}} {{json .HostConfig.Binds}} {{.HostConfig.Privileged}}' made
create --name made box:1
start made
start made
ps --format '{{.Names}} {{.Status}} {{.State}}'
inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Restarting}} {{.State.Dead}}' made
exec made hostname
exec made pwd
exec made sh -c 'echo $A $HOME $HOSTNAME'
exec made sh -c 'echo out; echo err >&2; exit 7'
exec -w /var -e B=c -u 1000:1000 made sh -c 'pwd; echo $B; id -u; id -g'
exec -u tenant made id -un
exec -u nobodyknows made true
stdin=typed: exec -i made cat
exec -d made touch /tmp/detached
until=/tmp/detached: exec made ls /tmp/detached
exec made no-such-program
exec made sh -c 'kill -9 $$'
code: top made
top made -o args
pause made
ps --format '{{.Names}} {{.State}}'
exec made true
pause made
unpause made
unpause made
rename made renamed
inspect made
rename renamed made
rename nobody x
rename made 'bad name'
update --memory 64m --memory-swap 128m --cpu-shares 512 --pids-limit 99 made
inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}}' made
update --restart on-failure:2 made
inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' made
update --restart no made
until='made 1': stats --no-stream --format '{{.Name}} {{.PIDs}}' made
stop -t 0 made
stop made
ps -a --format '{{.Names}} {{.Status}}'
inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}} {{.State.OOMKilled}} {{.State.Error}}' made
exec made true
pause made
kill made
wait made
restart -t 0 made
kill -s KILL made
wait made
start nobody
stop nobody
kill nobody
wait nobody
rm made
rm made
rm -f made
rm nobody

run --rm box:1 echo hello
run --rm box:1 sh -c 'echo out; echo err >&2; exit 3'
stdin=typed: run -i --rm box:1 cat
run --rm -t box:1 tty
run --rm box:1 no-such-program
run --rm box:1 /etc
run --rm -w /no/such/folder box:1 pwd
run --rm -u 1000 box:1 id -u
run --rm -u tenant:staff box:1 id -g
run --rm -u nobodyknows box:1 id
run --rm --entrypoint /bin/echo box:1 a b
run --rm --entrypoint '' box:1 echo cleared
run --rm -e A -e B=2 --env-file {dir}/env box:1 sh -c 'echo $A,$B,$C'
run --rm --read-only box:1 touch /x
run --rm --tmpfs /t:size=1m,mode=700 box:1 sh -c 'stat -c %a /t; df -k /t | tail -1 | awk "{print \$2}"'
run --rm -v {dir}/shared:/s box:1 sh -c 'cat /s/file; echo written > /s/by-container'
host: cat {dir}/shared/by-container
run --rm -v {dir}/shared:/s:ro box:1 touch /s/no
run --rm -v {dir}/shared/file:/etc/group:ro box:1 cat /etc/group
run --rm -v {dir}/shared/file:/a/new/file:ro box:1 cat /a/new/file
run --rm --read-only --mount type=bind,source={dir}/shared/file,target=/run/secrets/one,readonly box:1 cat /run/secrets/one
run --rm -v {dir}/shared/file:/f box:1 sh -c 'echo more >> /f; cat /f'
run --rm -v {dir}/shared/file:/f:ro box:1 sh -c 'echo more >> /f'
run --rm --mount type=bind,source={dir}/shared/file,target=/f,readonly,bind-nonrecursive box:1 cat /f
host: sh -c 'echo shared > {dir}/shared/file'
run --rm --mount type=bind,source={dir}/missing,target=/m box:1 true
run --rm -v {dir}/made-by-engine:/m box:1 ls -a /m
run --rm --mount type=bind,source=/dev,target=/m box:1 sh -c 'ls /m/pts | grep ptmx'
run --rm --mount type=bind,source=/dev,target=/m,bind-nonrecursive box:1 sh -c 'ls /m/pts | wc -l'
run --rm --mount type=tmpfs,target=/t,tmpfs-size=1m box:1 sh -c 'df -k /t | tail -1 | awk "{print \$2}"'
run --rm --cap-drop ALL box:1 chown 1:1 /tmp
run --rm --cap-add SYS_TIME box:1 sh -c 'grep CapEff /proc/self/status'
run --rm --cap-add NOSUCH box:1 true
run --rm --privileged box:1 sh -c 'test -e /dev/loop-control && echo all'
run --rm box:1 sh -c 'grep -e Seccomp: -e CapEff /proc/self/status'
host: sh -c 'echo "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5}]}" > {dir}/profile.json'
run --rm --security-opt seccomp={dir}/profile.json box:1 sh -c 'mkdir /x; grep Seccomp: /proc/self/status'
run -d --name profiled --security-opt seccomp={dir}/profile.json box:1 sleep 600
exec profiled mkdir /x
rm -f profiled
host: sh -c 'echo "{\"defaultAction\":\"NONSENSE\"}" > {dir}/profile.json'
run --rm --security-opt seccomp={dir}/profile.json box:1 true
run --rm --security-opt no-new-privileges box:1 grep NoNewPrivs /proc/self/status
run --rm box:1 grep NoNewPrivs /proc/self/status
run --rm --ulimit nofile=77:88 box:1 sh -c 'ulimit -n; ulimit -Hn'
run --rm --sysctl net.ipv4.ip_unprivileged_port_start=7 box:1 cat /proc/sys/net/ipv4/ip_unprivileged_port_start
run --rm --sysctl kernel.hostname=x box:1 true
run --rm --shm-size 2m box:1 sh -c 'df -k /dev/shm | tail -1 | awk "{print \$2}"'
run --rm --init box:1 sh -c 'test $$ -ne 1 && echo init'
run --rm --hostname web --domainname example.org box:1 sh -c 'hostname; cat /etc/hostname'
run --rm --add-host far:192.0.2.1 box:1 grep far /etc/hosts
run --rm --dns 192.0.2.53 --dns-search example.org --dns-opt ndots:3 box:1 cat /etc/resolv.conf
run --rm --group-add 50 box:1 id -G
run --rm --oom-score-adj 77 box:1 cat /proc/self/oom_score_adj
run --rm --device /dev/null:/dev/mine box:1 sh -c 'test -c /dev/mine && echo device'
run --rm --device /dev/net:/dev/mine box:1 sh -c 'ls /dev/mine'
run --rm --device /dev/nosuch box:1 true
run --rm --security-opt apparmor=unconfined --security-opt label=disable box:1 echo unlabelled
run --rm -v {dir}/shared:/s:z box:1 cat /s/file
run --rm -v {dir}/shared:/s:ro,Z box:1 cat /s/file
run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=4m box:1 echo buffered
run --rm --cap-add cap_net_admin --cap-drop chown box:1 grep CapEff /proc/self/status
run --rm --sysctl net.core.somaxconn=1024 --sysctl kernel.shmmax=1000000 --sysctl fs.mqueue.msg_max=20 box:1 cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax
run --rm --sysctl vm.overcommit_memory=1 box:1 true
run --rm --network host --sysctl net.core.somaxconn=1024 box:1 true
run --rm --mount type=volume,target=/anon box:1 ls -d /anon
run --rm --mount type=volume,source=mv,target=/v,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m box:1 sh -c 'df -k /v | tail -1 | awk "{print \$2}"'
volume rm mv
run --rm -e 'MULTI=a b "c"' -e EMPTY= box:1 sh -c 'echo "[$MULTI][$EMPTY]"'
run --rm -u 99999:99999 box:1 id
run --rm -u 1000 box:1 ping -c 1 -q 127.0.0.1 -w 1
run --rm box:1 sh -c 'umask; id; env | grep -v HOSTNAME | sort; pwd; cat /proc/self/oom_score_adj'
run --rm --pid host box:1 sh -c 'test $$ -ne 1 && echo host'
run --rm --ipc host box:1 echo ipc
run --rm --uts host box:1 echo uts
run --rm --network none box:1 sh -c 'ls /sys/class/net | grep -v -e sit -e tunl -e gre -e erspan -e ip6 -e vti'
run --rm --network host box:1 echo host
run --rm --network host box:1 hostname
run --rm --uts host box:1 hostname
create --name of-host --network host box:1
inspect -f '{{.Config.Hostname}}' of-host
rm of-host
run --rm --network host -p 80:80 box:1 true
run --rm --network host -P box:1 true
run --rm --network none -p 80:80 box:1 true
run --rm --hostname my_app box:1 hostname
run --rm --network missing box:1 true
run --rm --network container:missing box:1 true
run --rm --memory 1 box:1 true
run --rm --memory 32m box:1 sh -c 'cd /sys/fs/cgroup/memory; cat memory.limit_in_bytes memory.memsw.limit_in_bytes'
run --rm --memory 32m --memory-swap -1 box:1 cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes
run --rm --memory 32m --memory-swap 40m box:1 cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes
run --rm --cpus 0.5 box:1 sh -c 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us'
run --rm --cpus 1000 box:1 true
run --rm --cpus 0.5 --cpu-quota 5000 box:1 true
run --rm --cpu-period 5 box:1 true
run --rm --cpu-quota 5 box:1 true
run --rm --cpuset-cpus 4000 box:1 true
run --rm --cpuset-cpus abc box:1 true
run --rm --cpuset-mems 4000 box:1 true
run --rm --memory 64m --memory-reservation 128m box:1 true
run --rm --memory 64m --memory-swap 32m box:1 true
run --rm --memory 64m --memory-swappiness 10 --oom-kill-disable --memory-reservation 32m box:1 sh -c 'cd /sys/fs/cgroup/memory; cat memory.soft_limit_in_bytes memory.swappiness memory.oom_control'
run --rm --cpuset-cpus 0 --cpuset-mems 0 --cpu-period 50000 --cpu-quota 25000 box:1 sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.cpus cpuset/cpuset.mems'
run --rm --blkio-weight 300 box:1 true
run --rm --device-read-iops /dev/loop0:100 --device-write-bps /dev/loop0:1mb box:1 true
run --rm --device-cgroup-rule 'c 1:3 rwm' --stop-timeout 3 box:1 echo ruled
run --rm --cgroupns private box:1 sh -c 'grep -c ":/$" /proc/self/cgroup'
run --rm --platform linux/arm64 box:1 echo arm
run --rm --pull never nobody:1 true
run --rm --volume-driver nosuch -v driven:/v box:1 true
create --name tuned --cpuset-cpus 0 box:1 sleep 600
update --cpuset-cpus 4000 tuned
update --cpuset-cpus 1 tuned
start tuned
update --cpuset-cpus 4000 tuned
update --cpuset-mems 4000 tuned
update --cpu-quota 5 tuned
inspect -f '{{.HostConfig.CpusetCpus}}' tuned
exec tuned cat /sys/fs/cgroup/cpuset/cpuset.cpus
exec -d tuned sleep 500
inspect -f '{{len .ExecIDs}}' tuned
inspect -f '{{.Config.Hostname}} {{json .HostConfig.SecurityOpt}}' tuned
inspect -f '{{json .ExecIDs}}' made
rm -f tuned
run -d --name late box:1 sh -c 'sleep 0.5; echo attached; echo err >&2; exit 4'
attach --no-stdin late
attach late
attach nobody
rm late
run --rm --pids-limit 50 box:1 sh -c 'cat /sys/fs/cgroup/pids/pids.max'
run --rm --restart always box:1 true
run --rm nobody:1 true
run --rm --name 'bad name' box:1 true
run --rm --stop-signal NOSUCH box:1 true
run --rm --log-driver none box:1 echo unlogged
run --rm --runtime nosuch box:1 true
run --rm --isolation hyperv box:1 true
run --rm --annotation x=y box:1 true
run --rm --workdir tmp box:1 pwd
run --rm --health-cmd true --no-healthcheck box:1 true
run --rm --cidfile {dir}/cid box:1 true

ps -a --no-trunc --format '{{.Command}} {{.Status}}'
run -d --name log box:1 sh -c 'echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three'
wait log
logs log
logs --tail 1 log
logs --tail 0 log
logs -f log
logs -t --tail 1 log
logs --since 1h log
logs --since 2020-01-01 --until 2020-01-02 log
logs nobody
ps -a --filter exited=0 --format '{{.Names}}'
ps -a --filter exited=1 -q
ps -a --filter status=exited --format '{{.Names}}'
ps -a --filter status=nosuch
ps -a --filter nosuch=1
ps -a --filter name=lo --format '{{.Names}}'
ps -a --filter ancestor=box:1 --format '{{.Names}}'
ps -a -n 1 --format '{{.Names}}'
ps -l --format '{{.Names}}'
ps -a --no-trunc --format '{{.Command}}'
ps -a -s --format '{{.Names}} {{.Size}}'
inspect -s -f '{{.SizeRw}}' log
diff log
rm -v log

run -d --name files box:1 sleep 600
cp {dir}/shared/file files:/tmp/in
exec files cat /tmp/in
cp files:/etc/passwd {dir}/out
host: head -1 {dir}/out
cp {dir}/shared files:/tmp
sorted: exec files find /tmp
cp files:/no/such {dir}/out
cp {dir}/no-such files:/tmp
cp {dir}/shared/file files:/no/such/folder/x
cp files:/tmp/. {dir}/copied
sorted: host: find {dir}/copied -type f -printf '%P\n'
exec files sh -c 'rm -rf /tmp/*; echo changed >> /etc/group; touch /root/new; rm /var/log -r'
sorted: diff files
ps -s --format '{{.Names}} {{.Size}}'
export -o {dir}/export.tar files
host: sh -c 'tar tf {dir}/export.tar | grep -e ^root/new -e ^var/log -e ^bin/busybox$'
commit -m why -a me -c 'ENV X=y' -c 'CMD ["cat","/root/new"]' -c 'EXPOSE 80' -c 'LABEL l=v' files committed:1
image inspect -f '{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.ExposedPorts}} {{json .Config.Labels}}' committed:1
image inspect -f '{{json .Config.Env}} {{len .RootFS.Layers}}' committed:1
run --rm committed:1
commit nobody
create --name rich --label a=b -e E=1 --expose 80 -v /vol -w /tmp -u 1000 box:1 sleep 600
commit rich rich:1
image inspect -f '{{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}} {{json .Config.Env}} {{.Config.User}}' rich:1
commit -c 'LABEL x=y' -c 'ENV E=2' -c 'EXPOSE 90' -c 'VOLUME /v2' -c 'USER root' rich rich:2
image inspect -f '{{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}} {{json .Config.Env}} {{.Config.User}} {{json .Config.Cmd}}' rich:2
commit -c 'ENTRYPOINT ["echo"]' rich rich:3
image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' rich:3
rm -v rich
code: rmi rich:1 rich:2 rich:3
save -o {dir}/saved.tar committed:1
rmi -f committed:1
load -i {dir}/saved.tar
load -i {dir}/env
import -c 'CMD ["true"]' -m imported {dir}/export.tar imported:1
image inspect -f '{{json .Config.Cmd}} {{.Comment}} {{len .RootFS.Layers}}' imported:1
run --rm imported:1 ls /root/new
images -q nosuch
tag imported:1 imported:2
tag imported:1 imported:3
save -o {dir}/two.tar imported:1 imported:2
load -i {dir}/two.tar
rmi imported:2 imported:3
load -q -i {dir}/two.tar
sorted: images --format '{{.Tag}}' imported
rmi imported:2
rmi imported:1 committed:1
rmi -f box:latest
rmi box:1
rm -f files

run -d --name corners -v corner:/vol --tmpfs /tm -e FOO=bar box:1 sleep 600
exec corners sh -c 'mkdir -p /d/sub; echo a > /d/a; echo s > /d/sub/s; ln -s /d /link; ln -s a /d/rel; ln -s /etc/motd /d/abs; ln -s /nowhere /dangling'
host: sh -c 'mkdir -p {dir}/tree/deep; echo h > {dir}/tree/h; ln -sf h {dir}/tree/hl; chmod 600 {dir}/tree/h; chown 1234:2345 {dir}/tree/h'
cp corners:/d {dir}/o1
cp corners:/d/. {dir}/o1
sorted: host: find {dir}/o1 -printf '%P\n'
cp corners:/link {dir}/o3
host: readlink {dir}/o3
cp -L corners:/link {dir}/o4
cp corners:/link/ {dir}/o5
sorted: host: find {dir}/o4 {dir}/o5 -printf '%P\n'
cp corners:/dangling {dir}/o7
cp -L corners:/dangling {dir}/o8
cp -L corners:/d/rel {dir}/o9
host: cat {dir}/o9
cp corners:/d/a/ {dir}/o10
cp corners:/d/a {dir}/nosuch/
cp corners:/d {dir}/o1/a
cp {dir}/tree corners:/new
cp {dir}/tree corners:/d
cp {dir}/tree/. corners:/d/sub
exec corners sh -c 'cd /d; find . | sort; stat -c "%a %u %g" /new/h'
cp -a {dir}/tree corners:/archived
exec corners stat -c '%a %u %g' /archived/h
cp {dir}/tree/h corners:/link
cp {dir}/tree/h corners:/d/abs
cp {dir}/tree/h corners:/dangling
exec corners sh -c 'cat /etc/motd /nowhere; readlink /d/abs'
cp {dir}/tree corners:/d/a
host: sh -c 'mkdir -p {dir}/swap/is-file {dir}/swap2; echo x > {dir}/swap/is-file/x; echo x > {dir}/swap2/is-folder'
exec corners sh -c 'mkdir -p /swap/is-folder/full; echo f > /swap/is-file'
cp {dir}/swap/. corners:/swap
cp {dir}/swap2/. corners:/swap
exec corners ls -F /swap
cp {dir}/tree/h corners:/vol/h
cp corners:/vol/h {dir}/o13
cp corners:/etc/hosts {dir}/o17
host: head -1 {dir}/o17
cp {dir}/tree/h corners:/etc/hostname
host: sh -c 'docker cp corners:/d/. - | tar tf - | sort'
host: sh -c 'tar cf - -C {dir}/tree . | docker cp - corners:/tmp'
host: sh -c 'tar cf - -C {dir}/tree . | docker cp - corners:/nosuch'
host: sh -c 'echo garbage | docker cp - corners:/tmp'
exec -u 4242:99 corners id -g
exec -u :50 corners id
exec -u tenant:nogroup corners id
exec -u 4242 corners sh -c 'echo $HOME'
exec -e FOO=baz -e NEW= corners sh -c 'echo $FOO-$NEW'
code: exec -w /nosuch corners pwd
exec -w rel corners pwd
code: exec corners /etc
exec -d corners no-such-program
exec --detach-keys nonsense corners true
exec -t corners tty
stop -t 0 corners
cp {dir}/tree/h corners:/d/stopped
cp {dir}/tree/h corners:/vol/h2
cp corners:/d/stopped {dir}/o18
start corners
exec corners ls /vol /tm /d/stopped
rm -f corners
volume rm corner
create --read-only --name solid -v {dir}/tree:/b:ro -v loose:/rw box:1 sleep 600
start solid
cp {dir}/tree/h solid:/x
cp {dir}/tree/h solid:/b/x
cp {dir}/tree/h solid:/rw/x
exec solid ls /rw
rm -f solid
volume rm loose

run -d --name fail box:1 no-such-program
inspect -f '{{.State.Status}} {{.State.ExitCode}}' fail
wait fail
rm fail
run --rm -d box:1 /etc
run --name part box:1 sh -c 'printf abc; sleep 0.1; printf def; sleep 0.1; echo; printf tail'
logs --tail 1 part
logs --tail 2 part
logs --details part
host: sh -c 'docker logs -t part | cut -d" " -f2'
rm part
run --name told --log-opt max-size=8k --log-opt max-file=2 --log-opt labels=a --log-opt env=E -e E=1 --log-opt tag={{.Name}} --label a=b box:1 sh -c 'for i in $(seq 200); do echo line $i; done | tail -3'
logs --details --tail 1 told
rm told
run --rm --log-opt nosuch=1 box:1 true
run --rm --log-driver nosuch box:1 true
run --name quiet --log-driver none box:1 sh -c 'echo a; echo b >&2'
logs quiet
inspect -f '{{json .HostConfig.LogConfig}} {{.LogPath}}' quiet
rm quiet
run --name local --log-driver local box:1 echo kept
logs local
inspect -f '{{.HostConfig.LogConfig.Type}}' local
rm local

run -d --name one --label k=v --label only --expose 81 -p 127.0.0.1:19001:80 -v vvv:/v --cpus 0.5 box:1 sleep 600
sorted: ps -a --format '{{.Names}}' --filter label=k=v --filter label=only
ps -a --format '{{.Names}}' --filter publish=19001
ps -a --format '{{.Names}}' --filter publish=80
ps -a --format '{{.Names}}' --filter publish=19000-19010/tcp
ps -a --format '{{.Names}}' --filter expose=81
ps -a --format '{{.Names}}' --filter expose=80-90/udp
ps -a --format '{{.Names}}' --filter isolation=default
ps -a --format '{{.Names}}' --filter is-task=true
ps -a --format '{{.Names}}' --filter volume=vvv --filter network=bridge
ps -a --format '{{.Names}}' --filter exited=abc
ps -a --format '{{.Names}}' --filter since=nosuch
inspect -f '{{json .HostConfig.Binds}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.MemorySwap}}' one
inspect -f '{{json .HostConfig.Devices}} {{json .HostConfig.Dns}} {{json .HostConfig.ExtraHosts}} {{json .HostConfig.Links}} {{json .HostConfig.DeviceRequests}} {{.HostConfig.Isolation}} {{json .HostConfig.ConsoleSize}}' one
inspect -f '{{json (index .NetworkSettings.Ports "80/tcp")}}' one
rm -f one
volume rm vvv
'stdin=FROM box:1\nRUN head -c 100000 /dev/zero > /big\nENV A=b\n:' build -q -t child:1 -
history --format '{{eq .Size "0B"}}' child:1
'stdin=ARG V=9\nFROM box:$V AS base\nARG V\nARG W=given\nRUN echo "v=$V w=$W" > /v\nFROM base\nRUN cat /v > /v2\nCMD cat /v2\n:' build -q -t child:2 --build-arg V=1 -
run --rm child:2
'stdin=FROM box:1\nONBUILD RUN echo onbuild > /ob\nONBUILD ENV OB=1\n:' build -q -t child:3 -
'stdin=FROM child:3\nSHELL ["/bin/sh","-ec"]\nSTOPSIGNAL SIGUSR1\nVOLUME /data /more\nEXPOSE 80 53/udp\nWORKDIR /w\nWORKDIR sub\nHEALTHCHECK --interval=5s --retries=2 CMD true || false\nCMD cat /ob; echo $OB; pwd\n:' build -q -t child:4 -
run --rm child:4
image inspect -f '{{json .Config.Healthcheck}} {{.Config.StopSignal}} {{json .Config.Shell}} {{json .Config.Volumes}} {{json .Config.ExposedPorts}} {{.Config.WorkingDir}} {{json .Config.Cmd}}' child:4
host: sh -c 'mkdir -p {dir}/ign/sub/deep; cd {dir}/ign; for f in a.txt b.md c.log sub/a.txt sub/deep/x keep.log; do echo $f > $f; done; printf "*.log\n!keep.log\n**/a.txt\n/sub/deep\n" > .dockerignore; printf "FROM box:1\nCOPY . /ctx/\nCMD cd /ctx; find . | sort\n" > Dockerfile'
build -q -t child:5 {dir}/ign
run --rm child:5
code: rmi -f child:1 child:2 child:5 child:4 child:3
'stdin=FROM box:1\nRUN (ulimit -n; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpuset/cpuset.cpus; df -k /dev/shm | tail -1 | awk "{print \$2}") > /limits\n:' build -q -t limited:1 --no-cache --force-rm --cache-from box:1 --ulimit nofile=77:88 --cpu-period 10000 --cpu-quota 5000 --cpuset-cpus 0 --memory 64m --memory-swap -1 --shm-size 2m --iidfile {dir}/iid -
run --rm limited:1 cat /limits
'stdin=FROM box:1\nLABEL of-image=i of-both=i\n:' build -q -t labelled:1 -
run -d --name labelled -l own=c -l of-both=c labelled:1 sleep 600
inspect -f '{{json .Config.Labels}}' labelled
ps --filter label=of-image=i --format '{{.Names}} {{.Label "of-both"}}'
ps --filter label=of-both=i --format '{{.Names}}'
host: sleep 1.1
sorted: events --since 1h --until 0s --filter label=own=c --format '{{.Action}} {{index .Actor.Attributes "of-image"}}'
rm -f labelled
code: rmi labelled:1
host: sh -c 'wc -c < {dir}/iid'
code: rmi -f limited:1

volume create data --label a=b
volume create data
volume ls --format '{{.Name}} {{.Driver}} {{.Labels}}'
volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{json .Labels}} {{len .Options}}' data
volume inspect nobody
run --rm -v data:/data box:1 sh -c 'echo kept > /data/file'
run --rm -v data:/data:ro box:1 cat /data/file
run --rm -v data:/data:ro box:1 touch /data/no
run --rm --mount type=volume,source=data,target=/d,readonly box:1 cat /d/file
run --rm -v data:/data box:1 sh -c 'mkdir /data/sub; echo inner > /data/sub/file'
run --rm --mount type=volume,source=data,target=/d,volume-subpath=sub box:1 cat /d/file
run --rm --mount type=volume,source=data,target=/d,volume-subpath=nosuch box:1 true
run --rm -v fresh:/home/tenant box:1 ls -a /home/tenant
create --name uses -v data:/data -v /anonymous box:1
inspect -f '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Type}} {{.RW}} {{.Driver}}{{end}}{{end}}' uses
inspect -f '{{range .Mounts}}{{if eq .Destination "/anonymous"}}{{.Type}} {{.RW}} {{.Driver}}{{end}}{{end}}' uses
ps -a --filter volume=data --format '{{.Names}} {{.LocalVolumes}}'
volume rm data
volume rm nobody
volume ls -q --filter dangling=true
volume ls -q --filter label=a=b
volume ls -q --filter name=fre
volume ls -q --filter nosuch=1
run --rm --volumes-from uses box:1 cat /data/file
rm -v uses
volume rm fresh
volume create --driver nosuch x
volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m scratch
run --rm -v scratch:/s box:1 sh -c 'df -k /s | tail -1 | awk "{print \$2}"'
volume rm scratch
volume ls -q

network create --subnet 10.99.1.0/24 --gateway 10.99.1.1 --label a=b blue
network create --subnet 10.99.1.0/24 again
network create blue
network create --subnet nonsense bad
network create --driver nosuch bad
sorted: network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
network ls --filter label=a=b --format '{{.Name}}'
network ls --filter driver=null --format '{{.Name}}'
sorted: network ls --filter type=builtin --format '{{.Name}}'
network inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.Attachable}} {{json .IPAM.Config}} {{json .Labels}}' blue
network inspect nobody
run -d --name web --network blue --ip 10.99.1.10 --network-alias www --expose 90 -p 127.0.0.1:18080:80 box:1 httpd -f -p 80 -h /etc
port web
port web 80
port web 81
inspect -f '{{json .NetworkSettings.Ports}}' web
inspect -f '{{.NetworkSettings.Networks.blue.IPAddress}} {{.NetworkSettings.Networks.blue.Gateway}} {{.NetworkSettings.Networks.blue.IPPrefixLen}} {{.NetworkSettings.Networks.blue.MacAddress}}' web
ps --format '{{.Names}} {{.Ports}} {{.Networks}}'
until=root: host: curl -s -m 5 http://127.0.0.1:18080/group
run --rm --network blue box:1 wget -q -O - http://web/group
run --rm --network blue box:1 wget -q -O - http://www/group
run --rm --network blue box:1 wget -q -T 2 -O - http://nobody/group
run --rm --network blue --ip 10.99.1.10 box:1 true
run --rm --network blue --ip 10.98.1.10 box:1 true
run --rm --network blue box:1 cat /etc/resolv.conf
run --rm --network blue box:1 sh -c 'grep 10.99.1 /etc/hosts | cut -f1'
run -d --name second -p 127.0.0.1:18080:81 box:1 sleep 600
rm second
network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{.MacAddress}}{{end}}' blue
network create --internal --subnet 10.99.2.0/24 inner
network inspect -f '{{.Internal}}' inner
network connect --alias other --ip 10.99.2.9 inner web
network connect inner web
network connect nobody web
network connect blue nobody
exec web sh -c 'ip -4 -o addr show | awk "{print \$2, \$4}"'
inspect -f '{{range $name, $each := .NetworkSettings.Networks}}{{$name}} {{end}}' web
run --rm --network inner box:1 wget -q -O - http://other/group
run --rm --network blue --network inner box:1 sh -c 'ls -d /sys/class/net/eth*'
network rm inner
network disconnect inner web
network disconnect inner web
network disconnect -f inner web
network disconnect inner nobody
network disconnect -f inner nobody
network disconnect -f nobody web
network rm inner
network create --subnet 10.99.3.0/24 --ip-range 10.99.3.128/30 --gateway 10.99.3.1 ranged
run --rm --network ranged box:1 sh -c 'ip -4 -o addr show eth0 | awk "{print \$4}"'
network rm ranged
network create --subnet 10.99.4.0/24 near
run -d --name local --network near --link-local-ip 169.254.7.2 --link-local-ip 169.254.7.3 box:1 sleep 600
exec local sh -c 'ip -4 -o addr show eth0 | awk "{print \$4, \$6}"'
inspect -f '{{json .NetworkSettings.Networks.near.IPAMConfig}}' local
run --rm --network near --link-local-ip 169.254.7.4 box:1 sh -c 'ping -c 1 -W 2 169.254.7.3 | grep -c "1 packets received"'
network connect --link-local-ip 169.254.7.5 near web
exec web sh -c 'ip -4 -o addr show | awk "{print \$4}"'
inspect -f '{{json .NetworkSettings.Networks.near.IPAMConfig}}' web
network disconnect near web
restart -t 0 local
exec local sh -c 'ip -4 -o addr show eth0 | awk "{print \$4, \$6}"'
run --rm --network near --link-local-ip 10.1.2.3 box:1 true
run --rm --network near --link-local-ip nonsense box:1 true
run --rm --link-local-ip 169.254.7.6 box:1 sh -c 'ip -4 -o addr show eth0 | awk "{print \$4}"'
rm -f local
network rm near
network create --ipv6 --subnet 10.99.4.0/24 --subnet fd00:99::/64 near
run --rm --network near --link-local-ip fe80::99 box:1 sh -c 'ip -6 -o addr show eth0 | grep :99/ | awk "{print \$4, \$6}"'
network rm near
network create --config-only --subnet 10.99.5.0/24 --gateway 10.99.5.9 --label a=b -o com.docker.network.driver.mtu=1400 conf
network create --config-only --subnet 10.99.5.0/24 conf2
network inspect -f '{{.Driver}} {{.Scope}} {{.EnableIPv6}} {{.ConfigOnly}} {{json .ConfigFrom}} {{json .IPAM}} {{json .Options}} {{json .Labels}}' conf
sorted: network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
sorted: network ls --filter driver=null --format '{{.Name}}'
network ls --filter type=custom --filter label=a=b --format '{{.Name}}'
run --rm --network conf box:1 true
network create --config-only --internal conf3
network create --config-only --config-from conf conf3
network create --config-from conf2 --label x=y made
network create --config-from conf2 --subnet 10.99.6.0/24 made
network create --config-from conf2 -o com.docker.network.driver.mtu=1300 made
network create --config-from nosuch made
network create --config-from blue made
network create --config-from conf --internal made
network inspect -f '{{.Driver}} {{.Internal}} {{.ConfigOnly}} {{json .ConfigFrom}} {{json .IPAM}} {{json .Options}} {{json .Labels}}' made
run --rm --network made box:1 sh -c 'ip -4 -o addr show eth0 | awk "{print \$4}"; cat /sys/class/net/eth0/mtu'
network create --config-from conf again
network rm conf
network rm made
network rm conf conf2
network rm nobody
network rm bridge
run --rm --network container:web box:1 sh -c 'wget -q -O - http://127.0.0.1/group | head -1'
run --rm --link web:linked box:1 true
rm -f web
run -d --name old -p 18081:80 -P --expose 91 box:1 httpd -f -p 80 -h /etc
until=root: host: curl -s -m 5 http://127.0.0.1:18081/group
until=root: host: curl -s -m 5 http://[::1]:18081/group
run --rm --link old:linked box:1 wget -q -O - http://linked/group
run --rm --link nobody box:1 true
port old 80
rm -f old
run --rm -p 18082:80/udp box:1 true
run --rm -p 70000:80 box:1 true
network rm blue
sorted: network prune -f
run --rm --mac-address 02:00:00:00:00:09 box:1 cat /sys/class/net/eth0/address

run -d --name sick --health-cmd 'test -e /tmp/well' --health-interval 300ms --health-retries 2 box:1 sleep 600
until=unhealthy: inspect -f '{{.State.Health.Status}}' sick
exec sick touch /tmp/well
until='healthy 0': inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' sick
ps --filter health=healthy --format '{{.Names}} {{.Status}}'
inspect -f '{{json .Config.Healthcheck.Test}} {{.Config.Healthcheck.Retries}}' sick
rm -f sick
run -d --name again --restart on-failure:2 box:1 sh -c 'exit 5'
until='2 exited': inspect -f '{{.RestartCount}} {{.State.Status}}' again
inspect -f '{{.State.ExitCode}} {{.State.Restarting}}' again
rm again
run -d --name loops --restart always box:1 sh -c 'exit 6'
until=restarting: inspect -f '{{.State.Status}}' loops
until='Restarting (6)': ps --filter name=loops --format '{{.Status}}'
stop loops
inspect -f '{{.State.Status}} {{.State.Restarting}}' loops
rm loops
run -d --name term --stop-signal SIGUSR1 box:1 sh -c 'trap "exit 9" USR1; while :; do sleep 0.1; done'
stop term
wait term
rm term
run -d --name signalled box:1 sh -c 'trap "exit 8" HUP; echo ready; while :; do sleep 0.1; done'
until=ready: logs signalled
kill -s HUP signalled
wait signalled
rm signalled
kill -s NOSUCH nobody
run -d --name auto --rm box:1 sleep 600
stop -t 0 auto
until=gone: host: sh -c 'sleep 0.2; echo gone'
inspect auto
create --name attached -i box:1 cat
stdin=through: start -a -i attached
rm attached

'stdin=FROM box:1\nRUN echo built>/built\n:' build -q -t built:1 -
run --rm built:1 cat /built
build -q -t context:1 --build-arg WHO=me --label l=v {dir}/context
run --rm context:1
image inspect -f '{{json .Config.Labels}} {{json .Config.Cmd}} {{.Config.WorkingDir}} {{.Config.User}}' context:1
build -q --target first -t first:1 {dir}/context
run --rm first:1 cat /first
build -q {dir}/missing
build -q -f {dir}/context/Broken {dir}/context
build -q -f {dir}/context/Failing {dir}/context
rmi -f built:1 context:1 first:1

tag box:1 {registry}/team/box:1
push -q {registry}/team/box:1
images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' {registry}/team/box:1
images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' {registry}/team/box
rmi {registry}/team/box:1
pull -q {registry}/team/box:1
run --rm {registry}/team/box:1 echo pulled
image inspect -f '{{json .RepoTags}} {{len .RepoDigests}}' {registry}/team/box:1
pull -q {registry}/team/box:nosuch
push -q {registry}/team/nosuch:1
rmi {registry}/team/box:1
manifest inspect --insecure {registry}/team/nosuch:9
tag box:1 {registry}/many/box:1
tag box:1 {registry}/many/box:2
push -q -a {registry}/many/box
rmi {registry}/many/box:1 {registry}/many/box:2
pull -q -a {registry}/many/box
sorted: images --format '{{.Tag}}' {registry}/many/box
rmi {registry}/many/box:1 {registry}/many/box:2
pull -q -a {registry}/many/nosuch

code: version
code: info
info -f '{{.Driver}} {{.LoggingDriver}} {{.CgroupDriver}} {{.OSType}} {{.NCPU}} {{.MemTotal}} {{.CgroupVersion}} {{.Swarm.LocalNodeState}}'
sorted: ps -a --format '{{.Command}} {{.Status}}'
run -d --name counted box:1 sleep 600
info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'
system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
code: system df -v
host: sleep 1.1
sorted: events --since 1h --until 0s --filter container=counted --format '{{.Type}} {{.Action}}'
rm -f counted
events --since 1h --until 0s --filter type=nosuch
service ls
node ls
plugin ls
info -f '{{json .RegistryConfig.Mirrors}} {{.IndexServerAddress}}'
swarm leave
container prune -f
volume prune -f
image prune -f
code: system prune -f
sorted: ps -aq
sorted: volume ls -q
sorted: network ls --format '{{.Name}}'
"""

STEPS = tuple(parsed(line) for line in _SCRIPT.splitlines() if line)
"""All of the script, in order: later lines stand on what earlier ones left."""
