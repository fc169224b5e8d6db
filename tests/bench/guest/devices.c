/* SPDX-License-Identifier: MIT */
/*
 * A guest's disks and its network: one request or one MiB at a time, and each is answered before
 * the next is made. `bench peer` in dom0 is the other end of the connection; echo requests are
 * answered by dom0's kernel.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define PAGE 4096
#define MIB  (1u << 20)
#define FEW  17

#define DOM0 "192.0.2.1"
#define PORT 5001
/* As the suite's configuration names them. */
#define FILE_DISK  "/dev/xvda"
#define BLOCK_DISK "/dev/xvdb"

static char buffer[MIB] __attribute__((aligned(PAGE)));
static int disk, echo, stream;

/* What a client of the peer asks for: it sends so many bytes, and wants so many. */
struct order {
    uint32_t sent, wanted;
};

static void open_disk(const char *path) {
    disk = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (disk < 0) die(path);
}

static void open_file_disk(void) { open_disk(FILE_DISK); }

static void open_block_disk(void) { open_disk(BLOCK_DISK); }

static void close_disk(void) { close(disk); }

static void read_disk(unsigned int at, size_t size) {
    if (pread(disk, buffer, size, (off_t)(at * size)) != (ssize_t)size) die("read");
}

static void write_disk(unsigned int at, size_t size) {
    if (pwrite(disk, buffer, size, (off_t)(at * size)) != (ssize_t)size) die("write");
}

static void read_page(unsigned int at) { read_disk(at, PAGE); }

static void write_page(unsigned int at) { write_disk(at, PAGE); }

static void read_mib(unsigned int at) { read_disk(at, MIB); }

static void write_mib(unsigned int at) { write_disk(at, MIB); }

static const struct sockaddr_in *dom0_at(uint16_t port) {
    static struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_port = htons(port);
    inet_pton(AF_INET, DOM0, &address.sin_addr);
    return &address;
}

static uint16_t checksum(const void *data, size_t size) {
    const uint16_t *word = data;
    uint32_t sum = 0;

    for (size_t i = 0; i < size / 2; i++) sum += word[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void ping(unsigned int at) {
    struct {
        struct icmphdr header;
        char data[56];
    } request = {.header = {.type = ICMP_ECHO, .un.echo.sequence = htons((uint16_t)at)}};
    struct {
        struct iphdr ip;
        struct icmphdr header;
        char data[56];
    } reply;

    request.header.checksum = checksum(&request, sizeof(request));
    if (sendto(echo, &request, sizeof(request), 0, (const struct sockaddr *)dom0_at(0),
               sizeof(struct sockaddr_in)) != sizeof(request))
        die("ping");
    do {
        if (recv(echo, &reply, sizeof(reply), 0) != sizeof(reply)) die("no answer to a ping");
    } while (reply.header.type != ICMP_ECHOREPLY ||
             reply.header.un.echo.sequence != request.header.un.echo.sequence);
}

static void open_echo(void) {
    struct timeval timeout = {.tv_sec = 5};

    echo = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (echo < 0 || setsockopt(echo, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
        die("raw socket");
}

static void close_echo(void) { close(echo); }

static void exactly(int fd, bool out, size_t size) {
    while (size) {
        size_t part = size < sizeof(buffer) ? size : sizeof(buffer);
        ssize_t n = out ? write(fd, buffer, part) : read(fd, buffer, part);

        if (n <= 0) die("connection");
        size -= (size_t)n;
    }
}

static void open_stream(void) {
    int on = 1;

    stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream < 0 || setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
        connect(stream, (const struct sockaddr *)dom0_at(PORT), sizeof(struct sockaddr_in)))
        die("connection to " DOM0);
}

static void close_stream(void) { close(stream); }

static void exchange(uint32_t sent, uint32_t wanted) {
    struct order order = {sent, wanted};

    if (write(stream, &order, sizeof(order)) != sizeof(order)) die("connection");
    exactly(stream, true, sent);
    exactly(stream, false, wanted);
}

static void byte_and_back(unsigned int at) {
    (void)at;
    exchange(0, 1);
}

static void send_mib(unsigned int at) {
    (void)at;
    exchange(MIB, 1);
}

static void get_mib(unsigned int at) {
    (void)at;
    exchange(0, MIB);
}

static const struct operation operations[] = {
    NO_OPERATION,
    {"disk in a file: read of 4 KiB", MOST, open_file_disk, read_page, NULL},
    {"disk in a file: write of 4 KiB", MOST, NULL, write_page, NULL},
    {"disk in a file: read of 1 MiB", FEW, NULL, read_mib, NULL},
    {"disk in a file: write of 1 MiB", FEW, NULL, write_mib, close_disk},
    {"block device: read of 4 KiB", MOST, open_block_disk, read_page, NULL},
    {"block device: write of 4 KiB", MOST, NULL, write_page, NULL},
    {"block device: read of 1 MiB", FEW, NULL, read_mib, NULL},
    {"block device: write of 1 MiB", FEW, NULL, write_mib, close_disk},
    {"network: ping", MOST, open_echo, ping, close_echo},
    {"network: TCP, a few bytes and an answer", MOST, open_stream, byte_and_back, NULL},
    {"network: TCP, 1 MiB from the guest", FEW, NULL, send_mib, NULL},
    {"network: TCP, 1 MiB to the guest", FEW, NULL, get_mib, close_stream},
};

/* Modules in the order of the ramdisk's list; the devices show in their own time. */
static const char setup[] =
    "b=/bin/busybox; dir=/modules/$($b uname -r)\n"
    "while read -r module; do $b insmod $dir/$module; done < $dir/order\n"
    "until [ -b " FILE_DISK " ] && [ -b " BLOCK_DISK " ] && [ -e /sys/class/net/eth0 ]; do\n"
    "  $b sleep 0.1\ndone\n"
    "$b ip addr add 192.0.2.2/24 dev eth0 && $b ip link set eth0 up || exit 1\n"
    "until $b ping -q -c 1 -W 1 " DOM0 " > /dev/null; do $b sleep 0.1; done\n";

static void set_up(void) {
    mkdir("/sys", 0755);
    if (mount("sysfs", "/sys", "sysfs", 0, NULL)) die("/sys");
    if (!shell(setup)) die("devices");
}

int run_devices(const char *only) {
    set_up();
    measure_all(operations, sizeof(operations) / sizeof(*operations), only);
    return 0;
}

int run_peer(void) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    struct order order;

    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(listener, (const struct sockaddr *)dom0_at(PORT), sizeof(struct sockaddr_in)) ||
        listen(listener, 1))
        die("peer");
    if (daemon(0, 0)) die("daemon");
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        while (read(fd, &order, sizeof(order)) == sizeof(order)) {
            exactly(fd, false, order.sent);
            exactly(fd, true, order.wanted);
        }
        close(fd);
    }
    return 1;
}
