# SPDX-License-Identifier: MIT
# What hotplug scripts share: talking to xenstore, success and failure, locks.  Sourced by
# block-common.sh and vif-common.sh, and by users' own scripts; needs only sh, busybox and the
# xenstore-* commands.  The names are those that scripts written for stock Xen call.
#
# Environment from xl: XENBUS_PATH (backend/KIND/DOMID/DEVID), XENBUS_TYPE, XENBUS_BASE_PATH.

set -e
PATH=/usr/local/sbin:/usr/local/bin:$PATH:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LANG=C
LOCK_BASEDIR=/run/xen-hotplug
held_locks=

log() {
    log_level=$1
    shift
    echo "$0: $*" >&2
    logger -p "daemon.$log_level" -t xen-hotplug -- "$0: $*" 2>/dev/null || :
}

xenstore_read() {
    for xs_path in "$@"; do
        xenstore-read "$xs_path" 2>/dev/null || fatal "xenstore has no $xs_path"
    done
}

xenstore_read_default() {
    xenstore-read "$1" 2>/dev/null || echo "$2"
}

xenstore_write() {
    xenstore-write "$@" || fatal "cannot write to xenstore: $*"
}

# Leaves the reason where xl finds it.
fatal() {
    trap - EXIT
    release_all_locks
    xenstore-write "$XENBUS_PATH/hotplug-error" "$*" \
                   "$XENBUS_PATH/hotplug-status" error 2>/dev/null || :
    log err "$*"
    exit 1
}

success() {
    trap - EXIT
    xenstore_write "$XENBUS_PATH/hotplug-status" connected
    release_all_locks
}

do_or_die() {
    "$@" || fatal "failed: $*"
}

do_without_error() {
    "$@" 2>/dev/null || log debug "failed, ignored: $*"
}

# A directory is made by one process only; the holder's pid tells a lock left behind by a killed
# one from one in use.
claim_lock() {
    mkdir -p "$LOCK_BASEDIR"
    lock_tries=0
    until mkdir "$LOCK_BASEDIR/$1" 2>/dev/null; do
        lock_pid=$(cat "$LOCK_BASEDIR/$1/pid" 2>/dev/null || :)
        if [ -n "$lock_pid" ] && ! kill -0 "$lock_pid" 2>/dev/null; then
            rm -rf "${LOCK_BASEDIR:?}/$1"
            continue
        fi
        lock_tries=$((lock_tries + 1))
        [ "$lock_tries" -lt 60 ] || fatal "lock $1 is held by process ${lock_pid:-unknown}"
        sleep 0.5
    done
    echo $$ > "$LOCK_BASEDIR/$1/pid"
    held_locks="$held_locks $1"
}

release_lock() {
    rm -rf "${LOCK_BASEDIR:?}/$1"
}

release_all_locks() {
    for held in $held_locks; do
        release_lock "$held"
    done
    held_locks=
}

# A command that failed under set -e ends the script: say so in the same way.
on_exit() {
    exit_code=$?
    [ "$exit_code" -eq 0 ] || fatal "script failed with exit code $exit_code"
}

trap on_exit EXIT

[ -n "${XENBUS_PATH:-}" ] || {
    trap - EXIT
    echo "$0: XENBUS_PATH is not set: this script is run by xl" >&2
    exit 1
}
