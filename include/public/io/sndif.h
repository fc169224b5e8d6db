/* SPDX-License-Identifier: MIT */
/*
 * Sound cards: a card has devices, a device has streams, a stream plays or captures.
 *
 * Back end's node: versions, a list. Front end's nodes: version; for the card short-name and
 * long-name; for device D, below D/, name; for stream S, below D/S/: type (p or c) and unique-id,
 * ring-ref and event-channel for requests, evt-ring-ref and evt-event-channel for events.
 * channels-min, channels-max, sample-rates, sample-formats and buffer-size (bytes) limit what can
 * be chosen; they stand at the card, a device or a stream, and the lower level narrows the upper
 * one. All but version, rings and ports are written by the tools.
 *
 *  1. The back end opens its device and goes to InitWait. The front end writes rings and ports of
 *     every stream and goes to Initialised; the back end maps them and goes to Connected, and so
 *     does the front end.
 *  2. HW_PARAM_QUERY, as often as needed: the front end narrows some ranges, the back end answers
 *     with what is still possible within them.
 *  3. OPEN: the parameters and a buffer of the front end's pages.
 *  4. Playing: the front end puts samples into the buffer and names them by WRITE. Capturing: READ
 *     names the place where samples are wanted. TRIGGER starts, pauses and stops. An event tells
 *     the position whenever period_sz bytes more have been played or captured.
 *  5. CLOSE: the front end has its pages back with the response.
 *
 * Every request, response and event is 64 bytes; what is reserved is 0. A grant of 0 is none.
 */
#ifndef __XEN_PUBLIC_IO_SNDIF_H__
#define __XEN_PUBLIC_IO_SNDIF_H__

#include "ring.h"
#include "../grant_table.h"

#define XENSND_PROTOCOL_VERSION 2

/* Formats of a sample: signed, unsigned, floating (-1.0 to 1.0), its bits and order of bytes. */
#define XENSND_PCM_FORMAT_S8 0
#define XENSND_PCM_FORMAT_U8 1
#define XENSND_PCM_FORMAT_S16_LE 2
#define XENSND_PCM_FORMAT_S16_BE 3
#define XENSND_PCM_FORMAT_U16_LE 4
#define XENSND_PCM_FORMAT_U16_BE 5
#define XENSND_PCM_FORMAT_S24_LE 6
#define XENSND_PCM_FORMAT_S24_BE 7
#define XENSND_PCM_FORMAT_U24_LE 8
#define XENSND_PCM_FORMAT_U24_BE 9
#define XENSND_PCM_FORMAT_S32_LE 10
#define XENSND_PCM_FORMAT_S32_BE 11
#define XENSND_PCM_FORMAT_U32_LE 12
#define XENSND_PCM_FORMAT_U32_BE 13
#define XENSND_PCM_FORMAT_F32_LE 14
#define XENSND_PCM_FORMAT_F32_BE 15
#define XENSND_PCM_FORMAT_F64_LE 16
#define XENSND_PCM_FORMAT_F64_BE 17
#define XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE 18
#define XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE 19
#define XENSND_PCM_FORMAT_MU_LAW 20
#define XENSND_PCM_FORMAT_A_LAW 21
#define XENSND_PCM_FORMAT_IMA_ADPCM 22
#define XENSND_PCM_FORMAT_MPEG 23
#define XENSND_PCM_FORMAT_GSM 24

/* xensnd_req.operation */
#define XENSND_OP_OPEN 0           /* open */
#define XENSND_OP_CLOSE 1          /* no argument */
#define XENSND_OP_READ 2           /* rw */
#define XENSND_OP_WRITE 3          /* rw */
#define XENSND_OP_SET_VOLUME 4     /* rw: an int32_t for each channel, in 0.001 dB */
#define XENSND_OP_GET_VOLUME 5     /* rw: the same, written by the back end */
#define XENSND_OP_MUTE 6           /* rw: a byte for each channel, not 0 if it is meant */
#define XENSND_OP_UNMUTE 7         /* rw: the same */
#define XENSND_OP_TRIGGER 8        /* trigger */
#define XENSND_OP_HW_PARAM_QUERY 9 /* hw_param */

