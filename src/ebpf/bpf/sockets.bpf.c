// Whose the ends of TCP connections on this host are, and what becomes of them.
//
// What is known of a socket is kept with it, here; a record is sent when somebody else begins to use it,
// and when it changes in a way that a connection does once: not for each request. Each record is the
// whole of what is known by then, so that a lost one costs nothing that the next does not make good.
#include "kernel.h"

enum {
    INET = 2,
    INET6 = 10,
    TCP = 6,
};

// include/net/tcp_states.h
enum {
    ESTABLISHED = 1,
    SYN_SENT = 2,
    SYN_RECV = 3,
    FIN_WAIT1 = 4,
    CLOSED = 7,
    CLOSE_WAIT = 8,
    LAST_ACK = 9,
};

enum {
    SHUT_SENDING = 2,  // of sk_shutdown
    LINGERS = 1 << 4,  // SOCK_LINGER, of skc_flags
    EXITING = 4,       // of a task's flags
    KERNEL_THREAD = 0x00200000,
    GROUP_EXITS = 4,   // of signal_struct's flags
    PEEK = 2,          // of recv's flags
    SYN = 2,
    ACK = 16,
};

// What a record is about.
enum kind { STATE, END, RESET, REFUSED, QUEUE };
// How an end was closed.
enum how { OPEN, BY_CLOSE, BY_SHUTDOWN, BY_EXIT, UNTOLD };
// Why a reset was sent.
enum why { NOT_TOLD, NO_SOCKET, TIME_WAIT, UNREAD_DATA, LINGER_ZERO, AFTER_CLOSE, OTHER };

// Another process takes over a connection no more often than this is told.
#define OWNER_TOLD 10000000

// The namespace whose process numbers this host's user sees.
const volatile u32 pid_namespace;

struct who {
    u64 started; // nanoseconds since the host did; makes the number one of a kind
    u32 tgid;    // as the kernel counts
    u32 pid;     // as the user sees it; 0: not at all
    char comm[16];
};

struct life {
    u64 born; // 0: before the watch
    u64 read;
    u64 written;
    u64 closed_at;
    u64 reset_at;
    u64 queue_at;
    u64 told;
    struct who owner;
    struct who closer;
    u8 local[16];
    u8 remote[16];
    u16 local_port;
    u16 remote_port;
    u32 net;
    u32 retransmits;
    u32 read_to;
    u32 received_to;
    u32 reset_number;
    u32 queue_length;
    u32 queue_most;
    u8 how;
    u8 signal;
    u8 why;
    u8 is_placed; // its addresses and ports are known
    u8 is_used;   // the owner used it, which tells more than that it has it open
    u8 is_shared; // several have it open, and none used it
    u8 is_fresh;  // something is not told yet
    u8 unused;
};

struct head {
    u64 at;
    u64 socket; // 0: none, or none that is known
    u32 kind;
    u32 lost; // records that there was no room for, so far
};

struct {
    MAP_TYPE(MAP_LRU_HASH);
    MAP_ENTRIES(65536);
    MAP_KEY(u64);
    MAP_VALUE(struct life);
} lives SEC(".maps");

struct {
    MAP_TYPE(MAP_RINGBUF);
    MAP_ENTRIES(1 << 20);
} changes SEC(".maps");

struct {
    MAP_TYPE(MAP_ARRAY);
    MAP_ENTRIES(1);
    MAP_KEY(u32);
    MAP_VALUE(u32);
} lost SEC(".maps");

struct record {
    struct head head;
    struct life life;
};

INLINE void fill_head(struct head *head, u32 kind, u64 socket, u64 now)
{
    u32 none = 0;
    u32 *count = map_lookup(&lost, &none);
    head->at = now;
    head->socket = socket;
    head->kind = kind;
    head->lost = count ? *count : 0;
}

INLINE struct record *reserve(void)
{
    struct record *record = ringbuf_reserve(&changes, sizeof(*record), 0);
    if (!record) {
        u32 none = 0;
        u32 *count = map_lookup(&lost, &none);
        if (count)
            __sync_fetch_and_add(count, 1);
    }
    return record;
}

INLINE void tell(u32 kind, u64 socket, struct life *life, u64 now)
{
    struct record *record = reserve();
    if (!record)
        return;
    life->is_fresh = 0;
    life->told = now;
    fill_head(&record->head, kind, socket, now);
    __builtin_memcpy(&record->life, life, sizeof(*life));
    ringbuf_submit(record, RB_NO_WAKEUP);
}

