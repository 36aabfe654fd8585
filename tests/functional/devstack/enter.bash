#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# enter.bash FOLDER STEP...: run the steps one after the other in a root of our own: what is written lands in FOLDER, and
# all that runs or is mounted ends with this process. To be started in new mount, process and network namespaces.
# After each step its output is FOLDER/NUMBER-STEP.log, its exit code .code, and what /etc holds by then .etc.
set -o errexit -o nounset
folder=$1
shift
mount --make-rprivate /
mkdir -p "$folder"/{layer,root}
mount -t tmpfs scratch "$folder/layer"
mkdir "$folder"/layer/{upper,work}
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" "$folder/root"
root=$folder/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mkdir -p "$root/opt/stack"
mount --bind "$folder/stack" "$root/opt/stack"
ip link set lo up

chmod 755 "$root/root"    # where this machine's Python may be
chroot "$root" useradd --home-dir /opt/stack --shell /bin/bash stack
chroot "$root" chown -R stack: /opt/stack
cat > "$root/etc/sudoers.d/stack" <<END
stack ALL=(root) NOPASSWD: ALL
Defaults:stack !requiretty, secure_path=/opt/stack/programs:/sbin:/usr/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin
END
chmod 440 "$root/etc/sudoers.d/stack"
mkdir -p "$root/run/units"
touch "$root/etc/hosts" 2> /dev/null || true

as_stack() {
    setpriv --reuid stack --regid stack --init-groups env -i HOME=/opt/stack USER=stack LANG=C.UTF-8 OFFLINE_PIP=1 \
        PBR_VERSION=1.2.3 PATH=/opt/stack/data/venv/bin:/opt/stack/programs:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
        "$@"
}
export -f as_stack

number=0
for step in "$@"; do
    number=$((number + 1))
    case $step in
        stack | unstack | clean) command="as_stack bash /opt/stack/stack.bash $step" ;;
        run) command="docker --host unix:///run/nova-container/engine.sock load --input /opt/stack/box.tar &&
            docker --host unix:///run/nova-container/engine.sock run --detach --name box box:1 sleep 1000 &&
            docker --host unix:///run/nova-container/engine.sock ps" ;;
        look) command="cat /proc/self/mounts; ls -R /run/nova-container /opt/stack/data/nova-container; ps ax" ;;
    esac
    code=0
    chroot "$root" bash -c "cd /; $command" > "$folder/$number-$step.log" 2>&1 < /dev/null || code=$?
    echo "$code" > "$folder/$number-$step.code"
    cp -a "$folder/layer/upper/etc" "$folder/$number-$step.etc"
done
