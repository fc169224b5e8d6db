/* SPDX-License-Identifier: MIT */
/*
 * The page-type machine of hypervisor/mm/frame.c: two CPUs, one domain, two frames. LOW is a table
 * of a lower level, HIGH one whose entries may name LOW. The states (type, count, VALIDATED,
 * PARTIAL, PINNED, busy) and the functions have the names that the code gives them.
 *
 * A step that is one atomic instruction there (compare-exchange, exchange, add) is one step here;
 * everything else may be interleaved, the processor's page walker included, which puts a mapping
 * into a TLB whenever it stands in the tables.
 *
 * Asserted, DESIGN.md 2.3: no frame that is read as a table is mapped writable by the guest, nor
 * still to be found writable in a TLB; and, when all is quiet, each type count is the number of its
 * holders. Spin itself finds the deadlocks.
 *
 * What is left out: contents of LOW but for good or bad; owners (grant.pml has them); linear
 * entries. The flush clock is modelled by what it decides: since[c][f] is "CPU c flushed after f's
 * stamp", for which the flush must have begun (the clock advanced) after the stamp.
 *
 * Each MUTATE_x takes a rule away. The makefile runs every one and wants it to fail.
 */
#ifdef MUTATE_STAMP_EARLY
#define VARIANT_LOW
#endif
/* VARIANT_LOW: fewer operations, on one frame, more of them. */
#ifdef VARIANT_LOW
#define OPS 4
#else
#define OPS 2
#endif
#define CPUS 2
#define FRAMES 2
#define LOW 0
#define HIGH 1
#define ENTRIES 2

#define NONE 0
#define TABLE 1    /* FT_L1..FT_L4: LOW and HIGH have their own level */
#define WRITABLE 7

#define OK 0
#define EINVAL 1
#define ERESTART 2
#define EINTR 3
#define BUSY 4     /* ours: to be validated */

typedef frame {
    byte type;
    byte count;
    bool validated, partial, pinned;
    byte nr_validated;
    bool partial_child; /* f->partial */
    bool trusted;       /* ghost: a CPU may read it as a table, from the flush to idle */
    bool map;           /* the guest's L1 entry that maps it writable */
};
typedef cpu_state {
    bool tlb[FRAMES];   /* holds a writable translation */
    bool began[FRAMES]; /* the flush under way advanced the clock after the stamp */
    bool since[FRAMES];
    bool dirty;         /* bit of arch.dirty_cpus */
    bool loaded;        /* CR3 is the domain's */
    bool request;       /* REQ_FLUSH */
};

frame fr[FRAMES];
cpu_state cpu[CPUS];
bool entry[ENTRIES];    /* of HIGH: names LOW */
bool mailbox;           /* its lock */
byte quiet;

#define AT(c, f) cpu[c].tlb[f]
#define SAFE(f) (!fr[f].trusted || (!fr[f].map && !AT(0, f) && !AT(1, f)))

/* Clock first, then CR3, then the CPU's stamp. */
inline flush_local()
{
#ifdef MUTATE_CLOCK_AFTER_FLUSH
    d_step { cpu[me].tlb[0] = 0; cpu[me].tlb[1] = 0 };
    d_step { cpu[me].since[0] = 1; cpu[me].since[1] = 1 };
#else
    d_step { cpu[me].began[0] = 1; cpu[me].began[1] = 1 };
    d_step {
        cpu[me].tlb[0] = 0;
        cpu[me].tlb[1] = 0;
        cpu[me].since[0] = cpu[me].since[0] || cpu[me].began[0];
        cpu[me].since[1] = cpu[me].since[1] || cpu[me].began[1];
        cpu[me].began[0] = 0;
        cpu[me].began[1] = 0;
    };
#endif
}

inline smp_poll()
{
    if
    :: cpu[me].request -> flush_local(); cpu[me].request = 0
    :: !cpu[me].request
    fi
}

