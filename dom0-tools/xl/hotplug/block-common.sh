# SPDX-License-Identifier: MIT
# For block scripts: reads the action into $command and gives write_dev, which names the device
# to blkback.
dir=$(dirname "$0")
. "$dir/xen-hotplug-common.sh"
. "$dir/xen-script-common.sh"

findCommand "$@"
case $command in
add | remove) ;;
*) fatal "unknown action '$command': add or remove" ;;
esac

XENBUS_PATH=${XENBUS_PATH:?}

# MAJOR:MINOR in hex, as blkback reads it.
device_major_minor() {
    stat -L -c '%t:%T' "$1"
}

canonicalise_mode() {
    case $1 in
    *!*) echo '!' ;;
    *w*) echo w ;;
    *) echo r ;;
    esac
}

write_dev() {
    [ -b "$1" ] || fatal "$1 is not a block device"
    xenstore_write "$XENBUS_PATH/physical-device" "$(device_major_minor "$1")" \
                   "$XENBUS_PATH/physical-device-path" "$1"
    success
}

# Is the block device $1 (MAJOR:MINOR) in use by another guest in a way that mode $2 forbids?
# Prints who uses it.
device_in_use() {
    for in_use_dom in $(xenstore-list backend/vbd 2>/dev/null); do
        for in_use_dev in $(xenstore-list "backend/vbd/$in_use_dom" 2>/dev/null); do
            in_use_path=backend/vbd/$in_use_dom/$in_use_dev
            [ "$in_use_path" != "$XENBUS_PATH" ] || continue
            [ "$(xenstore_read_default "$in_use_path/physical-device" '')" = "$1" ] || continue
            in_use_mode=$(canonicalise_mode "$(xenstore_read_default "$in_use_path/mode" r)")
            if [ "$in_use_mode" = w ] || [ "$2" = w ]; then
                echo "guest $in_use_dom"
                return 0
            fi
        done
    done
    return 1
}
