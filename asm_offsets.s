	.file	"asm_offsets.c"
	.text
.Ltext0:
	.cfi_sections	.debug_frame
	.file 1 "arch/x86_64/asm_offsets.c"
	.section	.text.asm_offsets,"ax",@progbits
	.globl	asm_offsets
	.type	asm_offsets, @function
asm_offsets:
.LFB74:
	.loc 1 25 1 view -0
	.cfi_startproc
	.loc 1 26 2 view .LVU1
#APP
# 26 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_PAGE_SIZE 4096"
# 0 "" 2
	.loc 1 27 2 view .LVU2
# 27 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_KERNEL_BASE -2147483648"
# 0 "" 2
	.loc 1 28 2 view .LVU3
# 28 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_KERNEL_TABLES 1"
# 0 "" 2
	.loc 1 29 2 view .LVU4
# 29 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_DIRECT_MAP_SLOT 256"
# 0 "" 2
	.loc 1 30 2 view .LVU5
# 30 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_KERNEL_SLOT 511"
# 0 "" 2
	.loc 1 31 2 view .LVU6
# 31 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_KERNEL_SLOT5 511"
# 0 "" 2
	.loc 1 32 2 view .LVU7
# 32 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_KERNEL_SLOT2 510"
# 0 "" 2
	.loc 1 33 2 view .LVU8
# 33 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_BOOT_PROTOCOL_MULTIBOOT2 0"
# 0 "" 2
	.loc 1 34 2 view .LVU9
# 34 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_BOOT_PROTOCOL_PVH 1"
# 0 "" 2
	.loc 1 35 2 view .LVU10
# 35 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_THREAD_STACK_POINTER 0"
# 0 "" 2
	.loc 1 36 2 view .LVU11
# 36 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_THREAD_ATTENTION 8"
# 0 "" 2
	.loc 1 37 2 view .LVU12
# 37 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_CPU_CURRENT 8"
# 0 "" 2
	.loc 1 38 2 view .LVU13
# 38 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_CPU_STATE 152"
# 0 "" 2
	.loc 1 39 2 view .LVU14
# 39 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_CPU_IN_PROGRAM 168"
# 0 "" 2
	.loc 1 40 2 view .LVU15
# 40 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_CPU_USER_WORD 160"
# 0 "" 2
	.loc 1 41 2 view .LVU16
# 41 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_ENTRY_KERNEL_CR3 0"
# 0 "" 2
	.loc 1 42 2 view .LVU17
# 42 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_ENTRY_USER_CR3 8"
# 0 "" 2
	.loc 1 43 2 view .LVU18
# 43 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_ENTRY_WORD 16"
# 0 "" 2
	.loc 1 44 2 view .LVU19
# 44 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_ENTRY_TRAP_CR3 24"
# 0 "" 2
	.loc 1 45 2 view .LVU20
# 45 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_ENTRY_STACK 92"
# 0 "" 2
	.loc 1 46 2 view .LVU21
# 46 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_ENTRY 0"
# 0 "" 2
	.loc 1 47 2 view .LVU22
# 47 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_FOREIGN 8"
# 0 "" 2
	.loc 1 48 2 view .LVU23
# 48 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_STACK 16"
# 0 "" 2
	.loc 1 49 2 view .LVU24
# 49 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_DISABLED 32"
# 0 "" 2
	.loc 1 50 2 view .LVU25
# 50 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_RIP 40"
# 0 "" 2
	.loc 1 51 2 view .LVU26
# 51 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_RSP 48"
# 0 "" 2
	.loc 1 52 2 view .LVU27
# 52 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_RFLAGS 56"
# 0 "" 2
	.loc 1 53 2 view .LVU28
# 53 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_RCX 64"
# 0 "" 2
	.loc 1 54 2 view .LVU29
# 54 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_R11 72"
# 0 "" 2
	.loc 1 55 2 view .LVU30
# 55 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_CAUSE 80"
# 0 "" 2
	.loc 1 56 2 view .LVU31
# 56 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_ERROR 88"
# 0 "" 2
	.loc 1 57 2 view .LVU32
# 57 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_STATE_ADDRESS 96"
# 0 "" 2
	.loc 1 58 2 view .LVU33
# 58 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_UPCALL_FOREIGN 33"
# 0 "" 2
	.loc 1 59 2 view .LVU34
# 59 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_USER_BITS 47"
# 0 "" 2
	.loc 1 60 2 view .LVU35
# 60 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_E_CALL 1"
# 0 "" 2
	.loc 1 61 2 view .LVU36
# 61 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_SELECTOR_KERNEL_CODE 8"
# 0 "" 2
	.loc 1 62 2 view .LVU37
