/* SPDX-License-Identifier: MIT */
/* What peers.c and its peer's handler (stubs.S) agree on. */
#pragma once

/* Where the peer has its shared page. */
#define PEER_SHARED_VA 0x406000
/* Behind the mailbox: the time of the handler's first instruction; the port that it answers by. */
#define PEER_STAMP 80
#define PEER_REPLY 88