/* While waiting, with interrupts off. */
#ifdef MUTATE_NO_POLL
#define ASKED false
#else
#define ASKED cpu[me].request
#endif

inline stamp(f)
{
    d_step {
        cpu[0].since[f] = 0;
        cpu[1].since[f] = 0;
        cpu[0].began[f] = 0;
        cpu[1].began[f] = 0;
    }
}

/* Those of the owner's dirty_cpus that did not flush since the stamp. */
inline flush_for_new_type(f)
{
#ifndef MUTATE_NO_FLUSH
    d_step {
        todo_me = cpu[me].dirty && !cpu[me].since[f];
        todo_other = cpu[1 - me].dirty && !cpu[1 - me].since[f];
    };
    if
    :: todo_me -> flush_local()
    :: else
    fi;
    if
    :: todo_other ->
#ifndef MUTATE_LOCAL_FLUSH
        do
        :: atomic { !mailbox -> mailbox = 1 }; break
        :: mailbox && ASKED -> smp_poll()
        od;
        cpu[1 - me].request = 1;
        do
        :: !cpu[1 - me].request -> break
        :: cpu[1 - me].request && ASKED -> smp_poll()
        od;
        mailbox = 0
#else
        skip
#endif
    :: else
    fi;
    todo_me = 0;
    todo_other = 0
#else
    skip
#endif
}

inline set_idle(f)
{
    stamp(f);
    d_step {
        fr[f].trusted = 0;
        fr[f].count = 0;
        fr[f].nr_validated = 0;
        fr[f].partial_child = 0;
    }
}

/* type_acquire(): rc is OK, EINVAL, ERESTART or BUSY; old the type before, adopted if PARTIAL. */
inline type_acquire(f, want)
{
    do
    :: atomic {
        fr[f].count == 0 ->
        old = fr[f].type;
        fr[f].type = want;
        fr[f].count = 1;
        if
        :: want == WRITABLE && (old == NONE || (old == WRITABLE && fr[f].validated)) ->
            fr[f].validated = 1;
            rc = OK
        :: else ->
            fr[f].validated = 0;
            rc = BUSY
        fi;
        adopted = 0
        }; break
    :: atomic {
        fr[f].count > 0 && fr[f].type != want ->
#ifdef MUTATE_NO_TYPE_CHECK
        fr[f].count++;
        rc = OK
#else
        rc = EINVAL
#endif
        }; break
    :: atomic {
        fr[f].count > 0 && fr[f].type == want && fr[f].validated ->
        fr[f].count++;
        rc = OK
        }; break
    :: atomic {
        fr[f].count > 0 && fr[f].type == want && fr[f].partial ->
        old = want;
#ifdef MUTATE_PARTIAL_COUNTED_TWICE
        fr[f].count++;
#endif
        fr[f].partial = 0;
        adopted = 1;
        rc = BUSY
        }; break
    :: fr[f].count > 0 && fr[f].type == want && !fr[f].validated && !fr[f].partial &&
       ASKED -> smp_poll()
    :: atomic {
        f == HIGH && want == TABLE && fr[f].count > 0 && fr[f].type == want &&
        !fr[f].validated && !fr[f].partial -> rc = ERESTART
        }; break
    od
}

/* After type_acquire() said BUSY: what must be flushed, and from where validation goes on. */
inline begin_validation(f, want)
{
    if
    :: !adopted ->
        if
        :: old != NONE && old != want -> flush_for_new_type(f)
        :: else
        fi;
        d_step { fr[f].nr_validated = 0; fr[f].partial_child = 0 }
    :: else
    fi;
    if
    :: want == TABLE -> d_step { fr[f].trusted = 1; assert(SAFE(f)) }
    :: else
    fi
}

inline set_partial(f)
{
    fr[f].partial = 1
}

