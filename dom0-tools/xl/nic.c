/* SPDX-License-Identifier: MIT */
/*
 * Virtual interfaces.  One without a script of its own is put into its bridge here; with
 * script= the script does everything, as stock's contract says.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "xsutil.h"

#define DEFAULT_BRIDGE "xenbr0"

static const char *bridge_of(const struct nic_cfg *nic) {
    return nic->bridge ? nic->bridge : DEFAULT_BRIDGE;
}

int nic_write(struct xl *xl, domid_t domid, const struct nic_cfg *nic, struct device *dev,
              struct err *err) {
    struct node_list back = {0}, front = {0};
    char mac[18];
    int rc;

    device_init(dev, "vif", domid, nic->devid);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", nic->mac[0], nic->mac[1],
             nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5]);
    nodes_add(&back, "online", xstrdup("1"));
    nodes_add(&back, "state", xstrdup("1"));
    nodes_add(&back, "script", script_path(nic->script, "vif-bridge"));
    if (nic->ifname) nodes_add(&back, "vifname", xstrdup(nic->ifname));
    nodes_add(&back, "mac", xstrdup(mac));
    if (nic->ip) nodes_add(&back, "ip", xstrdup(nic->ip));
    if (nic->gatewaydev) nodes_add(&back, "gatewaydev", xstrdup(nic->gatewaydev));
    if (nic->rate_bytes)
        nodes_add(&back, "rate",
                  xasprintf("%llu,%u", (unsigned long long)nic->rate_bytes, nic->rate_usecs));
    if (nic->mtu) nodes_add(&back, "mtu", xasprintf("%d", nic->mtu));
    nodes_add(&back, "bridge", xstrdup(bridge_of(nic)));
    nodes_add(&back, "handle", xasprintf("%d", nic->devid));
    nodes_add(&back, "type", xstrdup("vif"));
    nodes_add(&back, "hotplug-status", xstrdup(""));
    nodes_add(&front, "backend-id", xstrdup("0"));
    nodes_add(&front, "state", xstrdup("1"));
    nodes_add(&front, "handle", xasprintf("%d", nic->devid));
    nodes_add(&front, "trusted", xstrdup("1"));
    nodes_add(&front, "mac", xstrdup(mac));
    if (nic->mtu) nodes_add(&front, "mtu", xasprintf("%d", nic->mtu));
    rc = device_write(xl, dev, &back, &front, err);
    nodes_free(&back);
    nodes_free(&front);
    return rc;
}

/* ---- the interface in dom0 ---- */

static struct ifreq request(const char *name) {
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    return r;
}

static int set_up(int s, const char *name, bool up) {
    struct ifreq r = request(name);

    if (ioctl(s, SIOCGIFFLAGS, &r)) return -errno;
    if (up)
        r.ifr_flags |= IFF_UP;
    else
        r.ifr_flags &= ~IFF_UP;
    return ioctl(s, SIOCSIFFLAGS, &r) ? -errno : 0;
}

/* dom0's end never sends of itself, so all share the highest address: a bridge takes its own
 * address from the lowest, and must not change it when a guest comes. */
static int set_address(int s, const char *name) {
    static const uint8_t high[6] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct ifreq r = request(name);

    r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(r.ifr_hwaddr.sa_data, high, sizeof(high));
    return ioctl(s, SIOCSIFHWADDR, &r) ? -errno : 0;
}

static int rename_interface(int s, const char *from, const char *to, struct err *err) {
    struct ifreq r = request(from);

    snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%s", to);
    if (!ioctl(s, SIOCSIFNAME, &r)) return 0;
    return err_set(err, -errno, "cannot rename %s to %s: %s%s", from, to, strerror(errno),
                   errno == EEXIST ? "; choose another vifname" : "");
}

static int get_mtu(int s, const char *name) {
    struct ifreq r = request(name);

    return ioctl(s, SIOCGIFMTU, &r) ? -errno : r.ifr_mtu;
}

static int set_mtu(int s, const char *name, int mtu) {
    struct ifreq r = request(name);

    r.ifr_mtu = mtu;
    return ioctl(s, SIOCSIFMTU, &r) ? -errno : 0;
}