// The process, not the thread; nothing for the kernel's own.
INLINE int identify(struct task_struct *task, struct who *who)
{
    u32 flags = 0;
    struct task_struct *leader = NULL;
    struct pid *pid = NULL;
    READ_KERNEL(&flags, task, flags);
    if (flags & KERNEL_THREAD)
        return 0;
    READ_KERNEL(&who->tgid, task, tgid);
    READ_KERNEL(&leader, task, group_leader);
    READ_KERNEL(&who->started, leader, start_time);
    READ_KERNEL(&who->comm, leader, comm);
    READ_KERNEL(&pid, leader, thread_pid);
    who->pid = 0;
    u32 level = 0;
    READ_KERNEL(&level, pid, level);
    struct upid *number = __builtin_preserve_access_index(&pid->numbers[0]);
    for (u32 at = 0; at <= 32; at++) {
        struct pid_namespace *space = NULL;
        u32 inum = 0;
        s32 nr = 0;
        if (at > level)
            break;
        READ_KERNEL(&space, number, ns);
        READ_KERNEL(&inum, space, ns.inum);
        if (inum == pid_namespace) {
            READ_KERNEL(&nr, number, nr);
            who->pid = nr;
            break;
        }
        number = (void *)number + __builtin_preserve_type_info(*number, 1);
    }
    return 1;
}

INLINE void place(struct life *life, struct sock_common *common, u16 local_port)
{
    struct net *net = NULL;
    u16 family = 0;
    READ_KERNEL(&net, common, skc_net.net);
    READ_KERNEL(&life->net, net, ns.inum);
    READ_KERNEL(&family, common, skc_family);
    READ_KERNEL(&life->remote_port, common, skc_dport);
    life->local_port = local_port;
    if (family == INET) {
        // As IPv6 writes them.
        __builtin_memset(life->local, 0, sizeof(life->local));
        __builtin_memset(life->remote, 0, sizeof(life->remote));
        life->local[10] = life->local[11] = life->remote[10] = life->remote[11] = 0xff;
        READ_KERNEL((u32 *)(life->local + 12), common, skc_rcv_saddr);
        READ_KERNEL((u32 *)(life->remote + 12), common, skc_daddr);
    } else if (HAS_FIELD(common, skc_v6_daddr)) {
        READ_KERNEL((struct in6_addr *)life->local, common, skc_v6_rcv_saddr);
        READ_KERNEL((struct in6_addr *)life->remote, common, skc_v6_daddr);
    }
    life->is_placed = 1;
}

// Ports in the order of the network. The one that the socket has given back still stands there.
INLINE void place_socket(struct life *life, struct sock *sk)
{
    u16 port = 0;
    READ_KERNEL(&port, (struct inet_sock *)sk, inet_sport);
    place(life, (struct sock_common *)sk, port);
}

INLINE struct life *begin(u64 key, u64 now)
{
    struct life life = { .born = now };
    map_update(&lives, &key, &life, 0);
    return map_lookup(&lives, &key);
}

INLINE int is_tcp(struct sock *sk)
{
    if (!sk || sk->sk_protocol != TCP)
        return 0;
    u16 family = sk->__sk_common.skc_family;
    return family == INET || family == INET6;
}

// A process holds the socket's lock: whatever happens to it happens in a call of that process, not in an
// interrupt that came by.
INLINE int is_in_call(struct sock *sk)
{
    s32 owned = 0;
    READ_KERNEL(&owned, sk, sk_lock.owned);
    return owned != 0;
}

// The last one who had the file open has closed it: the kernel locks the inode for that, and not for
// shutdown(). -1: this kernel's locks do not tell.
INLINE int is_being_closed(struct sock *sk)
{
    struct socket *socket = NULL;
    struct file *file = NULL;
    struct inode *inode = NULL;
    s64 count = 0;
    if (!HAS_FIELD((struct rw_semaphore *)0, count))
        return -1;
    READ_KERNEL(&socket, sk, sk_socket);
    READ_KERNEL(&file, socket, file);
    READ_KERNEL(&inode, file, f_inode);
    if (!inode || READ_KERNEL(&count, inode, i_rwsem.count.counter) < 0)
        return -1;
    return count & 1;
}

