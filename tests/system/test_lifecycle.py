# SPDX-License-Identifier: MIT
"""How guests end, by the small guest `domu` that ends the way it is told: every action of on_*, and
that create/destroy over and over, killed tools and killed daemons leave nothing behind."""
import re

import pytest

from guests import (CONSOLE_LOGS, create_domu, host, make_config, put_file,  # noqa: F401
                    said, same_state, state, stock_config, typed, until, until_gone,
                    until_settled, with_our_tools)

pytestmark = with_our_tools

LISTED = "xl list | awk 'NR > 1 && $1 != \"Domain-0\" { print $1, $5 }'"


def listed(vm):
    """Guests and their state columns, by name."""
    return dict(line.split() for line in vm.check(LISTED).splitlines())


def end_by(vm, name, byte, **keys):
    """Creates a guest and has it end."""
    create_domu(vm, name, **keys)
    domid = vm.check(f"xl domid {name}").strip()
    typed(vm, name, byte)
    return domid


def action_destroy(vm, byte, **keys):
    end_by(vm, "gone", byte, **keys)
    until_gone(vm, "gone")
    assert listed(vm) == {}


def action_restart(vm, byte, **keys):
    old = end_by(vm, "again", byte, **keys)
    said(vm, "again", "domu: up", times=2)
    assert vm.check("xl domid again").strip() != old
    assert list(listed(vm)) == ["again"]
    # Restarted with the same settings: it obeys them a second time.
    typed(vm, "again", byte)
    said(vm, "again", "domu: up", times=3)
    vm.check("xl destroy again")


def action_preserve(vm, byte, **keys):
    end_by(vm, "kept", byte, **keys)
    until(vm, "xl list kept | tail -n 1 | grep -q ' ---*[sc]'")
    until(vm, "grep -q 'Action for shutdown reason code . is preserve' /var/log/xen/xl-kept.log")
    state_column = listed(vm)["kept"]
    assert ("c" if byte in "cf" else "s") in state_column
    vm.check("xl destroy kept")


def action_rename_restart(vm, byte, **keys):
    end_by(vm, "twin", byte, **keys)
    said(vm, "twin", "domu: up", times=2)
    names = sorted(listed(vm))
    assert len(names) == 2 and names[0] == "twin"
    assert re.fullmatch(r"twin-\d{8}T\d{4}Z", names[1])
    vm.check(f"xl destroy twin; xl destroy {names[1]}")


def test_crash_actions(host):  # noqa: F811
    """on_crash, for a guest that says it crashed and for one that faults."""
    before = state(host)
    action_destroy(host, "c", on_crash="destroy")
    action_destroy(host, "f", on_crash="destroy")
    action_restart(host, "c", on_crash="restart")
    action_preserve(host, "f", on_crash="preserve")
    action_rename_restart(host, "c", on_crash="rename-restart")
    same_state(host, before)


def test_end_actions(host):  # noqa: F811
    """on_poweroff and on_reboot; their defaults are destroy and restart."""
    before = state(host)
    action_destroy(host, "p")
    action_restart(host, "r")
    action_destroy(host, "r", on_reboot="destroy")
    action_restart(host, "p", on_poweroff="restart")
    action_preserve(host, "p", on_poweroff="preserve")
    action_rename_restart(host, "r", on_reboot="rename-restart")
    same_state(host, before)


def test_end_at_once(host):  # noqa: F811
    """A guest may end before xl has returned."""
    before = state(host)
    for what in "pcf":
        host.check(f"xl create {make_config(host, 'quick', cmdline=f'now={what}')}")
        until_gone(host, "quick")
    same_state(host, before)


def small_cycle(vm, config, n):
    if n % 2:
        vm.check(f"xl create -p {config} && xl destroy small")
    else:
        vm.check(f"xl create {config} && xl list small > /dev/null && xl destroy small")


def stock_cycle(vm, config):
    vm.check(f"rm -f {CONSOLE_LOGS}/guest-stock.log; xl create {config}", timeout=180)
    said(vm, "stock", "guest: up", timeout=300)
    vm.check("xl destroy stock")


@pytest.mark.parametrize("small,stock", [(10, 2), pytest.param(40, 10, marks=pytest.mark.full)])
def test_cycles(host, small, stock):  # noqa: F811
    """Guests come and go; everything in dom0 and the hypervisor is then as before."""
    host.check("truncate -s 1M /root/small.img")
    small_config = make_config(host, "small", disk=["/root/small.img,raw,xvda,rw"],
                               vif=["bridge=xenbr0"])
    stock_guest = stock_config(host, "stock", address="192.0.2.7", disk="/srv/guest/demo.img")
    small_cycle(host, small_config, 0)      # what is made at first use and stays
    stock_cycle(host, stock_guest)
    until_settled(host)
    before = state(host)
    for n in range(small):
        small_cycle(host, small_config, n)
        if n * stock // small != (n + 1) * stock // small:
            stock_cycle(host, stock_guest)
    same_state(host, before)


