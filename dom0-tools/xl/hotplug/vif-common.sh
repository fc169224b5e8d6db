# SPDX-License-Identifier: MIT
# For vif scripts: sets command (online, offline), dev (the interface in dom0), type_if and ip,
# and gives the steps that putting an interface to work takes.
dir=$(dirname "$0")
. "$dir/xen-hotplug-common.sh"
. "$dir/xen-script-common.sh"

findCommand "$@"
evalVariables "$@"
case $command in
online | offline | add | remove) ;;
*) fatal "unknown action '$command': online or offline" ;;
esac

dev=${vif:-${INTERFACE:-}}
[ -n "$dev" ] || fatal "the environment has no vif"
frontend_xs=$(xenstore_read_default "$XENBUS_PATH/frontend" '')
ip=$(xenstore_read_default "$XENBUS_PATH/ip" '')

vifname=$(xenstore_read_default "$XENBUS_PATH/vifname" '')
if [ -n "$vifname" ]; then
    if [ "$command" = online ] && ! ip link show dev "$vifname" >/dev/null 2>&1; then
        do_or_die ip link set dev "$dev" name "$vifname"
    fi
    dev=$vifname
fi

# dom0's end of each vif has the same, highest, address: a bridge keeps its own that way.
setup_virtual_bridge_port() {
    do_or_die ip link set dev "$1" down
    do_or_die ip link set dev "$1" address fe:ff:ff:ff:ff:ff
    ip addr flush dev "$1" 2>/dev/null || :
}

add_to_bridge() {
    [ -e "/sys/class/net/$1/brif/$2" ] || do_or_die ip link set dev "$2" master "$1"
    do_or_die ip link set dev "$2" up
}

# The guest's interface takes the MTU of the bridge or interface given, unless configured.
set_mtu() {
    mtu=$(xenstore_read_default "$XENBUS_PATH/mtu" "$(cat "/sys/class/net/$1/mtu" 2>/dev/null)")
    [ -n "$mtu" ] || return 0
    ip link set dev "$2" mtu "$mtu" 2>/dev/null || :
    [ -z "$frontend_xs" ] || xenstore_write "$frontend_xs/mtu" "$mtu"
}

# Packets of the guest pass the FORWARD chain where bridged packets are filtered at all.
handle_iptable() {
    command -v iptables >/dev/null 2>&1 || return 0
    [ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null)" = 1 ] || return 0
    case $command in
    online | add) rule=-I ;;
    *) rule=-D ;;
    esac
    iptables "$rule" FORWARD -m physdev --physdev-is-bridged --physdev-in "$dev" -j ACCEPT \
        2>/dev/null || :
}
