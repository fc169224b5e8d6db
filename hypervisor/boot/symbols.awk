# SPDX-License-Identifier: MIT
# From `nm -n` to the symbol table that backtraces read (boot/symbols.c): the low halves of the
# addresses of functions, ascending, and their names.
BEGIN {
    print ".section .symbols, \"a\""
    print ".globl symbol_addrs, symbol_names, symbol_count"
    print ".hidden symbol_addrs, symbol_names, symbol_count"
    print ".balign 4"
    print "symbol_addrs:"
}
$2 ~ /^[tT]$/ && $3 !~ /^\./ {
    print "    .long 0x" substr($1, 9)
    name[n++] = $3
}
END {
    print "symbol_count: .long " n + 0
    print "symbol_names:"
    for (i = 0; i < n; i++)
        print "    .asciz \"" name[i] "\""
    print ".section .note.GNU-stack, \"\", @progbits"
}
