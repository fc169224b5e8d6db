/* SPDX-License-Identifier: MIT */
/* What i386.c cannot say in C: its start, system calls that look after registers, far calls. */
#define NR_EXIT        1
#define NR_CLONE       120
#define NR_GETPID_64   39
#define USER_CS_64     0x33
/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, CHILD_CLEARTID */
#define THREAD_FLAGS   0x2d0f00
#define PATTERN        0x5a11

    .text
    .code32
    .globl _start
_start:
    mov %esp, %eax
    and $-16, %esp
    sub $12, %esp
    push %eax
    call start_c

    .globl int80
int80:
    int $0x80
    ret

/* call_system(entry, number, six arguments) */
    .globl call_system
call_system:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov 24(%esp), %eax
    mov 28(%esp), %ebx
    mov 32(%esp), %ecx
    mov 36(%esp), %edx
    mov 40(%esp), %esi
    mov 44(%esp), %edi
    mov 48(%esp), %ebp
    call *20(%esp)
    cmp 28(%esp), %ebx
    jne 1f
    cmp 32(%esp), %ecx
    jne 1f
    cmp 36(%esp), %edx
    jne 1f
    cmp 40(%esp), %esi
    jne 1f
    cmp 44(%esp), %edi
    jne 1f
    cmp 48(%esp), %ebp
    je 2f
1:  lock incl clobbered
2:  pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

/* start_thread(stack, tls, lives) */
    .globl start_thread
start_thread:
    push %ebx
    push %esi
    push %edi
    mov $NR_CLONE, %eax
    mov $THREAD_FLAGS, %ebx
    mov 16(%esp), %ecx
    xor %edx, %edx
    mov 20(%esp), %esi
    mov 24(%esp), %edi
    int $0x80
    test %eax, %eax
    jnz 1f
    pop %eax
    call *%eax
    mov $NR_EXIT, %eax
    xor %ebx, %ebx
    int $0x80
1:  pop %edi
    pop %esi
    pop %ebx
    ret

    .globl spin_until_alarm
spin_until_alarm:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov $PATTERN, %ebx
    movd %ebx, %xmm0
    lea 1(%ebx), %ecx
    lea 2(%ebx), %edx
    lea 3(%ebx), %esi
    lea 4(%ebx), %edi
    lea 5(%ebx), %ebp
    mov alarms, %eax
1:  cmp %eax, alarms
    je 1b
    xor %eax, %eax
    cmp $PATTERN, %ebx
    jne 2f
    cmp $PATTERN + 1, %ecx
    jne 2f
    cmp $PATTERN + 2, %edx
    jne 2f
    cmp $PATTERN + 3, %esi
    jne 2f
    cmp $PATTERN + 4, %edi
    jne 2f
    cmp $PATTERN + 5, %ebp
    jne 2f
    movd %xmm0, %ecx
    cmp %ecx, %ebx
    je 3f
2:  inc %eax
3:  pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

    .globl call_64bit
call_64bit:
    lcall $USER_CS_64, $1f
    ret
    .code64
1:  movabs $0x123456789abcdef0, %r8
    mov %r8, %rax
    shr $36, %rax
    lretl
    .code32

    .globl getpid_64bit
getpid_64bit:
    lcall $USER_CS_64, $1f
    ret
    .code64
1:  mov $NR_GETPID_64, %eax
    syscall
    lretl
    .code32

    .globl call_segment
call_segment:
    sub $8, %esp
    mov 12(%esp), %eax
    movl $0, (%esp)
    mov %eax, 4(%esp)
    lcall *(%esp)
    add $8, %esp
    ret

/* To be run where a segment has its base. */
    .globl in_segment
in_segment:
    mov $0x5e9, %eax
    lretl

    .section .note.GNU-stack, "", @progbits
