/* SPDX-License-Identifier: MIT */
/*
 * Included first everywhere by the Makefile: declarations, too, are hidden, so that compilers
 * address everything relative to RIP and there is no GOT.
 */
#pragma GCC visibility push(hidden)