static int join_bridge(int s, const char *bridge, const char *name, struct err *err) {
    struct ifreq r = request(bridge);

    r.ifr_ifindex = (int)if_nametoindex(name);
    if (!r.ifr_ifindex)
        return err_set(err, -errno, "interface %s has gone: %s", name, strerror(errno));
    if (!ioctl(s, SIOCBRADDIF, &r) || errno == EBUSY) /* EBUSY: already a member */
        return 0;
    return err_set(err, -errno, "cannot put %s into bridge %s: %s", name, bridge,
                   errno == EOPNOTSUPP ? "it is not a bridge" : strerror(errno));
}

static int set_up_interface(int s, const char *name, const struct nic_cfg *nic, int *mtu,
                            struct err *err) {
    const char *bridge = bridge_of(nic), *step = "take down";
    int rc;

    *mtu = nic->mtu ? nic->mtu : get_mtu(s, bridge);
    rc = set_up(s, name, false);
    if (!rc) {
        step = "set the address of";
        rc = set_address(s, name);
    }
    if (!rc && *mtu > 0) {
        step = "set the MTU of";
        rc = set_mtu(s, name, *mtu);
    }
    if (rc) return err_set(err, rc, "cannot %s %s: %s", step, name, strerror(-rc));
    rc = join_bridge(s, bridge, name, err);
    if (rc) return rc;
    rc = set_up(s, name, true);
    return rc ? err_set(err, rc, "cannot bring %s up: %s", name, strerror(-rc)) : 0;
}

static int attach_bridge(struct xl *xl, const struct device *dev, const struct nic_cfg *nic,
                         struct err *err) {
    int s, rc = 0, mtu = 0;
    char vif[IFNAMSIZ], *path;
    const char *name = vif;

    if (!if_nametoindex(bridge_of(nic)))
        return err_set(err, -ENODEV,
                       "bridge %s does not exist; make it with: ip link add %s type "
                       "bridge && ip link set %s up",
                       bridge_of(nic), bridge_of(nic), bridge_of(nic));
    s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) return err_set(err, -errno, "socket: %s", strerror(errno));
    snprintf(vif, sizeof(vif), "vif%u.%d", dev->domid, dev->id);
    if (nic->ifname) {
        rc = rename_interface(s, vif, nic->ifname, err);
        name = nic->ifname;
    }
    if (!rc) rc = set_up_interface(s, name, nic, &mtu, err);
    close(s);
    if (rc) return rc;
    path = xasprintf("%s/mtu", dev->frontend);
    if (mtu > 0) xsu_writef(xl->xs, XBT_NULL, path, "%d", mtu);
    free(path);
    path = xasprintf("%s/hotplug-status", dev->backend);
    if (!xsu_write(xl->xs, XBT_NULL, path, "connected"))
        rc = err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
    free(path);
    return rc;
}

/* The script's environment: the interface as the kernel named it, the configured gateway. */
static int run_script(struct xl *xl, const struct device *dev, const char *script,
                      const char *action, struct err *err) {
    const char *args[] = {action, "type_if=vif", NULL};
    char *gateway = xsu_read(xl->xs, XBT_NULL, "%s/gatewaydev", dev->backend);
    char *vif = xasprintf("vif%u.%d", dev->domid, dev->id);
    const char *env[] = {"netdev", gateway ? gateway : "", "vif", vif, NULL};
    int rc = hotplug_run(xl, dev, script, args, env, err);

    free(vif);
    free(gateway);
    return rc;
}

int nic_attach(struct xl *xl, const struct device *dev, const struct nic_cfg *nic,
               struct err *err) {
    char *script;
    int rc;

    if (!nic->script) return attach_bridge(xl, dev, nic, err);
    script = script_path(nic->script, NULL);
    rc = run_script(xl, dev, script, "online", err);
    free(script);
    return rc;
}

void nic_detach(struct xl *xl, const struct device *dev, bool scripted) {
    char *script = xsu_read(xl->xs, XBT_NULL, "%s/script", dev->backend);
    struct err err;

    /* Built-in: netback takes the interface, and with it the bridge port, away. */
    if (script && (scripted || strcmp(script, SCRIPT_DIR "/vif-bridge")) &&
        run_script(xl, dev, script, "offline", &err))
        fprintf(stderr, "xl: warning: vif %d: %s\n", dev->id, err.text);
    free(script);
}