INLINE void close(struct life *life, struct sock *sk, int by_close, u64 now)
{
    struct task_struct *task = (void *)current_task();
    u32 flags = 0;
    if (life->how != OPEN)
        return;
    life->closed_at = now;
    READ_KERNEL(&life->read_to, (struct tcp_sock *)sk, copied_seq);
    READ_KERNEL(&life->received_to, (struct tcp_sock *)sk, rcv_nxt);
    if (!is_in_call(sk) || !identify(task, &life->closer)) {
        life->how = UNTOLD;
        return;
    }
    READ_KERNEL(&flags, task, flags);
    if (by_close && flags & EXITING) {
        struct signal_struct *group = NULL;
        u32 group_flags = 0;
        s32 code = 0;
        READ_KERNEL(&group, task, signal);
        READ_KERNEL(&group_flags, group, flags);
        if (group_flags & GROUP_EXITS)
            READ_KERNEL(&code, group, group_exit_code);
        else
            READ_KERNEL(&code, task, exit_code);
        life->how = BY_EXIT;
        life->signal = code & 0x7f;
    } else {
        life->how = by_close > 0 ? BY_CLOSE : by_close == 0 ? BY_SHUTDOWN : UNTOLD;
    }
}

SEC("tp_btf/inet_sock_set_state")
int inet_sock_set_state(u64 *ctx)
{
    struct sock *sk = (void *)ctx[0];
    int before = ctx[1], after = ctx[2];
    if (!is_tcp(sk))
        return 0;
    u64 key = (u64)sk, now = ktime();
    if (after == SYN_SENT) {
        // It has no port yet.
        struct life *life = begin(key, now);
        if (life && is_in_call(sk) && identify((void *)current_task(), &life->owner))
            life->is_used = 1;
        return 0;
    }
    if (after == SYN_RECV && before != SYN_SENT) {
        map_delete(&lives, &key);
        return 0;
    }
    if (after != ESTABLISHED && after != FIN_WAIT1 && after != CLOSE_WAIT && after != LAST_ACK &&
        after != CLOSED)
        return 0;
    // A socket that only listened, or never did anything.
    if (after == CLOSED && (before == 10 || before == CLOSED))
        return 0;
    struct life *life = map_lookup(&lives, &key);
    if (!life)
        life = begin(key, now);
    if (!life)
        return 0;
    if (!life->is_placed)
        place_socket(life, sk);
    u8 shut = 0;
    READ_KERNEL(&shut, sk, sk_shutdown);
    if (before != after && (after == FIN_WAIT1 || after == LAST_ACK)) {
        close(life, sk, shut == SHUT_SENDING ? 0 : is_being_closed(sk), now);
    } else if (after == CLOSED && (shut & SHUT_SENDING) && is_in_call(sk) &&
               (before == ESTABLISHED || before == CLOSE_WAIT || before == SYN_SENT ||
                before == SYN_RECV)) {
        // In these states only close() sets it, and it does so before the state.
        close(life, sk, 1, now);
    }
    tell(after == CLOSED ? END : STATE, key, life, now);
    return 0;
}

INLINE int used(struct sock *sk, int is_read, int took)
{
    if (!is_tcp(sk))
        return 0;
    u64 key = (u64)sk, now = 0;
    struct life *life = map_lookup(&lives, &key);
    if (!life) {
        u8 state = sk->__sk_common.skc_state;
        if (state != ESTABLISHED && state != CLOSE_WAIT)
            return 0;
        now = ktime();
        life = begin(key, now);
        if (!life)
            return 0;
        place_socket(life, sk);
    }
    if (took) {
        now = ktime();
        if (is_read)
            life->read = now;
        else
            life->written = now;
        life->is_fresh = 1;
    }
    if (life->owner.tgid == current_pid_tgid() >> 32 && life->is_used)
        return 0;
    int is_first = life->owner.tgid == 0;
    if (!identify((void *)current_task(), &life->owner))
        return 0;
    life->is_used = 1;
    life->is_fresh = 1;
    if (!now)
        now = ktime();
    if (life->is_placed && (is_first || now - life->told > OWNER_TOLD))
        tell(STATE, key, life, now);
    return 0;
}

SEC("tp_btf/sock_send_length")
int sock_send_length(u64 *ctx)
{
    return used((void *)ctx[0], 0, (int)ctx[1] > 0);
}

