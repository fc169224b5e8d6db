/* SPDX-License-Identifier: MIT */
/*
 * States of a device, kept by either end in its own xenstore node "state" and watched by the
 * other. Usual course: the back end goes to InitWait when it is ready to be told the rings; the
 * front end publishes them and goes to Initialised (or, for some devices, straight to Connected);
 * both become Connected. The end passes through Closing to Closed.
 */
#ifndef _XEN_PUBLIC_IO_XENBUS_H
#define _XEN_PUBLIC_IO_XENBUS_H

enum xenbus_state {
    XenbusStateUnknown = 0,
    XenbusStateInitialising = 1,
    XenbusStateInitWait = 2,
    XenbusStateInitialised = 3,
    XenbusStateConnected = 4,
    XenbusStateClosing = 5,
    XenbusStateClosed = 6,
    XenbusStateReconfiguring = 7,
    XenbusStateReconfigured = 8
};
typedef enum xenbus_state XenbusState;

#endif /* _XEN_PUBLIC_IO_XENBUS_H */