# 62 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_SELECTOR_KERNEL_DATA 16"
# 0 "" 2
	.loc 1 63 2 view .LVU38
# 63 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_SELECTOR_USER_CODE 35"
# 0 "" 2
	.loc 1 64 2 view .LVU39
# 64 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_SELECTOR_USER_DATA 27"
# 0 "" 2
	.loc 1 65 2 view .LVU40
# 65 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_FRAME_SIZE 176"
# 0 "" 2
	.loc 1 66 2 view .LVU41
# 66 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_FRAME_VECTOR 120"
# 0 "" 2
	.loc 1 67 2 view .LVU42
# 67 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_VECTOR_DEBUG 1"
# 0 "" 2
	.loc 1 68 2 view .LVU43
# 68 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_VECTOR_NMI 2"
# 0 "" 2
	.loc 1 69 2 view .LVU44
# 69 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_VECTOR_DOUBLE_FAULT 8"
# 0 "" 2
	.loc 1 70 2 view .LVU45
# 70 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_VECTOR_PAGE_FAULT 14"
# 0 "" 2
	.loc 1 71 2 view .LVU46
# 71 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_VECTOR_MACHINE_CHECK 18"
# 0 "" 2
	.loc 1 72 2 view .LVU47
# 72 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_AP_STACK 176"
# 0 "" 2
	.loc 1 73 2 view .LVU48
# 73 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_AP_APIC_ID 184"
# 0 "" 2
	.loc 1 74 2 view .LVU49
# 74 "arch/x86_64/asm_offsets.c" 1
	.ascii "@define ASM_EXCEPTIONS_WITH_ERROR 1612872960"
# 0 "" 2
	.loc 1 75 1 is_stmt 0 view .LVU50
#NO_APP
	ret
	.cfi_endproc
.LFE74:
	.size	asm_offsets, .-asm_offsets
	.text
.Letext0:
	.file 2 "arch/x86_64/include/arch/interrupt.h"
	.file 3 "include/exo/boot_info.h"
	.file 4 "include/uapi/exo/errno.h"
	.file 5 "include/uapi/exo/thread.h"
	.file 6 "/usr/lib/gcc/x86_64-linux-gnu/12/include/stdint-gcc.h"
	.file 7 "arch/x86_64/include/arch/gdt.h"
	.section	.debug_info,"",@progbits