/* xensnd_trigger_req.type */
#define XENSND_OP_TRIGGER_START 0
#define XENSND_OP_TRIGGER_PAUSE 1
#define XENSND_OP_TRIGGER_STOP 2
#define XENSND_OP_TRIGGER_RESUME 3

/* xensnd_evt.type */
#define XENSND_EVT_CUR_POS 0

/* Names, separators and values in xenstore. */
#define XENSND_DRIVER_NAME "vsnd"

#define XENSND_LIST_SEPARATOR ","

#define XENSND_FIELD_BE_VERSIONS "versions"
#define XENSND_FIELD_FE_VERSION "version"
#define XENSND_FIELD_VCARD_SHORT_NAME "short-name"
#define XENSND_FIELD_VCARD_LONG_NAME "long-name"
#define XENSND_FIELD_RING_REF "ring-ref"
#define XENSND_FIELD_EVT_CHNL "event-channel"
#define XENSND_FIELD_EVT_RING_REF "evt-ring-ref"
#define XENSND_FIELD_EVT_EVT_CHNL "evt-event-channel"
#define XENSND_FIELD_DEVICE_NAME "name"
#define XENSND_FIELD_TYPE "type"
#define XENSND_FIELD_STREAM_UNIQUE_ID "unique-id"
#define XENSND_FIELD_CHANNELS_MIN "channels-min"
#define XENSND_FIELD_CHANNELS_MAX "channels-max"
#define XENSND_FIELD_SAMPLE_RATES "sample-rates"
#define XENSND_FIELD_SAMPLE_FORMATS "sample-formats"
#define XENSND_FIELD_BUFFER_SIZE "buffer-size"

#define XENSND_STREAM_TYPE_PLAYBACK "p"
#define XENSND_STREAM_TYPE_CAPTURE "c"

/* Room that an entry of sample-rates and of sample-formats needs. */
#define XENSND_SAMPLE_RATE_MAX_LEN 11
#define XENSND_SAMPLE_FORMAT_MAX_LEN 24

#define XENSND_PCM_FORMAT_S8_STR "s8"
#define XENSND_PCM_FORMAT_U8_STR "u8"
#define XENSND_PCM_FORMAT_S16_LE_STR "s16_le"
#define XENSND_PCM_FORMAT_S16_BE_STR "s16_be"
#define XENSND_PCM_FORMAT_U16_LE_STR "u16_le"
#define XENSND_PCM_FORMAT_U16_BE_STR "u16_be"
#define XENSND_PCM_FORMAT_S24_LE_STR "s24_le"
#define XENSND_PCM_FORMAT_S24_BE_STR "s24_be"
#define XENSND_PCM_FORMAT_U24_LE_STR "u24_le"
#define XENSND_PCM_FORMAT_U24_BE_STR "u24_be"
#define XENSND_PCM_FORMAT_S32_LE_STR "s32_le"
#define XENSND_PCM_FORMAT_S32_BE_STR "s32_be"
#define XENSND_PCM_FORMAT_U32_LE_STR "u32_le"
#define XENSND_PCM_FORMAT_U32_BE_STR "u32_be"
#define XENSND_PCM_FORMAT_F32_LE_STR "float_le"
#define XENSND_PCM_FORMAT_F32_BE_STR "float_be"
#define XENSND_PCM_FORMAT_F64_LE_STR "float64_le"
#define XENSND_PCM_FORMAT_F64_BE_STR "float64_be"
#define XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE_STR "iec958_subframe_le"
#define XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE_STR "iec958_subframe_be"
#define XENSND_PCM_FORMAT_MU_LAW_STR "mu_law"
#define XENSND_PCM_FORMAT_A_LAW_STR "a_law"
#define XENSND_PCM_FORMAT_IMA_ADPCM_STR "ima_adpcm"
#define XENSND_PCM_FORMAT_MPEG_STR "mpeg"
#define XENSND_PCM_FORMAT_GSM_STR "gsm"

