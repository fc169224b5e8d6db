/* SPDX-License-Identifier: MIT */
/*
 * The table of commands, in the order and with the summaries of stock xl 4.17, so that prefixes
 * mean the same.  Commands that are not here yet say so and exit with 1.
 */
#include "commands.h"

#include <stdlib.h>

static int not_yet(struct xl *xl, int argc, char **argv) {
    (void)argc;
    (void)argv;
    fprintf(stderr, "xl %s: not supported by Hospes yet\n", xl->command->name);
    return EXIT_FAILURE;
}

static int not_pv(struct xl *xl, int argc, char **argv) {
    (void)argc;
    (void)argv;
    fprintf(stderr, "xl %s: not applicable to PV\n", xl->command->name);
    return EXIT_FAILURE;
}

#define STUB(fn, n, s, u)                                                                          \
    (&(const struct command){.name = n, .summary = s, .usage = u, .flags = CMD_OFFLINE, .run = fn})
#define NOT_YET(n, s, u) STUB(not_yet, n, s, u)
#define NOT_PV(n, s, u)  STUB(not_pv, n, s, u)

const struct command *const commands[] = {
    &command_create,
    NOT_YET("config-update",
            "Update a running domain's saved configuration, used when rebuilding the domain after "
            "reboot.\nWARNING: xl now has better capability to manage domain configuration, avoid "
            "using this command when possible",
            "<Domain> <ConfigFile> [options] [vars]"),
    &command_list,
    &command_destroy,
    &command_shutdown,
    &command_reboot,
    NOT_YET("pci-attach", "Insert a new pass-through pci device", "<Domain> <PCI_SPEC_STRING>"),
    NOT_YET("pci-detach", "Remove a domain's pass-through pci device",
            "<Domain> <PCI_SPEC_STRING>"),
    NOT_YET("pci-list", "List pass-through pci devices for a domain", "<Domain>"),
    NOT_YET("pci-assignable-add", "Make a device assignable for pci-passthru", "[options] <BDF>"),
    NOT_YET("pci-assignable-remove", "Remove a device from being assignable",
            "[options] <BDF>|NAME"),
    NOT_YET("pci-assignable-list", "List all the assignable pci devices", "[options]"),
    &command_pause,
    &command_unpause,
    &command_console,
    NOT_YET("vncviewer", "Attach to domain's VNC server.", "[options] <Domain>"),
    NOT_YET("save", "Save a domain state to restore later",
            "[options] <Domain> <CheckpointFile> [<ConfigFile>]"),
    NOT_YET("migrate", "Migrate a domain to another host", "[options] <Domain> <host>"),
    NOT_YET("restore", "Restore a domain from a saved state",
            "[options] [<ConfigFile>] <CheckpointFile>"),
    NOT_YET("migrate-receive", "Restore a domain from a saved state", "- for internal use only"),
    &command_dump_core,
    NOT_PV("cd-insert", "Insert a cdrom into a guest's cd drive",
           "<Domain> <VirtualDevice> <path>"),
    NOT_PV("cd-eject", "Eject a cdrom from a guest's cd drive", "<Domain> <VirtualDevice>"),
    NOT_YET("mem-max", "Set the maximum amount reservation for a domain", "<Domain> <MemMB>"),
    NOT_YET("mem-set", "Set the current memory usage for a domain", "<Domain> <MemMB>"),
    NOT_PV("button-press", "Indicate an ACPI button press to the domain", "<Domain> <Button>"),
    &command_vcpu_list,
    NOT_YET("vcpu-pin", "Set which CPUs a VCPU can use",
            "[option] <Domain> <VCPU|all> <Hard affinity|-|all> <Soft affinity|-|all>"),
    NOT_YET("vcpu-set", "Set the number of active VCPUs allowed for the domain",
            "[option] <Domain> <vCPUs>"),
    &command_vm_list,
    &command_info,
    NOT_PV("sharing", "Get information about page sharing", "[Domain]"),
    NOT_YET("sched-credit", "Get/set credit scheduler parameters", "[-d <Domain>]"),
    NOT_YET("sched-credit2", "Get/set credit2 scheduler parameters", "[-d <Domain>]"),
    NOT_YET("sched-rtds", "Get/set rtds scheduler parameters", "[-d <Domain>]"),
    &command_domid,
    &command_domname,
    &command_rename,
    NOT_YET("trigger", "Send a trigger to a domain",
            "<Domain> <nmi|reset|init|power|sleep|s3resume> [<VCPU>]"),
    &command_sysrq,
    &command_debug_keys,
    NOT_YET("set-parameters", "Set hypervisor parameters", "<Params>"),
    &command_dmesg,
    NOT_YET("top", "Monitor a host and the domains in real time", ""),
    NOT_YET("network-attach", "Create a new virtual network device", "<Domain> [mac=<mac>]"),
    NOT_YET("network-list", "List virtual network interfaces for a domain", "<Domain(s)>"),
    NOT_YET("network-detach", "Destroy a domain's virtual network device", "<Domain> <DevId|mac>"),
    NOT_YET("channel-list", "List virtual channel devices for a domain", "<Domain(s)>"),
    NOT_YET("block-attach", "Create a new virtual block device",
            "<Domain> <disk-spec-component(s)>..."),
    NOT_YET("block-list", "List virtual block devices for a domain", "<Domain(s)>"),
    NOT_YET("block-detach", "Destroy a domain's virtual block device", "[option] <Domain> <DevId>"),
    NOT_YET("vtpm-attach", "Create a new virtual TPM device", "<Domain>"),
    NOT_YET("vtpm-list", "List virtual TPM devices for a domain", "<Domain(s)>"),
    NOT_YET("vtpm-detach", "Destroy a domain's virtual TPM device", "<Domain> <DevId|uuid>"),
    NOT_YET("vkb-attach", "Create a new virtual keyboard device", "<Domain>"),
    NOT_YET("vkb-list", "List virtual keyboard devices for a domain", "<Domain(s)>"),
    NOT_YET("vkb-detach", "Destroy a domain's virtual keyboard device", "<Domain> <DevId>"),
    NOT_YET("vdispl-attach", "Create a new virtual display device", "<Domain>"),
    NOT_YET("vdispl-list", "List virtual display devices for a domain", "<Domain(s)>"),
    NOT_YET("vdispl-detach", "Destroy a domain's virtual display device", "<Domain> <DevId>"),
    NOT_YET("vsnd-attach", "Create a new virtual sound device", "<Domain>"),
    NOT_YET("vsnd-list", "List virtual display devices for a domain", "<Domain(s)>"),
    NOT_YET("vsnd-detach", "Destroy a domain's virtual sound device", "<Domain> <DevId>"),
    &command_uptime,
    NOT_YET("claims", "List outstanding claim information about all domains", ""),
    NOT_YET("cpupool-create", "Create a new CPU pool", "[<ConfigFile>] [options] [vars]"),
    NOT_YET("cpupool-list", "List CPU pools on host", "[-c|--cpus] [<CPU Pool>]"),
    NOT_YET("cpupool-destroy", "Deactivates a CPU pool", "<CPU Pool>"),
    NOT_YET("cpupool-rename", "Renames a CPU pool", "<CPU Pool> <new name>"),
    NOT_YET("cpupool-cpu-add", "Adds a CPU to a CPU pool", "<CPU Pool> <CPU nr>"),
    NOT_YET("cpupool-cpu-remove", "Removes a CPU from a CPU pool", "<CPU Pool> <CPU nr>"),
    NOT_YET("cpupool-migrate", "Moves a domain into a CPU pool", "<Domain> <CPU Pool>"),
    NOT_YET("cpupool-numa-split", "Splits up the machine into one CPU pool per NUMA node", ""),
    NOT_YET("getenforce", "Returns the current enforcing mode of the Flask Xen security module",
            ""),
    NOT_YET("setenforce", "Sets the current enforcing mode of the Flask Xen security module",
            "<1|0|Enforcing|Permissive>"),
    NOT_YET("loadpolicy", "Loads a new policy into the Flask Xen security module", "<policy file>"),
    NOT_YET("remus", "Enable Remus HA for domain", "[options] <Domain> [<host>]"),
    NOT_YET("devd", "Daemon that listens for devices and launches backends", "[options]"),
    NOT_PV("psr-hwinfo", "Show hardware information for Platform Shared Resource", "[options]"),
    NOT_PV("psr-cmt-attach", "Attach Cache Monitoring Technology service to a domain", "<Domain>"),
    NOT_PV("psr-cmt-detach", "Detach Cache Monitoring Technology service from a domain",
           "<Domain>"),
    NOT_PV("psr-cmt-show", "Show Cache Monitoring Technology information",
           "<PSR-CMT-Type> <Domain>"),
    NOT_PV("psr-cat-set", "Set cache capacity bitmasks(CBM) for a domain",
           "[options] <Domain> <CBM>"),
    NOT_PV("psr-cat-show", "Show Cache Allocation Technology information", "[options] <Domain>"),
    NOT_PV("psr-mba-set", "Set throttling value (THRTL) for a domain",
           "[options] <Domain> <THRTL>"),
    NOT_PV("psr-mba-show", "Show Memory Bandwidth Allocation information", "<Domain>"),
    NOT_YET("usbctrl-attach", "Create a virtual USB controller for a domain",
            "<Domain> [type=pv] [version=<version>] [ports=<number>]"),
    NOT_YET("usbctrl-detach", "Remove the virtual USB controller specified by <DevId> for a domain",
            "<Domain> <DevId>"),
    NOT_YET("usbdev-attach", "Attach a USB device to a domain",
            "<Domain> hostbus=<busnum> hostaddr=<devnum> [controller=<DevId> [port=<port>]]"),
    NOT_YET("usbdev-detach", "Detach a USB device from a domain", "<Domain> <controller> <port>"),
    NOT_YET("usb-list", "List information about all USB controllers and devices for a domain",
            "<Domain>"),
    NOT_PV("qemu-monitor-command", "Issue a qemu monitor command to the device model of a domain",
           "<Domain> <Command>"),
    NULL,
};
