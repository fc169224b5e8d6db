/* SPDX-License-Identifier: MIT */
/* Requests: from the bytes of one message to the reply. */
#pragma once

struct conn;

/* Handles the request whose header is c->req and whose payload is data; queues the reply. */
void request_handle(struct conn *c, char *data);
/* The operation's name, for messages. */
const char *request_name(unsigned int type);
