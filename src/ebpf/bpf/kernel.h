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
// A function that the verifier looks at once, on its own, whatever it is called with: what follows each of
// many ways to it would be followed for each of them otherwise.
#define APART __attribute__((noinline))
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

enum { MAP_ARRAY = 2, MAP_PERCPU_ARRAY = 6, MAP_LRU_HASH = 9, MAP_RINGBUF = 27 };

// Submitted quietly: whoever reads looks by itself. A wake-up for each record halves a busy server.
enum { RB_NO_WAKEUP = 1 };

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*map_delete)(void *map, const void *key) = (void *)3;
static u64 (*ktime)(void) = (void *)5;
static u64 (*current_pid_tgid)(void) = (void *)14;
static long (*spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static long (*spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
static long (*skb_load_bytes)(const void *skb, u32 from, void *to, u32 size) = (void *)26;
static u64 (*current_task)(void) = (void *)35;
static long (*probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*seq_write)(void *seq, const void *from, u32 size) = (void *)127;
static void *(*ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*ringbuf_submit)(void *record, u64 flags) = (void *)132;
static void (*ringbuf_discard)(void *record, u64 flags) = (void *)133;
static struct socket *(*sock_from_file)(void *file) = (void *)162;
static long (*loop)(u32 times, void *turn, void *context, u64 flags) = (void *)181; // Linux 5.17

// Reads a field behind a pointer that the verifier does not know, wherever this kernel has it.
#define READ_KERNEL(to, from, field) \
    probe_read_kernel((to), sizeof(*(to)), __builtin_preserve_access_index(&(from)->field))
// This kernel's type has the field.
#define HAS_FIELD(pointer, field) __builtin_preserve_field_info((pointer)->field, 2)
// This kernel knows that name of an enumeration, and by that number.
#define HAS_NAME(kind, name) __builtin_preserve_enum_value(*(enum kind *)name, 0)
#define NUMBER_OF(kind, name) __builtin_preserve_enum_value(*(enum kind *)name, 1)
#define IS_NAMED(number, kind, name) (HAS_NAME(kind, name) && (number) == NUMBER_OF(kind, name))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET16(value) __builtin_bswap16(value)
#define NET32(value) __builtin_bswap32(value)
#else
#define NET16(value) (value)
#define NET32(value) (value)
#endif

// The context of a packet: the beginning of it (include/uapi/linux/bpf.h). Known to the verifier by this
// name.
struct __sk_buff {
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

// The kernel's own types.

struct ns_common {
    u32 inum;
} CORE;

struct net {
    struct ns_common ns;
} CORE;

typedef struct {
    struct net *net;
} possible_net_t;

struct pid_namespace {
    struct ns_common ns;
} CORE;

struct upid {
    s32 nr;
    struct pid_namespace *ns;
} CORE;

struct pid {
    u32 level;
    struct upid numbers[1];
} CORE;

struct signal_struct {
    u32 flags;
    s32 group_exit_code;
} CORE;

struct task_struct {
    u32 flags;
    s32 exit_code;
    s32 tgid;
    struct task_struct *group_leader;
    struct pid *thread_pid;
    u64 start_time;
    char comm[16];
    struct signal_struct *signal;
} CORE;

typedef struct {
    s64 counter;
} atomic_long_t;

struct rw_semaphore {
    atomic_long_t count;
} CORE;

struct inode {
    struct rw_semaphore i_rwsem;
} CORE;

struct file {
    struct inode *f_inode;
} CORE;

struct sock;

struct socket {
    struct file *file;
    struct sock *sk;
} CORE;

struct in6_addr {
    u8 bytes[16];
};

struct sock_common {
    u32 skc_daddr;
    u32 skc_rcv_saddr;
    u16 skc_dport;
    u16 skc_num;
    u16 skc_family;
    u8 skc_state;
    possible_net_t skc_net;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
    unsigned long skc_flags;
} CORE;

typedef struct {
    s32 owned;
} socket_lock_t;

struct sock {
    struct sock_common __sk_common;
    socket_lock_t sk_lock;
    struct socket *sk_socket;
    u16 sk_type;
    u16 sk_protocol;
    u8 sk_shutdown;
    unsigned long sk_lingertime;
    u32 sk_ack_backlog;
    u32 sk_max_ack_backlog;
} CORE;

struct inet_sock {
    u16 inet_sport;
} CORE;

struct inet_connection_sock {
    const void *icsk_ulp_ops;
} CORE;

struct tcp_sock {
    u32 rcv_nxt;
    u32 copied_seq;
    u32 write_seq;
} CORE;

struct request_sock {
    struct sock_common __req_common;
} CORE;

struct net_device {
    possible_net_t nd_net;
} CORE;

struct sk_buff {
    struct net_device *dev;
    u16 transport_header;
    u16 network_header;
    u8 *head;
} CORE;

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
} CORE;

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    u32 fd;
    struct file *file;
} CORE;

// Why a reset was sent (include/net/rstreason.h, Linux 6.10), by names: numbers move.
enum sk_rst_reason {
    SK_RST_REASON_NO_SOCKET = 1,
    SK_RST_REASON_TCP_ABORT_ON_DATA = 8,
    SK_RST_REASON_TCP_TIMEWAIT_SOCKET = 9,
    SK_RST_REASON_TCP_ABORT_ON_CLOSE = 11,
    SK_RST_REASON_TCP_STATE = 14,
};

typedef struct __sk_buff packet_t;

// The next program, or the kernel, goes on with the packet as if this one had not been there.
enum { GO_ON = -1 };

static const char license_of_all[] SEC("license") = "Dual MIT/GPL";
