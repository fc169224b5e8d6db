# SPDX-License-Identifier: MIT
# Arguments of hotplug scripts: an action, and NAME=VALUE words that become variables.

findCommand() {
    command=
    for word in "$@"; do
        case $word in
        *=*) ;;
        *) command=$word; return ;;
        esac
    done
}

evalVariables() {
    for word in "$@"; do
        case $word in
        [a-zA-Z_]*=*) eval "${word%%=*}=\${word#*=}" ;;
        esac
    done
}
