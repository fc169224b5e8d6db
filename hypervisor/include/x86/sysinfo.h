/* SPDX-License-Identifier: MIT */
/* What tools are told of the processors. x86/sysinfo.c */
#pragma once

#include <hv/types.h>
#include <public/sysctl.h>

uint32_t sysinfo_threads_per_core(void);
uint32_t sysinfo_cores_per_socket(void);
void sysinfo_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket);
void sysinfo_feature_words(uint32_t words[8]); /* as 4.17 orders them in hw_cap */
void sysinfo_cpu_version(char vendor[12], uint32_t *family, uint32_t *model, uint32_t *stepping);

/* Copy themselves to the caller's buffers; -ENOBUFS when those are too small. */
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f);
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p);