/* rc is what validation said; leaves OK, EINVAL, ERESTART. */
inline get_low()
{
    type_acquire(LOW, TABLE);
    if
    :: rc == BUSY ->
        begin_validation(LOW, TABLE);
        if
        :: fr[LOW].validated = 1; rc = OK
        :: set_partial(LOW); rc = ERESTART
        :: set_idle(LOW); rc = EINVAL   /* bad contents */
        :: set_partial(LOW); rc = EINTR /* bad contents, undoing preempted */
        fi
    :: else
    fi
}

/* type_put() of a table whose reference is not the last, or else: busy. rc BUSY: tear it down. */
inline put_table(f, n)
{
    if
    :: d_step { fr[f].count > 1 -> fr[f].count--; rc = OK }
    :: d_step { fr[f].count == 1 -> fr[f].validated = 0; rc = BUSY;
                fr[f].nr_validated = n; fr[f].partial_child = 0 }
    fi
}

/* Tears busy LOW down. */
inline tear_down_low()
{
    if
    :: set_idle(LOW); rc = OK
    :: set_partial(LOW); rc = ERESTART
    fi
}

inline put_low()
{
    put_table(LOW, 0);
    if
    :: rc == BUSY -> tear_down_low()
    :: else
    fi
}

inline finish_low()
{
    if
    :: atomic { fr[LOW].partial -> fr[LOW].partial = 0 }; tear_down_low()
    :: atomic { !fr[LOW].partial -> rc = OK }
    fi
}

/* table_devalidate(HIGH): rc OK or ERESTART. */
inline devalidate_high()
{
    rc = OK;
    if
    :: fr[HIGH].partial_child && fr[HIGH].nr_validated < ENTRIES &&
       entry[fr[HIGH].nr_validated] ->
        finish_low();
        if
        :: rc == OK -> fr[HIGH].partial_child = 0
        :: else
        fi
    :: else -> fr[HIGH].partial_child = 0
    fi;
    do
    :: rc == ERESTART || fr[HIGH].nr_validated == 0 -> break
    :: rc == OK && fr[HIGH].nr_validated > 0 ->
        fr[HIGH].nr_validated--;
        if
        :: entry[fr[HIGH].nr_validated] ->
            put_low();
            if
            :: rc == ERESTART -> fr[HIGH].partial_child = 1
            :: else
            fi
        :: else
        fi;
        if
        :: rc == OK && fr[HIGH].nr_validated > 0 -> rc = ERESTART /* preempt_check() */
        :: skip
        fi
    od
}

inline tear_down_high()
{
    devalidate_high();
    if
    :: rc == ERESTART -> set_partial(HIGH)
    :: else -> set_idle(HIGH); rc = OK
    fi
}

/* table_validate() and validated() of busy HIGH. What an entry says is the guest's choice. */
inline validate_high()
{
    first = fr[HIGH].nr_validated;
    was_adopted = adopted;
    rc = OK;
    do
    :: rc != OK || fr[HIGH].nr_validated == ENTRIES -> break
    :: rc == OK && fr[HIGH].nr_validated < ENTRIES ->
        if
        :: fr[HIGH].nr_validated != first -> rc = ERESTART /* preempt_check() */
        :: skip
        fi;
        if
        :: rc == OK && entry[fr[HIGH].nr_validated] -> get_low()
        :: else
        fi;
        if
        :: rc == OK -> fr[HIGH].nr_validated++
        :: else
        fi
    od;
    fr[HIGH].partial_child = (rc == ERESTART || rc == EINTR);
    if
    :: rc == OK -> fr[HIGH].validated = 1
    :: rc == ERESTART -> set_partial(HIGH)
    :: else ->
        devalidate_high();
        if
        :: rc == OK -> set_idle(HIGH); rc = EINVAL
        :: else -> set_partial(HIGH); rc = EINTR
        fi
    fi;
    was_adopted = 0;
    first = 0
}