def test_xenconsoled_killed(host):  # noqa: F811
    """A new xenconsoled takes over the guests: consoles work again both ways, logs go on."""
    create_domu(host, "talker")
    typed(host, "talker", "hello\n")
    said(host, "talker", "^hello")
    before = state(host)
    host.check("kill -9 $(cat /run/xenconsoled.pid)")
    host.check("/usr/local/hospes/bin/xenconsoled --pid-file /run/xenconsoled.pid --log=guest "
               f"--log-dir={CONSOLE_LOGS}")
    until(host, "test -c \"$(xenstore-read /local/domain/$(xl domid talker)/console/tty)\"")
    typed(host, "talker", "still so\n")
    said(host, "talker", "^still so")
    same_state(host, before)
    create_domu(host, "second")             # and new guests get a console
    host.check("xl destroy second")
    typed(host, "talker", "p")
    until_gone(host, "talker")


def test_guest_does_not_wake_xenconsoled(host):  # noqa: F811
    """What a guest owns of its console's nodes, and may write as often as it likes, nobody watches."""
    create_domu(host, "writer")
    count = "$(awk '/^voluntary/ { print $2 }' /proc/$(pidof xenconsoled)/status)"
    woken = host.check(
        f"node=/local/domain/$(xl domid writer)/console/backend-id; before={count}; "
        f"for i in $(seq 100); do xenstore-write $node 0; done; echo $(({count} - before))")
    assert int(woken) < 50
    host.check("xl destroy writer")


def destroy_half_built(vm, before, name, create_again):
    """What a killed xl left is listed, goes by its id, and its name can be used again."""
    ids = vm.check("xl list | awk 'NR > 1 && $1 != \"Domain-0\" { print $2 }'").split()
    assert len(ids) == 1, f"not one half-built domain: {ids}"
    vm.check(f"xl destroy {ids[0]}")
    same_state(vm, before)
    vm.check(f"xl create -p {create_again} && xl list {name}", timeout=180)
    vm.check(f"xl destroy {name}")
    same_state(vm, before)


def test_create_killed_while_building(host):  # noqa: F811
    """kill -9 as soon as the hypervisor has the domain."""
    config = stock_config(host, "half", address="192.0.2.8", disk="/srv/guest/demo.img")
    host.check(f"xl create -p {config}; xl destroy half", timeout=180)
    before = state(host)
    host.check(f"xl create {config} > /dev/null 2>&1 & pid=$!; "
               "until [ $(xl list | wc -l) = 3 ]; do :; done; kill -9 $pid", timeout=180)
    destroy_half_built(host, before, "half", config)


BLOCKER = """#!/bin/sh
[ "$1" = online ] || exit 0
touch /root/blocked
until [ -e /root/go-on ]; do sleep 0.1; done
"""


def test_create_killed_while_attaching(host):  # noqa: F811
    """kill -9 when the disk is attached and the vif's script runs."""
    put_file(host, "/root/blocker", BLOCKER)
    host.check("chmod +x /root/blocker; truncate -s 1M /root/small.img")
    keys = {"disk": ["/root/small.img,raw,xvda,rw"], "vif": ["script=/root/blocker"]}
    config = make_config(host, "half", **keys)
    host.check(f"touch /root/go-on; xl create -p {config}; xl destroy half; rm /root/go-on "
               "/root/blocked")
    before = state(host)
    host.check(f"xl create {config} > /dev/null 2>&1 & pid=$!; "
               "until [ -e /root/blocked ]; do sleep 0.1; done; kill -9 $pid; touch /root/go-on")
    destroy_half_built(host, before, "half", config)


def test_create_interrupted(host):  # noqa: F811
    """Ctrl-C during a create removes what was made so far."""
    put_file(host, "/root/blocker", BLOCKER)
    host.check("chmod +x /root/blocker; truncate -s 1M /root/small.img")
    config = make_config(host, "half", disk=["/root/small.img,raw,xvda,rw"],
                         vif=["script=/root/blocker"])
    host.check(f"touch /root/go-on; xl create -p {config}; xl destroy half; rm /root/go-on "
               "/root/blocked")
    before = state(host)
    result = host.run(f"xl create {config} 2>&1 & pid=$!; "
                      "until [ -e /root/blocked ]; do sleep 0.1; done; kill -TERM $pid; "
                      "touch /root/go-on; wait $pid")
    assert result.status != 0 and "interrupted" in result.output
    same_state(host, before)


def test_two_creates_at_once(host):  # noqa: F811
    """Two xl race for one name and one disk: one wins, the other says why and leaves nothing."""
    host.check("truncate -s 1M /root/small.img")
    keys = {"disk": ["/root/small.img,raw,xvda,rw"]}
    one, two = make_config(host, "one", **keys), make_config(host, "two", **keys)
    host.check(f"xl create -p {one} && xl destroy one")
    before = state(host)
    result = host.run(f"xl create -p {one} > /root/1 2>&1 & a=$!; "
                      f"xl create -p {two} > /root/2 2>&1 & b=$!; "
                      "wait $a; a=$?; wait $b; echo $a $?; cat /root/1 /root/2")
    statuses = sorted(int(s) for s in result.output.splitlines()[0].split())
    assert statuses[0] == 0 and statuses[1] != 0, result.output
    assert re.search("in use by guest", result.output), result.output
    assert len(listed(host)) == 1
    host.check("xl destroy one || xl destroy two")
    same_state(host, before)
