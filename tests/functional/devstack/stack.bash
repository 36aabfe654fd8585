#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stack.bash stack|unstack|clean: what devstack's scripts of these names do around a plug-in, in their order, with
# devstack's own libraries; what needs a network, a database or other services is left out.
# shellcheck disable=SC1090,SC1091,SC2034,SC2154,SC2317
cd /opt/stack/devstack || exit 1
TOP_DIR=$PWD
FILES=$TOP_DIR/files
VERBOSE=True
exec 3>&1 6>&1

load() {
    local name
    source functions
    source lib/stack
    GetDistro
    rm -f .localrc.auto
    extract_localrc_section local.conf localrc .localrc.auto
    source stackrc
    GITDIR[nova-container]=$DEST/nova-container
    GITDIR[heat]=$DEST/heat
    DATA_DIR=${DATA_DIR:-$DEST/data}
    PYTHON=$DEVSTACK_VENV/bin/python3
    source lib/database
    source lib/rpc_backend
    source lib/host
    [[ "$1" == clean ]] || run_phase override_defaults
    for name in apache tls infra libraries lvm horizon keystone glance nova placement cinder swift neutron; do
        source "lib/$name"
    done
    initialize_database_backends
    run_phase source
    # Apache and RabbitMQ are not here.
    rpc_backend_add_vhost() { :; }
    write_uwsgi_config() { touch "$1"; }
    write_local_uwsgi_http_config() { echo "http-socket = 127.0.0.1:60999" > "$1"; }
}

stack() {
    set -o errexit -o errtrace
    trap 'echo "failed at ${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND"' ERR
    load stack
    echo "services: $ENABLED_SERVICES"
    # As tools/install_prereqs.sh asks for them.
    echo "packages: $(get_plugin_packages | xargs)"
    run_plugins stack pre-install
    run_plugins stack install
    if is_service_enabled g-api; then
        configure_glance
    fi
    sudo install -d -o "$STACK_USER" "$NOVA_CONF_DIR"
    create_nova_conf
    if is_service_enabled h-eng; then
        sudo install -d -o "$STACK_USER" /etc/heat
        HEAT_CONF=/etc/heat/heat.conf
        iniset $HEAT_CONF DEFAULT num_engine_workers 2
        iniset $HEAT_CONF DEFAULT plugin_dirs /opt/stack/data/heat/plugins
    fi
    run_plugins stack post-config
    merge_config_group local.conf post-config
    if is_service_enabled n-cpu; then
        start_nova_compute
    fi
    run_plugins stack extra
    if is_service_enabled tempest; then
        sudo install -d -o "$STACK_USER" "$TEMPEST_CONFIG_DIR"
        touch "$TEMPEST_CONFIG"
    fi
    run_plugins stack test-config
}

unstack() {
    load unstack
    run_phase unstack
}

clean() {
    load clean
    unstack
    run_plugins clean
}

"$1"
echo "end of $1"
