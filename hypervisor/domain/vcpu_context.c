/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's complete state in the ABI's form: VCPUOP_initialise, and the tools' get and set. Every
 * field is checked before anything changes; selectors are forced to ring 3, flags to what ring 3
 * may have. Base pointers and the GDT are taken once, at the first set; later ones must name the
 * same.
 */
#include <hv/domain.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/guest_regs.h>

#define LDT_MAX_ENTRIES 8192
#define GDT_PER_FRAME   512

static bool addresses_ok(const struct vcpu_guest_context *c) {
    return is_canonical(c->user_regs.rip) && is_canonical(c->user_regs.rsp) &&
           is_canonical(c->kernel_sp) && is_canonical(c->fs_base) &&
           is_canonical(c->gs_base_kernel) && is_canonical(c->gs_base_user) &&
           is_canonical(c->event_callback_eip) && is_canonical(c->failsafe_callback_eip) &&
           is_canonical(c->syscall_callback_eip);
}

static bool tables_ok(const struct vcpu_guest_context *c) {
    for (unsigned int i = 0; i < GUEST_TRAP_VECTORS; i++)
        if (!is_canonical(c->trap_ctxt[i].address)) return false;
    return c->gdt_ents <= ARRAY_SIZE(c->gdt_frames) * GDT_PER_FRAME &&
           c->ldt_ents <= LDT_MAX_ENTRIES && !(c->ldt_base & (PAGE_SIZE - 1)) &&
           guest_va_ok(c->ldt_base);
}

static bool debugregs_ok(const struct vcpu_guest_context *c) {
    for (unsigned int i = 0; i < 4; i++)
        if (!guest_va_ok(c->debugreg[i])) return false;
    return c->debugreg[6] == (uint32_t)c->debugreg[6] && c->debugreg[7] == (uint32_t)c->debugreg[7];
}

static mfn_t base_of(uint64_t cr3) { return cr3 ? _mfn(xen_cr3_to_pfn(cr3)) : INVALID_MFN; }

static uint64_t cr3_of(mfn_t table) {
    return mfn_eq(table, INVALID_MFN) ? 0 : xen_pfn_to_cr3(mfn_x(table));
}

/* Later sets cannot change what holds references. */
static bool same_tables(const struct vcpu *v, const struct vcpu_guest_context *c) {
    if (cr3_of(v->arch.guest_table) != c->ctrlreg[3] ||
        cr3_of(v->arch.guest_table_user) != c->ctrlreg[1] ||
        (!c->ctrlreg[1] && !(c->flags & VGCF_in_kernel)))
        return false;
    if (v->arch.gdt_entries != c->gdt_ents || v->arch.ldt_entries != c->ldt_ents ||
        (c->ldt_ents && v->arch.ldt_base != c->ldt_base))
        return false;
    return memcmp(v->arch.gdt_frames, c->gdt_frames,
                  DIV_ROUND_UP(c->gdt_ents, GDT_PER_FRAME) * sizeof(c->gdt_frames[0])) == 0;
}

static int take_tables(struct vcpu *v, const struct vcpu_guest_context *c) {
    int rc;

    if (!xen_cr3_to_pfn(c->ctrlreg[1]) && (c->ctrlreg[1] || !(c->flags & VGCF_in_kernel)))
        return -EINVAL; /* no tables, or frame 0, which stands for none */
    rc = mm_set_gdt(v, c->gdt_frames, (uint32_t)c->gdt_ents);
    if (rc) return rc;
    rc = mm_set_ldt(v, c->ldt_base, (uint32_t)c->ldt_ents);
    if (!rc) rc = mm_set_base(v, base_of(c->ctrlreg[3]), base_of(c->ctrlreg[1]));
    if (rc) {
        (void)mm_set_ldt(v, 0, 0);
        mm_drop_gdt(v);
    }
    return rc;
}

static void set_registers(struct vcpu *v, const struct vcpu_guest_context *c) {
    const struct cpu_user_regs *in = &c->user_regs;

    v->arch.regs = *in;
    v->arch.regs.entry_vector = 0;
    v->arch.regs.error_code = 0;
    v->arch.regs.saved_upcall_mask = 0;
    v->arch.regs.cs = ring3_selector(in->cs);
    v->arch.regs.ss = ring3_selector(in->ss);
    v->arch.regs.rflags = guest_rflags(in->rflags);
    v->arch.iopl = (in->rflags & EFLAGS_IOPL) >> 12;
    v->arch.fs_base = c->fs_base;
    v->arch.gs_base_kernel = c->gs_base_kernel;
    v->arch.gs_base_user = c->gs_base_user;
    v->arch.kernel_mode = c->flags & VGCF_in_kernel;
    v->arch.kernel_ss = ring3_selector((uint16_t)c->kernel_ss);
    v->arch.kernel_sp = c->kernel_sp;
}