SEC("tp_btf/sock_recv_length")
int sock_recv_length(u64 *ctx)
{
    return used((void *)ctx[0], 1, (int)ctx[1] > 0 && !(ctx[2] & PEEK));
}

// The same for kernels before 6.3, as far as it goes: somebody took something out.
SEC("tp_btf/tcp_rcv_space_adjust")
int tcp_rcv_space_adjust(u64 *ctx)
{
    struct sock *sk = (void *)ctx[0];
    return sk && is_in_call(sk) ? used(sk, 1, 1) : 0;
}

INLINE int retransmitted(struct sock *sk)
{
    u64 key = (u64)sk;
    struct life *life = map_lookup(&lives, &key);
    if (!life)
        return 0;
    __sync_fetch_and_add(&life->retransmits, 1);
    life->is_fresh = 1;
    if (sk && sk->__sk_common.skc_state == SYN_SENT) {
        place_socket(life, sk);
        tell(STATE, key, life, ktime());
    }
    return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int retransmit_with_error(u64 *ctx)
{
    return (int)ctx[2] ? 0 : retransmitted((void *)ctx[0]);
}

// Before Linux 6.15 it was told only when it was done.
SEC("tp_btf/tcp_retransmit_skb")
int retransmit(u64 *ctx)
{
    return retransmitted((void *)ctx[0]);
}

// A connection waits for its place in a queue that is full: its last step is asked for again.
SEC("tp_btf/tcp_retransmit_synack")
int tcp_retransmit_synack(u64 *ctx)
{
    struct sock *sk = (void *)ctx[0];
    struct request_sock *request = (void *)ctx[1];
    u32 length = 0, most = 0;
    u16 port = 0;
    READ_KERNEL(&length, sk, sk_ack_backlog);
    READ_KERNEL(&most, sk, sk_max_ack_backlog);
    if (length <= most)
        return 0;
    struct record *record = reserve();
    if (!record)
        return 0;
    u64 now = ktime();
    __builtin_memset(&record->life, 0, sizeof(record->life));
    fill_head(&record->head, QUEUE, 0, now);
    record->life.queue_at = now;
    record->life.queue_length = length;
    record->life.queue_most = most;
    READ_KERNEL(&port, request, __req_common.skc_num);
    place(&record->life, (struct sock_common *)request, NET16(port));
    ringbuf_submit(record, RB_NO_WAKEUP);
    return 0;
}

// A reset that answers a segment: whose it is says that segment.
INLINE void answered(struct sock *sk, struct sk_buff *skb, u8 why, u32 number)
{
    u8 *head = NULL;
    u16 network = 0, transport = 0;
    u8 version = 0, flags = 0;
    u16 ports[2] = {};
    struct net *net = NULL;
    struct record *record = reserve();
    if (!record)
        return;
    u64 now = ktime();
    struct life *life = &record->life;
    __builtin_memset(life, 0, sizeof(*life));
    READ_KERNEL(&head, skb, head);
    READ_KERNEL(&network, skb, network_header);
    READ_KERNEL(&transport, skb, transport_header);
    probe_read_kernel(&version, 1, head + network);
    probe_read_kernel(ports, sizeof(ports), head + transport);
    probe_read_kernel(&flags, 1, head + transport + 13);
    life->remote_port = ports[0];
    life->local_port = ports[1];
    if (version >> 4 == 4) {
        life->local[10] = life->local[11] = life->remote[10] = life->remote[11] = 0xff;
        probe_read_kernel(life->remote + 12, 4, head + network + 12);
        probe_read_kernel(life->local + 12, 4, head + network + 16);
    } else {
        probe_read_kernel(life->remote, 16, head + network + 8);
        probe_read_kernel(life->local, 16, head + network + 24);
    }
    if (sk) {
        READ_KERNEL(&net, sk, __sk_common.skc_net.net);
    } else {
        struct net_device *device = NULL;
        READ_KERNEL(&device, skb, dev);
        READ_KERNEL(&net, device, nd_net.net);
    }
    READ_KERNEL(&life->net, net, ns.inum);
    life->reset_at = now;
    life->why = why;
    life->reset_number = number;
    life->is_placed = 1;
    // To a connection that was to begin: it has nothing to do with one that was there before.
    fill_head(&record->head, (flags & (SYN | ACK)) == SYN ? REFUSED : RESET, 0, now);
    ringbuf_submit(record, RB_NO_WAKEUP);
}

INLINE int reset(struct sock *sk, struct sk_buff *skb, u8 why, u32 number)
{
    if (skb) {
        answered(sk, skb, why, number);
        return 0;
    }
    u64 key = (u64)sk, now = ktime();
    struct life *life = map_lookup(&lives, &key);
    if (!life || life->reset_at)
        return 0;
    life->reset_at = now;
    life->why = why;
    life->reset_number = number;
    if (life->is_placed)
        tell(RESET, key, life, now);
    return 0;
}

SEC("tp_btf/tcp_send_reset")
int reset_with_reason(u64 *ctx)
{
    struct sock *sk = (void *)ctx[0];
    u32 reason = ctx[2];
    u8 why = OTHER;
    if (IS_NAMED(reason, sk_rst_reason, SK_RST_REASON_NO_SOCKET)) {
        why = NO_SOCKET;
    } else if (IS_NAMED(reason, sk_rst_reason, SK_RST_REASON_TCP_TIMEWAIT_SOCKET)) {
        why = TIME_WAIT;
    } else if (IS_NAMED(reason, sk_rst_reason, SK_RST_REASON_TCP_ABORT_ON_CLOSE)) {
        why = UNREAD_DATA;
    } else if (IS_NAMED(reason, sk_rst_reason, SK_RST_REASON_TCP_ABORT_ON_DATA)) {
        why = AFTER_CLOSE;
    } else if (IS_NAMED(reason, sk_rst_reason, SK_RST_REASON_TCP_STATE) && sk) {
        // The reason for every disconnect; close() does one where SO_LINGER is zero.
        unsigned long flags = 0, time = 1;
        u8 shut = 0;
        READ_KERNEL(&flags, sk, __sk_common.skc_flags);
        READ_KERNEL(&time, sk, sk_lingertime);
        READ_KERNEL(&shut, sk, sk_shutdown);
        if (!(u64)ctx[1] && (flags & LINGERS) && time == 0 && (shut & SHUT_SENDING))
            why = LINGER_ZERO;
    }
    return reset(sk, (void *)ctx[1], why, reason);
}

// Before Linux 6.10 there was no reason, and a reset without a socket was not told.
SEC("tp_btf/tcp_send_reset")
int reset_without_reason(u64 *ctx)
{
    return reset((void *)ctx[0], (void *)ctx[1], NOT_TOLD, 0);
}

SEC("tp_btf/tcp_destroy_sock")
int tcp_destroy_sock(u64 *ctx)
{
    u64 key = ctx[0];
    struct life *life = map_lookup(&lives, &key);
    if (!life)
        return 0;
    if (life->is_fresh && life->is_placed)
        tell(END, key, life, ktime());
    map_delete(&lives, &key);
    return 0;
}

// Each open file of each process, once, when the watch begins.
SEC("iter/task_file")
int open_sockets(struct bpf_iter__task_file *ctx)
{
    struct file *file = ctx->file;
    struct task_struct *task = ctx->task;
    if (!file || !task)
        return 0;
    struct socket *socket = sock_from_file(file);
    if (!socket)
        return 0;
    struct sock *sk = NULL;
    u16 protocol = 0, family = 0;
    u8 state = 0;
    READ_KERNEL(&sk, socket, sk);
    if (!sk)
        return 0;
    READ_KERNEL(&protocol, sk, sk_protocol);
    READ_KERNEL(&family, sk, __sk_common.skc_family);
    READ_KERNEL(&state, sk, __sk_common.skc_state);
    // Those that listen or never did anything are no ends of a connection.
    if (protocol != TCP || (family != INET && family != INET6) || state == CLOSED || state == 10)
        return 0;
    u64 key = (u64)sk;
    struct life *life = map_lookup(&lives, &key);
    if (!life)
        life = begin(key, 0);
    if (!life || life->is_used || life->is_shared)
        return 0;
    if (!life->is_placed)
        place_socket(life, sk);
    struct who who = {};
    if (!identify(task, &who))
        return 0;
    if (life->owner.tgid == who.tgid)
        return 0;
    if (life->owner.tgid) {
        life->is_shared = 1;
        __builtin_memset(&life->owner, 0, sizeof(life->owner));
    } else {
        life->owner = who;
    }
    struct head head = {};
    fill_head(&head, STATE, key, ktime());
    seq_write(ctx->meta->seq, &head, sizeof(head));
    seq_write(ctx->meta->seq, life, sizeof(*life));
    return 0;
}
