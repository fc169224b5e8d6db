/* SPDX-License-Identifier: MIT */
/*
 * One granted frame, from hypervisor/grant/{active,map}.c and hypervisor/mm: a granter R, hostile
 * or not, and a grantee L with a vcpu on each of two CPUs. R grants, ends access, grants again, gives
 * the frame back to the heap; L maps and unmaps; the heap hands the frame to a third domain.
 *
 * Asserted, DESIGN.md 2.3 and public/grant_table.h: once R's ending of access has succeeded, L has
 * no mapping and no CPU a translation of the frame; a frame reaches another owner only when nobody
 * maps it and after every CPU flushed; at rest each count is the number of its holders.
 *
 * A compare-exchange is one step, a grant-table lock covers what it covers in the code, the page
 * walker steps whenever it likes. Each MUTATE_x takes a rule away and must fail.
 */
#ifndef OPS
#define OPS 2
#endif
#define CPUS 2

/* The guest-visible entry's flags. */
bool permit, reading;
bool ended;             /* ghost: R ended access and knows that nobody uses the grant */
bool scribbled;         /* ghost: R wrote the marks itself, so it knows nothing */

/* Hospes's records. */
byte pins;              /* struct active */
byte count;             /* frame references, FC_ALLOCATED's among them */
bool allocated;         /* FC_ALLOCATED: R's own reference */
bool owner_is_r;
bool free;              /* on the heap */
bool reused;            /* handed to another domain */
bool grant_lock;
bool handle, leaving;   /* of L: the mapping exists; somebody takes it away */

/* L's tables and its CPUs. */
bool pte, holds;        /* the entry; the reference that it holds */
bool tlb[CPUS], since[CPUS], began[CPUS];
byte quiet;

#define NOBODY (!pte && !tlb[0] && !tlb[1])

inline stamp()
{
    d_step { since[0] = 0; since[1] = 0; began[0] = 0; began[1] = 0 }
}

/* Of one CPU, local or asked for: the asker waits for it, so it is a step of the asker. */
inline flush(c)
{
    began[c] = 1;
    d_step { tlb[c] = 0; since[c] = since[c] || began[c]; began[c] = 0 }
}

inline flush_both()
{
    flush(0);
    flush(1)
}

/* frame_drop(): the last one gives the frame to the heap, with the clock's time. */
inline frame_drop()
{
    d_step { count--; last = (count == 0) };
    if
    :: last ->
        stamp();
        d_step { owner_is_r = 0; free = 1; last = 0 }
    :: else
    fi
}

inline put_reference()
{
    if
    :: holds -> holds = 0; frame_drop()
    :: else
    fi
}

/* R's entry still says that L may, and the pin is marked there, in one instruction. */
inline access_begin()
{
#ifdef MUTATE_MARK_AFTER_CHECK
    ok = permit || pins > 0;
    if
    :: ok -> reading = 1; pins++
    :: else
    fi
#else
    d_step {
        ok = permit || pins > 0;
        if
        :: ok -> reading = 1
        :: else
        fi
    };
    if
    :: ok -> pins++
    :: else
    fi
#endif
}

inline access_end()
{
    pins--;
    if
    :: pins == 0 -> reading = 0
    :: else
    fi
}

inline unpin()
{
    atomic { !grant_lock -> grant_lock = 1 };
    access_end();
    grant_lock = 0
}

/* map_into(): pin, references, entry. One handle: L maps when it has none. */
inline op_map()
{
    d_step { got = !handle && !leaving; handle = handle || got };
    if
    :: got ->
        atomic { !grant_lock -> grant_lock = 1 };
        access_begin();
        grant_lock = 0;
        if
        :: ok ->
#ifndef MUTATE_NO_FRAME_REFERENCE
            d_step { ok = (owner_is_r && count > 0); count = count + ok; holds = ok };
#endif
            if
            :: ok -> d_step { pte = 1; assert(!ended && !reused) }
            :: else -> unpin(); handle = 0
            fi
        :: else -> handle = 0
        fi;
        got = 0
    :: else
    fi
}

/* unmap_one(), flush_and_finish(). */
inline op_unmap()
{
    d_step {
        got = handle && pte && !leaving;
        leaving = leaving || got
    };
    if
    :: got ->
        d_step { ok = pte; pte = 0 };
        if
        :: ok ->
#ifdef MUTATE_UNPIN_BEFORE_FLUSH
            unpin();
            flush_both();
            put_reference();
#else
#ifndef MUTATE_NO_FLUSH
            flush_both();
#endif
            put_reference();
            unpin();
#endif
            d_step { handle = 0; leaving = 0 }
        :: else -> leaving = 0 /* unclaim(): L overwrote it meanwhile */
        fi;
        got = 0
    :: else
    fi
}

/* L clears its entry by mmu_update: l1_put() drops the reference; the handle keeps the pin. */
inline op_overwrite()
{
    d_step { ok = pte; pte = 0 };
    if
    :: ok -> put_reference()
    :: else
    fi
}

proctype grantee(byte me)
{
    byte n;
    bool ok, got, last;

    do
    :: n < OPS ->
        n++;
        if
        :: true -> op_map()
        :: true -> op_unmap()
        :: true -> op_overwrite()
        :: true -> flush(me)
        fi;
        ok = 0
    :: n == OPS -> break
    od;
    quiet++
}

/* Ending access as the ABI tells granters to: by compare-exchange, refused while it is used. */
inline op_end_access()
{
    if
    :: d_step { permit && !reading -> permit = 0; ended = !scribbled; assert(!ended || NOBODY) }
    :: d_step { permit && reading -> skip }
    :: d_step { !permit -> skip }
    fi
}

proctype granter()
{
    byte n;
    bool last;

    do
    :: n < OPS + 1 ->
        n++;
        if
        :: true -> d_step { permit = 1; ended = 0 }
        :: true -> op_end_access()
        :: true -> permit = 0           /* hostile: withdrawn under L's feet */
        :: true -> d_step { reading = 0; scribbled = 1 } /* hostile: the marks are R's memory */
        :: true ->                      /* decrease_reservation */
            if
            :: d_step { allocated -> allocated = 0 }; frame_drop()
            :: d_step { !allocated -> skip }
            fi
        fi
    :: n == OPS + 1 -> break
    od;
    quiet++
}

/* alloc_domain_frames() for somebody else: flush those who did not since the stamp. */
proctype heap()
{
end:
    free;
#ifndef MUTATE_NO_FLUSH_AT_ALLOC
    if
    :: !since[0] -> flush(0)
    :: else
    fi;
    if
    :: !since[1] -> flush(1)
    :: else
    fi;
#endif
    d_step { reused = 1; assert(NOBODY) }
}

active proctype walker()
{
end:
    do
    :: d_step { pte && !tlb[0] -> tlb[0] = 1; assert(!reused && !ended) }
    :: d_step { pte && !tlb[1] -> tlb[1] = 1; assert(!reused && !ended) }
    od
}

init {
    atomic {
        owner_is_r = 1;
        allocated = 1;
        count = 1;
        run grantee(0);
        run grantee(1);
        run granter();
        run heap()
    };
    d_step {
        quiet == CPUS + 1 ->
        assert(pins == handle);
        assert(count == allocated + holds)
    }
}