.Ldebug_info0:
	.long	0x1fc
	.value	0x4
	.long	.Ldebug_abbrev0
	.byte	0x8
	.uleb128 0x1
	.long	.LASF58
	.byte	0xc
	.long	.LASF59
	.string	"."
	.long	.Ldebug_ranges0+0
	.quad	0
	.long	.Ldebug_line0
	.uleb128 0x2
	.byte	0x8
	.byte	0x5
	.long	.LASF0
	.uleb128 0x2
	.byte	0x8
	.byte	0x7
	.long	.LASF1
	.uleb128 0x3
	.byte	0x4
	.byte	0x5
	.string	"int"
	.uleb128 0x2
	.byte	0x8
	.byte	0x5
	.long	.LASF2
	.uleb128 0x2
	.byte	0x10
	.byte	0x4
	.long	.LASF3
	.uleb128 0x2
	.byte	0x1
	.byte	0x6
	.long	.LASF4
	.uleb128 0x2
	.byte	0x2
	.byte	0x5
	.long	.LASF5
	.uleb128 0x2
	.byte	0x1
	.byte	0x8
	.long	.LASF6
	.uleb128 0x2
	.byte	0x2
	.byte	0x7
	.long	.LASF7
	.uleb128 0x2
	.byte	0x4
	.byte	0x7
	.long	.LASF8
	.uleb128 0x4
	.long	.LASF60
	.byte	0x6
	.byte	0x37
	.byte	0x19
	.long	0x2e
	.uleb128 0x2
	.byte	0x1
	.byte	0x2
	.long	.LASF9
	.uleb128 0x2
	.byte	0x1
	.byte	0x6
	.long	.LASF10
	.uleb128 0x2
	.byte	0x8
	.byte	0x7
	.long	.LASF11
	.uleb128 0x5
	.byte	0x7
	.byte	0x4
	.long	0x66
	.byte	0x7
	.byte	0x1c
	.byte	0x6
	.long	0xcd
	.uleb128 0x6
	.long	.LASF12
	.byte	0
	.uleb128 0x6
	.long	.LASF13
	.byte	0x1
	.uleb128 0x6
	.long	.LASF14
	.byte	0x2
	.uleb128 0x6
	.long	.LASF15
	.byte	0x3
	.uleb128 0x6
	.long	.LASF16
	.byte	0x4
	.uleb128 0x6
	.long	.LASF17
	.byte	0x5
	.uleb128 0x6
	.long	.LASF18
	.byte	0x6
	.uleb128 0x6
	.long	.LASF19
	.byte	0x7
	.byte	0
	.uleb128 0x7
	.long	.LASF35
	.byte	0x7
	.byte	0x4
	.long	0x66
	.byte	0x2
	.byte	0x9
	.byte	0x6
	.long	0x13a
	.uleb128 0x6
	.long	.LASF20
	.byte	0x1
	.uleb128 0x6
	.long	.LASF21
	.byte	0x2
	.uleb128 0x6
	.long	.LASF22
	.byte	0x3
	.uleb128 0x6
	.long	.LASF23
	.byte	0x4
	.uleb128 0x6
	.long	.LASF24
	.byte	0x6
	.uleb128 0x6
	.long	.LASF25
	.byte	0x7
	.uleb128 0x6
	.long	.LASF26
	.byte	0x8
	.uleb128 0x6
	.long	.LASF27
	.byte	0xe
	.uleb128 0x6
	.long	.LASF28
	.byte	0x12
	.uleb128 0x6
	.long	.LASF29
	.byte	0x20
	.uleb128 0x6
	.long	.LASF30
	.byte	0xd0
	.uleb128 0x6
	.long	.LASF31
	.byte	0xe0
	.uleb128 0x6
	.long	.LASF32
	.byte	0xe1
	.uleb128 0x6
	.long	.LASF33
	.byte	0xfe
	.uleb128 0x6
	.long	.LASF34
	.byte	0xff
	.byte	0
	.uleb128 0x7
	.long	.LASF36
	.byte	0x7
	.byte	0x4
	.long	0x66
	.byte	0x3
	.byte	0x50
	.byte	0x6
	.long	0x159
	.uleb128 0x6
	.long	.LASF37
	.byte	0
	.uleb128 0x6
	.long	.LASF38
	.byte	0x1
	.byte	0
	.uleb128 0x7
	.long	.LASF39
	.byte	0x7
	.byte	0x4
	.long	0x66
	.byte	0x4
	.byte	0x6
	.byte	0x6
	.long	0x1c0
	.uleb128 0x6
	.long	.LASF40
	.byte	0x1
	.uleb128 0x6
	.long	.LASF41
	.byte	0x2
	.uleb128 0x6
	.long	.LASF42
	.byte	0x3
	.uleb128 0x6
	.long	.LASF43
	.byte	0x4
	.uleb128 0x6
	.long	.LASF44
	.byte	0x5
	.uleb128 0x6
	.long	.LASF45
	.byte	0x6
	.uleb128 0x6
	.long	.LASF46
	.byte	0x7
	.uleb128 0x6
	.long	.LASF47
	.byte	0x8
	.uleb128 0x6
	.long	.LASF48
	.byte	0x9
	.uleb128 0x6
	.long	.LASF49
	.byte	0xa
	.uleb128 0x6
	.long	.LASF50
	.byte	0xb
	.uleb128 0x6
	.long	.LASF51
	.byte	0xc
	.uleb128 0x6
	.long	.LASF52
	.byte	0xd
	.uleb128 0x6
	.long	.LASF53
	.byte	0xe
	.byte	0
	.uleb128 0x7
	.long	.LASF54
	.byte	0x7
	.byte	0x4
	.long	0x66
	.byte	0x5
	.byte	0x14
	.byte	0x6
	.long	0x1e5
	.uleb128 0x6
	.long	.LASF55
	.byte	0xe
	.uleb128 0x6
	.long	.LASF56
	.byte	0x20
	.uleb128 0x6
	.long	.LASF57
	.byte	0x21
	.byte	0
	.uleb128 0x8
	.long	.LASF61
	.byte	0x1
	.byte	0x18
	.byte	0x6
	.quad	.LFB74
	.quad	.LFE74-.LFB74
	.uleb128 0x1
	.byte	0x9c
	.byte	0
	.section	.debug_abbrev,"",@progbits
.Ldebug_abbrev0:
	.uleb128 0x1
	.uleb128 0x11
	.byte	0x1
	.uleb128 0x25
	.uleb128 0xe
	.uleb128 0x13
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1b
	.uleb128 0x8
	.uleb128 0x55
	.uleb128 0x17
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x10
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0x2
	.uleb128 0x24
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0xe
	.byte	0
	.byte	0
	.uleb128 0x3
	.uleb128 0x24
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0x8
	.byte	0
	.byte	0
	.uleb128 0x4
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x5
	.uleb128 0x4
	.byte	0x1
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x6
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x7
	.uleb128 0x4
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x8
	.uleb128 0x2e
	.byte	0
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_aranges,"",@progbits
	.long	0x2c
	.value	0x2
	.long	.Ldebug_info0
	.byte	0x8
	.byte	0
	.value	0
	.value	0
	.quad	.LFB74
	.quad	.LFE74-.LFB74
	.quad	0
	.quad	0
	.section	.debug_ranges,"",@progbits