inline get_high()
{
    type_acquire(HIGH, TABLE);
    if
    :: rc == BUSY ->
        begin_validation(HIGH, TABLE);
        validate_high()
    :: else
    fi
}

inline put_high()
{
    put_table(HIGH, ENTRIES);
    if
    :: rc == BUSY -> tear_down_high()
    :: else
    fi
}

/* mm_finish_pending(): until nothing is left. */
inline finish_pending()
{
    do
    :: pending[LOW] -> finish_low();
        if
        :: rc == OK -> pending[LOW] = 0
        :: else
        fi;
        smp_poll()
    :: !pending[LOW] && pending[HIGH] ->
        if
        :: atomic { fr[HIGH].partial -> fr[HIGH].partial = 0 }; tear_down_high()
        :: atomic { !fr[HIGH].partial -> rc = OK }
        fi;
        if
        :: rc == OK -> pending[HIGH] = 0
        :: else
        fi;
        smp_poll()
    :: !pending[LOW] && !pending[HIGH] -> break
    od
}

/* frame_drop_writable_type() */
inline drop_writable(f)
{
#ifdef MUTATE_STAMP_LATE
    d_step { last = (fr[f].count == 1); fr[f].count-- };
    if
    :: last -> stamp(f); last = 0
    :: else
    fi
#else
#ifdef MUTATE_STAMP_EARLY
    do
    :: fr[f].count == 1 ->
        stamp(f);
        if
        :: d_step { fr[f].count == 1 -> fr[f].count = 0 }; break
        :: fr[f].count != 1
        fi
    :: d_step { fr[f].count > 1 -> fr[f].count-- }; break
    od
#else
    d_step {
        last = (fr[f].count == 1);
        if
        :: last -> fr[f].validated = 0 /* busy */
        :: else -> fr[f].count--
        fi
    };
    if
    :: last ->
        stamp(f);
        d_step { fr[f].validated = 1; fr[f].count = 0; last = 0 }
    :: else
    fi
#endif
#endif
}

/* An L1 entry: references first, exchange, then what the old one held. */
inline op_map(f)
{
    type_acquire(f, WRITABLE);
    if
    :: rc == BUSY ->
        begin_validation(f, WRITABLE);
        fr[f].validated = 1;
        rc = OK
    :: else
    fi;
    if
    :: rc == OK ->
        d_step { had = fr[f].map; fr[f].map = 1; assert(SAFE(f)) };
        if
        :: had -> drop_writable(f)
        :: else
        fi;
        had = 0
    :: else
    fi
}

inline op_unmap(f)
{
#ifdef MUTATE_PUT_BEFORE_UNMAP
    if
    :: fr[f].map -> drop_writable(f); fr[f].map = 0
    :: else
    fi
#else
    d_step { had = fr[f].map; fr[f].map = 0 };
    if
    :: had -> drop_writable(f)
    :: else
    fi;
    had = 0
#endif
}

/* After a get or put of f: what preemption or failure leaves to be done. */
inline settle(f, is_put)
{
    if
    :: rc == EINTR || (is_put && rc == ERESTART) -> pending[f] = 1
    :: else
    fi
}

inline pin_if_got(f)
{
    if
    :: rc == OK ->
        d_step { had = fr[f].pinned; fr[f].pinned = 1 };
        if
        :: had && f == LOW -> put_low(); settle(LOW, 1)
        :: had && f == HIGH -> put_high(); settle(HIGH, 1)
        :: else
        fi;
        had = 0
    :: else -> settle(f, 0)
    fi
}

inline op_unpin(f)
{
    d_step { had = fr[f].pinned; fr[f].pinned = 0 };
    if
    :: had && f == LOW -> had = 0; put_low(); settle(LOW, 1)
    :: had && f == HIGH -> had = 0; put_high(); settle(HIGH, 1)
    :: else
    fi
}