/* OPEN: the buffer's pages are the front end's; it allocates, grants and links the directory. */
struct xensnd_open_req {
    uint32_t pcm_rate;    /* samples a second */
    uint8_t pcm_format;   /* XENSND_PCM_FORMAT_* */
    uint8_t pcm_channels; /* within channels-min and -max */
    uint16_t reserved;
    uint32_t buffer_sz;         /* bytes; says how many grants there are */
    grant_ref_t gref_directory; /* the first page of the directory */
    uint32_t period_sz;         /* bytes between events; 0: none wanted */
};

/* A page of a directory: as many grants as fit into it. */
struct xensnd_page_directory {
    grant_ref_t gref_dir_next_page; /* 0 in the last one */
    grant_ref_t gref[1];
};

/* A part of the buffer, in bytes. */
struct xensnd_rw_req {
    uint32_t offset;
    uint32_t length;
};

struct xensnd_trigger_req {
    uint8_t type; /* XENSND_OP_TRIGGER_* */
};

/* HW_PARAM_QUERY, in request and response: what is wanted, what can be had. */
struct xensnd_query_hw_param {
    uint64_t formats; /* a bit for each XENSND_PCM_FORMAT_* */
    struct {
        uint32_t min;
        uint32_t max;
    } rates; /* samples a second */
    struct {
        uint32_t min;
        uint32_t max;
    } channels;
    struct {
        uint32_t min;
        uint32_t max;
    } buffer; /* in frames: a sample of every channel */
    struct {
        uint32_t min;
        uint32_t max;
    } period; /* in frames */
};

struct xensnd_cur_pos_evt {
    uint64_t position; /* bytes since the start */
};

struct xensnd_req {
    uint16_t id;       /* echoed in the response */
    uint8_t operation; /* XENSND_OP_* */
    uint8_t reserved[5];
    union {
        struct xensnd_open_req open;
        struct xensnd_rw_req rw;
        struct xensnd_trigger_req trigger;
        struct xensnd_query_hw_param hw_param;
        uint8_t reserved[56];
    } op;
};

struct xensnd_resp {
    uint16_t id;       /* of the request */
    uint8_t operation; /* of the request */
    uint8_t reserved;
    int32_t status; /* 0 or a negative errno (errno.h) */
    union {
        struct xensnd_query_hw_param hw_param;
        uint8_t reserved1[56];
    } resp;
};

struct xensnd_evt {
    uint16_t id;
    uint8_t type; /* XENSND_EVT_* */
    uint8_t reserved[5];
    union {
        struct xensnd_cur_pos_evt cur_pos;
        uint8_t reserved[56];
    } op;
};

DEFINE_RING_TYPES(xen_sndif, struct xensnd_req, struct xensnd_resp);

/*
 * The page of events: the back end writes events and in_prod, the front end in_cons. Both run
 * freely; their number is no power of two, so indices are taken modulo.
 */
struct xensnd_event_page {
    uint32_t in_cons;
    uint32_t in_prod;
    uint8_t reserved[56];
};

#define XENSND_EVENT_PAGE_SIZE 4096
#define XENSND_IN_RING_OFFS (sizeof(struct xensnd_event_page))
#define XENSND_IN_RING_SIZE (XENSND_EVENT_PAGE_SIZE - XENSND_IN_RING_OFFS)
#define XENSND_IN_RING_LEN (XENSND_IN_RING_SIZE / sizeof(struct xensnd_evt))
#define XENSND_IN_RING(page) ((struct xensnd_evt *)((char *)(page) + XENSND_IN_RING_OFFS))
#define XENSND_IN_RING_REF(page, idx) (XENSND_IN_RING((page))[(idx) % XENSND_IN_RING_LEN])

#endif /* __XEN_PUBLIC_IO_SNDIF_H__ */
