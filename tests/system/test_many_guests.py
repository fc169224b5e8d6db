# SPDX-License-Identifier: MIT
"""Five hundred small guests at once: each runs, each is listed, any can be talked to and destroyed,
and when all have gone nothing is left. What the commands take with 1 and with 500 guests is printed,
not judged."""
import re

import pytest

from conftest import boot, two_busy_cpus
from guests import DOMU, domu_image, make_config, put_file, said, same_state, state, typed, until

GUESTS = 500
# One configuration serves all; the name comes as an override.
CREATE = """
set -e
for n in $(seq {first} {last}); do
    xl create -q /root/many.cfg name='"many-'$n'"' || {{ echo "create of many-$n failed"; exit 1; }}
done
"""
DESTROY = """
for n in $(seq {first} {last}); do xl destroy many-$n || echo "many-$n not destroyed"; done
"""
TIMED = "TIMEFORMAT=%R; time {command} > /dev/null"


def seconds(vm, command):
    text = vm.check(TIMED.format(command=command))
    return float(re.search(r"[\d.]+\s*$", text).group())


def figures(vm, guests):
    figure = {what: seconds(vm, command) for what, command in {
        "list": "xl list", "list -l": "xl list -l", "vcpu-list of one": "xl vcpu-list many-1",
        "create": "xl create -q /root/many.cfg name='\"extra\"'", "destroy": "xl destroy extra",
        "xenstore-read": "xenstore-read /local/domain/0/name"}.items()}
    print(f"with {guests} guests, seconds in dom0: {figure}")


def five_hundred(vm):
    put_file(vm, DOMU, domu_image())
    make_config(vm, "many", memory=4)
    vm.check(CREATE.format(first=1, last=1))
    before = state(vm)
    figures(vm, 1)
    free = int(vm.check("xl info | awk '/^free_memory/ { print $3 }'"))
    vm.check(CREATE.format(first=2, last=GUESTS), 3000)
    assert vm.check("xl list | grep -c many-").strip() == str(GUESTS)
    until(vm, f"[ $(cat /var/log/xen/console/guest-many-*.log | grep -c 'domu: up') = {GUESTS} ]",
          600, "not every guest has started")
    used = free - int(vm.check("xl info | awk '/^free_memory/ { print $3 }'"))
    print(f"{used * 1024 / (GUESTS - 1):.0f} KiB of memory a guest of 4 MiB")
    figures(vm, GUESTS)
    for name in ("many-1", f"many-{GUESTS // 2}", f"many-{GUESTS}"):
        typed(vm, name, "hullo")
        said(vm, name, "hullo")
    vm.check(DESTROY.format(first=2, last=GUESTS), 3000)
    same_state(vm, before, 120)
    vm.audit()


@pytest.mark.full
@pytest.mark.hospes
@pytest.mark.ours
@two_busy_cpus
def test_five_hundred_guests(request):
    vm = boot(request, "hospes", "ours", smp="2", mem="8G", dom0_mem="2G", words=["guests=none"])
    try:
        five_hundred(vm)
    finally:
        vm.__exit__()