/* mmu_update of an entry of HIGH. */
inline op_update(i)
{
    if
    :: d_step { fr[HIGH].validated && fr[HIGH].count > 0 && fr[HIGH].type == TABLE ->
                fr[HIGH].count++ };
        if
        :: get_low();
            settle(LOW, 0);
            if
            :: rc == OK -> d_step { had = entry[i]; entry[i] = 1 }
            :: else
            fi
        :: d_step { had = entry[i]; entry[i] = 0 }
        fi;
        if
        :: had -> had = 0; put_low(); settle(LOW, 1)
        :: else
        fi;
        put_high();
        settle(HIGH, 1)
    :: else
    fi
}

/* load_for(): the dirty bit is set before and cleared after CR3. */
inline op_switch()
{
    if
    :: cpu[me].loaded ->
        cpu[me].loaded = 0;
        flush_local();
        cpu[me].dirty = 0
    :: else ->
#ifdef MUTATE_DIRTY_LATE
        cpu[me].loaded = 1;
        cpu[me].dirty = 1
#else
        cpu[me].dirty = 1;
        cpu[me].loaded = 1
#endif
    fi
}

proctype hypervisor(byte me)
{
    byte n, rc, old, first;
    bool adopted, was_adopted, had, last, todo_me, todo_other;
    bool pending[FRAMES];

    do
    :: n < OPS ->
        n++;
        if
        :: true -> op_map(LOW)
        :: true -> op_unmap(LOW)
        :: true -> get_low(); pin_if_got(LOW)
        :: true -> flush_local()
#ifndef VARIANT_LOW
        :: true -> op_map(HIGH)
        :: true -> op_unmap(HIGH)
        :: true -> get_high(); pin_if_got(HIGH)
        :: true -> op_unpin(LOW)
        :: true -> op_unpin(HIGH)
        :: true -> op_update(0)
        :: true -> op_switch()
#endif
        fi;
        d_step { rc = OK; old = NONE; adopted = 0 };
        finish_pending();
        smp_poll() /* in the guest, interrupts are open */
    :: n == OPS -> break
    od;
    quiet++;
    do
    :: cpu[me].request -> smp_poll()
    :: quiet == CPUS && !cpu[me].request -> break
    od
}

/* The page walkers: a translation is found in the tables and kept. */
#define fill(c, f)                                                                                 \
    d_step {                                                                                       \
        cpu[c].loaded && fr[f].map && !AT(c, f) -> AT(c, f) = 1; assert(SAFE(f))                   \
    }

active proctype walker()
{
end:
    do
    :: fill(0, LOW)
    :: fill(1, LOW)
    :: fill(0, HIGH)
    :: fill(1, HIGH)
    od
}

/* References that entries of HIGH hold: of those below nr_validated when it is busy or partial. */
#define LIVE(i) (entry[i] && fr[HIGH].type == TABLE && fr[HIGH].count > 0 && \
                 (fr[HIGH].validated || i < fr[HIGH].nr_validated))

inline mapped(f)
{
    fr[f].type = WRITABLE;
    fr[f].count = 1;
    fr[f].validated = 1;
    fr[f].map = 1
}

init {
    atomic {
        cpu[0].loaded = 1;
        cpu[0].dirty = 1;
        cpu[1].loaded = 1;
        cpu[1].dirty = 1;
        entry[0] = 1;
        entry[1] = 1;
        if
        :: mapped(LOW); mapped(HIGH)
        :: skip
        fi;
        run hypervisor(0);
        run hypervisor(1)
    };
    /* The audit. */
    d_step {
        quiet == CPUS ->
        assert(fr[LOW].count == (fr[LOW].type == WRITABLE -> fr[LOW].map :
               fr[LOW].pinned + fr[LOW].partial + LIVE(0) + LIVE(1)));
        assert(fr[HIGH].count == (fr[HIGH].type == WRITABLE -> fr[HIGH].map :
               fr[HIGH].pinned + fr[HIGH].partial))
    }
}
