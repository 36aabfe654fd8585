#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# What devstack calls: source plugin.sh MODE [PHASE].

_XTRACE_NOVA_CONTAINER=$(set +o | grep xtrace)
set +o xtrace

# shellcheck source=devstack/lib/nova-container
source "$NOVA_CONTAINER_DIR/devstack/lib/nova-container"

case "$1 ${2:-}" in
    "stack pre-install")
        echo_summary "Preparing the host for nova-container"
        prepare_nova_container_host
        ;;
    "stack install")
        echo_summary "Installing nova-container"
        install_nova_container
        ;;
    "stack post-config")
        echo_summary "Configuring nova-container"
        configure_nova_container
        start_nova_container
        ;;
    "stack extra")
        echo_summary "Uploading the images of nova-container"
        upload_nova_container_images
        check_nova_container_host
        ;;
    "stack test-config")
        configure_nova_container_tempest
        ;;
    "unstack "*)
        stop_nova_container
        ;;
    "clean "*)
        cleanup_nova_container
        ;;
esac

$_XTRACE_NOVA_CONTAINER
