// What the programs need of the kernel's and of BPF's own headers, so that neither the kernel's
// headers nor libbpf's have to be installed: numbers of helpers (a stable interface, see
// include/uapi/linux/bpf.h), the context of a packet, and those fields of the kernel's own types that
// are read. The latter are found at load time by name ("CO-RE", from the running kernel's BTF): their
// order and what is missing here mean nothing.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define CORE __attribute__((preserve_access_index))
#define NULL ((void *)0)

// Known to the kernel by this name.
struct bpf_spin_lock {
    u32 value;
};

// How a map is told to the loader.
#define MAP_TYPE(number) int(*type)[number]
#define MAP_ENTRIES(number) int(*max_entries)[number]
#define MAP_KEY(kind) kind *key
#define MAP_VALUE(kind) kind *value

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PERCPU_ARRAY = 6, MAP_LRU_HASH = 9, MAP_RINGBUF = 27 };

// Submitted quietly: whoever reads looks by itself. A wake-up for each record halves a busy server.
enum { RB_NO_WAKEUP = 1 };

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*map_delete)(void *map, const void *key) = (void *)3;
static u64 (*ktime)(void) = (void *)5;
static u64 (*current_pid_tgid)(void) = (void *)14;
static long (*current_comm)(void *to, u32 size) = (void *)16;
static long (*spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static long (*spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
static long (*skb_load_bytes)(const void *skb, u32 from, void *to, u32 size) = (void *)26;
static u64 (*current_task)(void) = (void *)35;
static long (*probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static void *(*ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*ringbuf_submit)(void *record, u64 flags) = (void *)132;
static void (*ringbuf_discard)(void *record, u64 flags) = (void *)133;
static long (*loop)(u32 times, void *turn, void *context, u64 flags) = (void *)181; // Linux 5.17

// Reads a field behind a pointer that the verifier does not know, wherever this kernel has it.
#define READ_KERNEL(to, from, field) \
    probe_read_kernel((to), sizeof(*(to)), __builtin_preserve_access_index(&(from)->field))
// This kernel's type has the field.
#define HAS_FIELD(pointer, field) __builtin_preserve_field_info((pointer)->field, 2)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET16(value) __builtin_bswap16(value)
#define NET32(value) __builtin_bswap32(value)
#else
#define NET16(value) (value)
#define NET32(value) (value)
#endif

// The context of a packet: the beginning of `struct __sk_buff` (include/uapi/linux/bpf.h).
struct packet {
    u32 len;
    u32 pkt_type;
    u32 mark;
    u32 queue_mapping;
    u32 protocol;
    u32 vlan_present;
    u32 vlan_tci;
    u32 vlan_proto;
    u32 priority;
    u32 ingress_ifindex;
    u32 ifindex;
    u32 tc_index;
    u32 cb[5];
    u32 hash;
    u32 tc_classid;
    u32 data;
    u32 data_end;
};

// The next program, or the kernel, goes on with the packet as if this one had not been there.
enum { GO_ON = -1 };

static const char license_of_all[] SEC("license") = "Dual MIT/GPL";
