/* SPDX-License-Identifier: MIT */
/*
 * One loadable segment, linked at its virtual address and loaded 2 MiB-aligned anywhere below
 * 4 GiB (2 MiB when the loader does not relocate). Boot maps each part with its own rights; the
 * parts are page-aligned for that. Everything but .bss is in the file, in order, so that a loader
 * may treat the file as flat.
 */
#include <asm-offsets.h>
#include <x86/layout.h>

#define LOAD_PADDR 0x200000

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(boot_start)

PHDRS
{
    image PT_LOAD;
    note PT_NOTE;
}

SECTIONS
{
    . = IMAGE_START + LOAD_PADDR;
    image_start = .;
    .text : AT(LOAD_PADDR) {
        *(.multiboot)
        . = ALIGN(4096);
        entry_text_start = .; /* with XPTI, all code that guests' page tables show */
        *(.entry.text)
        . = ALIGN(4096);
        entry_text_end = .;
        *(.text .text.* .init.text)
        . = ALIGN(4096);
    } :image
    image_text_end = .;

    .rodata : {
        *(.rodata .rodata.*)
        *(.got .got.plt)
        . = ALIGN(8);
        init_array_start = .; /* constructors of the decompression libraries */
        *(SORT_BY_INIT_PRIORITY(.init_array.*) .init_array)
        init_array_end = .;
        ex_table_start = .;
        *(.ex_table)
        ex_table_end = .;
        cmdline_names_start = .;
        *(.cmdline_names)
        cmdline_names_end = .;
        . = ALIGN(8);
        spec_patches_start = .;
        *(.spec_patches)
        spec_patches_end = .;
    } :image
    .note.gnu.build-id : {
        build_id_note = .;
        *(.note.gnu.build-id)
        build_id_note_end = .;
    } :image :note
    . = ALIGN(4096);
    image_rodata_end = .;

    .data : {
        *(.data .data.* .init.data)
        . = ALIGN(16);
        *(.symbols)
        . = ALIGN(16);
    } :image
    image_file_end = .;

    .bss : {
        . = ALIGN(CONST_STACK_SIZE);
        *(.bss.boot_stack)
        *(.bss.page_aligned)
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
    } :image
    image_end = .;

    mb1_header_paddr = mb1_header - image_start + LOAD_PADDR;
    boot_start_paddr = boot_start - image_start + LOAD_PADDR;
    image_file_end_paddr = image_file_end - image_start + LOAD_PADDR;
    image_end_paddr = image_end - image_start + LOAD_PADDR;

    ASSERT(boot_stack % CONST_STACK_SIZE == 0, "boot_stack is found by its alignment")
    ASSERT(image_end - image_start <= IMAGE_MAX - LOAD_PADDR, "the image has outgrown IMAGE_MAX")

#define APART(name) name 0 : { *(name) }
    APART(.debug_info) APART(.debug_abbrev) APART(.debug_aranges) APART(.debug_line)
    APART(.debug_line_str) APART(.debug_str) APART(.debug_str_offsets) APART(.debug_addr)
    APART(.debug_ranges) APART(.debug_rnglists) APART(.debug_loc) APART(.debug_loclists)
    APART(.debug_frame) APART(.comment) APART(.symtab) APART(.strtab) APART(.shstrtab)
    /DISCARD/ : {
        *(.eh_frame .eh_frame_hdr)
        *(.note.GNU-stack)
        *(.note.gnu.property)
        *(.llvm_addrsig)
        *(.rela.*)
        *(.iplt .rela.plt .plt .plt.got .igot .igot.plt)
    }
}