static void set_handlers(struct vcpu *v, const struct vcpu_guest_context *c) {
    for (unsigned int i = 0; i < GUEST_TRAP_VECTORS; i++) {
        v->arch.traps[i] = c->trap_ctxt[i];
        v->arch.traps[i].cs = ring3_selector(c->trap_ctxt[i].cs);
    }
    v->arch.callback[CALLBACKTYPE_event] = (struct guest_callback){c->event_callback_eip, true};
    v->arch.callback[CALLBACKTYPE_failsafe] =
        (struct guest_callback){c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events};
    v->arch.callback[CALLBACKTYPE_syscall] =
        (struct guest_callback){c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events};
}

static void set_control(struct vcpu *v, const struct vcpu_guest_context *c) {
    v->arch.cr0 = c->ctrlreg[0] & CR0_TS;
    v->arch.cr4 = guest_cr4_fixup(v, c->ctrlreg[4]);
    debugreg_reset(v);
    for (unsigned int i = 0; i < 4; i++) (void)debugreg_set(v, i, c->debugreg[i]);
    (void)debugreg_set(v, 6, c->debugreg[6]);
    (void)debugreg_set(v, 7, c->debugreg[7]);
    fpu_set_legacy(v, c->flags & VGCF_i387_valid ? &c->fpu_ctxt : NULL);
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c) {
    struct domain *d = v->domain;
    int rc;

    if (!addresses_ok(c) || !tables_ok(c) || !debugregs_ok(c)) return -EINVAL;
    if (v->id == 0 && (c->vm_assist & ~VM_ASSIST_VALID)) return -EINVAL;
    if (v->initialised) {
        if (!same_tables(v, c)) return -EOPNOTSUPP;
    } else {
        rc = take_tables(v, c);
        if (rc) return rc;
    }
    set_registers(v, c);
    set_handlers(v, c);
    set_control(v, c);
    if (!v->initialised && v->id == 0) {
        d->vm_assist = c->vm_assist;
        time_update_wallclock(d);
    }
    if (c->flags & VGCF_online)
        clear_bit(VPF_DOWN, &v->pause_flags);
    else
        set_bit(VPF_DOWN, &v->pause_flags);
    __atomic_store_n(&v->initialised, true, __ATOMIC_RELEASE); /* VCPUOP_up may follow */
    return 0;
}

static unsigned long context_flags(const struct vcpu *v) {
    unsigned long f = VGCF_i387_valid;

    if (v->arch.kernel_mode) f |= VGCF_in_kernel;
    if (v->arch.callback[CALLBACKTYPE_failsafe].mask_events) f |= VGCF_failsafe_disables_events;
    if (v->arch.callback[CALLBACKTYPE_syscall].mask_events) f |= VGCF_syscall_disables_events;
    if (!test_bit(VPF_DOWN, &v->pause_flags)) f |= VGCF_online;
    return f;
}

static void get_registers(const struct vcpu *v, struct vcpu_guest_context *c) {
    struct cpu_user_regs *r = &c->user_regs;

    *r = v->arch.regs;
    r->entry_vector = 0;
    r->error_code = 0;
    r->rflags |= (uint64_t)v->arch.iopl << 12;
    c->fs_base = v->arch.fs_base;
    c->gs_base_kernel = v->arch.gs_base_kernel;
    c->gs_base_user = v->arch.gs_base_user;
    c->kernel_ss = v->arch.kernel_ss;
    c->kernel_sp = v->arch.kernel_sp;
}

void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c) {
    memset(c, 0, sizeof(*c));
    fpu_get_legacy(v, &c->fpu_ctxt);
    c->flags = context_flags(v);
    get_registers(v, c);
    memcpy(c->trap_ctxt, v->arch.traps, sizeof(c->trap_ctxt));
    c->ldt_base = v->arch.ldt_base;
    c->ldt_ents = v->arch.ldt_entries;
    c->gdt_ents = v->arch.gdt_entries;
    memcpy(c->gdt_frames, v->arch.gdt_frames,
           DIV_ROUND_UP(c->gdt_ents, GDT_PER_FRAME) * sizeof(c->gdt_frames[0]));
    c->ctrlreg[0] = (CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE) | v->arch.cr0;
    c->ctrlreg[1] = cr3_of(v->arch.guest_table_user);
    c->ctrlreg[2] = v->info->arch.cr2;
    c->ctrlreg[3] = cr3_of(v->arch.guest_table);
    c->ctrlreg[4] = v->arch.cr4;
    memcpy(c->debugreg, v->arch.debugreg, sizeof(c->debugreg)); /* 4 and 5 are never set */
    c->debugreg[7] |= v->arch.dr7_emul;
    c->event_callback_eip = v->arch.callback[CALLBACKTYPE_event].address;
    c->failsafe_callback_eip = v->arch.callback[CALLBACKTYPE_failsafe].address;
    c->syscall_callback_eip = v->arch.callback[CALLBACKTYPE_syscall].address;
    if (v->id == 0) c->vm_assist = v->domain->vm_assist;
}