.Ldebug_ranges0:
	.quad	.LFB74
	.quad	.LFE74
	.quad	0
	.quad	0
	.section	.debug_line,"",@progbits
.Ldebug_line0:
	.section	.debug_str,"MS",@progbits,1
.LASF21:
	.string	"VECTOR_NMI"
.LASF44:
	.string	"EXO_E_ARG"
.LASF15:
	.string	"GDT_USER_DATA"
.LASF27:
	.string	"VECTOR_PAGE_FAULT"
.LASF51:
	.string	"EXO_E_TIMEOUT"
.LASF43:
	.string	"EXO_E_PERM"
.LASF5:
	.string	"short int"
.LASF19:
	.string	"GDT_ENTRIES"
.LASF12:
	.string	"GDT_NULL"
.LASF38:
	.string	"BOOT_PROTOCOL_PVH"
.LASF37:
	.string	"BOOT_PROTOCOL_MULTIBOOT2"
.LASF42:
	.string	"EXO_E_TYPE"
.LASF31:
	.string	"VECTOR_LAPIC_TIMER"
.LASF35:
	.string	"vector"
.LASF25:
	.string	"VECTOR_NO_DEVICE"
.LASF48:
	.string	"EXO_E_SLOT"
.LASF53:
	.string	"EXO_E_FAULT"
.LASF41:
	.string	"EXO_E_CAP"
.LASF28:
	.string	"VECTOR_MACHINE_CHECK"
.LASF2:
	.string	"long long int"
.LASF22:
	.string	"VECTOR_BREAKPOINT"
.LASF0:
	.string	"long int"
.LASF59:
	.string	"arch/x86_64/asm_offsets.c"
.LASF30:
	.string	"VECTOR_PIC_UNUSED"
.LASF52:
	.string	"EXO_E_DEAD"
.LASF45:
	.string	"EXO_E_ALIGN"
.LASF33:
	.string	"VECTOR_LAPIC_ERROR"
.LASF54:
	.string	"exo_upcall"
.LASF3:
	.string	"long double"
.LASF6:
	.string	"unsigned char"
.LASF4:
	.string	"signed char"
.LASF60:
	.string	"uint64_t"
.LASF11:
	.string	"long long unsigned int"
.LASF34:
	.string	"VECTOR_SPURIOUS"
.LASF20:
	.string	"VECTOR_DEBUG"
.LASF8:
	.string	"unsigned int"
.LASF50:
	.string	"EXO_E_AGAIN"
.LASF40:
	.string	"EXO_E_CALL"
.LASF32:
	.string	"VECTOR_IPI_FIRST"
.LASF7:
	.string	"short unsigned int"
.LASF24:
	.string	"VECTOR_INVALID_OPCODE"
.LASF10:
	.string	"char"
.LASF17:
	.string	"GDT_TSS_LOW"
.LASF55:
	.string	"EXO_UPCALL_PAGE_FAULT"
.LASF9:
	.string	"_Bool"
.LASF23:
	.string	"VECTOR_OVERFLOW"
.LASF26:
	.string	"VECTOR_DOUBLE_FAULT"
.LASF47:
	.string	"EXO_E_NOMEM"
.LASF1:
	.string	"long unsigned int"
.LASF29:
	.string	"VECTOR_FIRST_EXTERNAL"
.LASF57:
	.string	"EXO_UPCALL_FOREIGN"
.LASF61:
	.string	"asm_offsets"
.LASF13:
	.string	"GDT_CODE"
.LASF56:
	.string	"EXO_UPCALL_EVENT"
.LASF16:
	.string	"GDT_USER_CODE"
.LASF46:
	.string	"EXO_E_RANGE"
.LASF18:
	.string	"GDT_TSS_HIGH"
.LASF39:
	.string	"exo_error"
.LASF49:
	.string	"EXO_E_BUSY"
.LASF58:
	.ascii	"GNU C11 12.2.0 -m64 -mno-red-zone -mgeneral-regs-only -mcmod"
	.ascii	"el=kernel -mpreferred-stack-boundary=3 -mtune=generi"
	.string	"c -march=x86-64 -gdwarf-4 -Os -std=gnu11 -ffreestanding -fno-common -ffunction-sections -fdata-sections -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-ident -fno-pie -fcf-protection=none -fno-jump-tables -fomit-frame-pointer -fno-stack-protector"
.LASF36:
	.string	"boot_protocol"
.LASF14:
	.string	"GDT_DATA"
	.section	.note.GNU-stack,"",@progbits
