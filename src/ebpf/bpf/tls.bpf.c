// What programs say through OpenSSL, in clear, and where on the wire its ciphertext lies.
//
// OpenSSL's functions tell the text (uprobes at their entry and their return); what the same thread
// sends or receives on a TCP socket in between tells the connection and the numbers on the wire
// (sock_send_length and sock_recv_length, Linux 6.3). Each record is one of these:
// - text that was written, and the wire numbers of all that was sent for it;
// - text that was read, and the wire numbers of what was received for it; where nothing was, for it
//   was left over from what had been received before, those numbers again;
// - wire numbers without text: handshakes, alerts, tickets.
// What is sent or received while no such function runs is not told: nobody knows what it is.
#include "kernel.h"

enum {
    INET = 2,
    INET6 = 10,
    STREAM = 1,
    TCP = 6,
    PEEK = 2,         // MSG_PEEK
    RCV_SHUTDOWN = 1, // the peer's FIN is there
};

// Text kept of a turn, which is what one side says until the other one does.
#define TURN 4096
// Threads within a function of OpenSSL's at once, and its connections.
#define CALLS 16384
#define SESSIONS 65536

enum kind {
    QUIET, // SSL_do_handshake, SSL_shutdown: bytes without text
    READ,
    PEEK_AT, // takes from the wire what a later READ returns
    WRITE,
};

enum way { RECEIVED, SENT };

// Only connections from or to these ports are told of, if any is set.
const volatile u8 some_ports;
const volatile u8 ports[8192];

#if defined(TARGET_x86_64)
struct registers {
    u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
};
#define FIRST(registers) ((registers)->di)
#define SECOND(registers) ((registers)->si)
#define FOURTH(registers) ((registers)->cx)
#define RETURNED(registers) ((registers)->ax)
#elif defined(TARGET_aarch64)
struct registers {
    u64 x[31];
};
#define FIRST(registers) ((registers)->x[0])
#define SECOND(registers) ((registers)->x[1])
#define FOURTH(registers) ((registers)->x[3])
#define RETURNED(registers) ((registers)->x[0])
#else
// Elsewhere the programs see nothing; user space says so.
struct registers {
    u64 none;
};
#define FIRST(registers) 0ULL
#define SECOND(registers) 0ULL
#define FOURTH(registers) 0ULL
#define RETURNED(registers) 0ULL
#endif

struct tuple {
    u32 local[4];
    u32 remote[4];
    u16 local_port;
    u16 remote_port;
    u16 family;
    u16 unused;
};

struct record {
    u64 at;      // nanoseconds since the host started
    u32 lost;    // records that there was no room for, so far
    u32 process;
    u32 from;    // the first number on the wire
    u32 to;      // one past the last
    u32 length;  // of the text
    u32 kept;    // bytes of it that follow
    u8 way;
    u8 again;    // these numbers were told before, with the text before this; it follows that
    u16 unused;
    struct tuple between;
    u32 order; // counts what was told of this connection in this direction
};

// Wire numbers that belong together.
struct range {
    u32 from;
    u32 to;
    u32 some;
};

// A function that a thread is in.
struct call {
    u64 session;
    u64 text;
    u64 length_at; // where it will say how long the text was, if not by its result
    u32 kind;
    struct range sent;
    struct range received;
    u32 unused;
};

struct which {
    u64 session; // OpenSSL's address of it
    u32 process;
    u32 unused;
};

// What is known of a connection of OpenSSL's.
struct session {
    struct tuple between;
    struct range received; // by the last read
    struct range unsent;   // by a write that could not be finished
    u32 left;              // of the turn
    u32 speaks;            // whose turn it is
    u32 told[2];           // of each direction
};

struct {
    MAP_TYPE(MAP_RINGBUF);
    MAP_ENTRIES(1 << 23);
} spoken SEC(".maps");

struct {
    MAP_TYPE(MAP_LRU_HASH);
    MAP_ENTRIES(CALLS);
    MAP_KEY(u64);
    MAP_VALUE(struct call);
} calls SEC(".maps");

struct {
    MAP_TYPE(MAP_LRU_HASH);
    MAP_ENTRIES(SESSIONS);
    MAP_KEY(struct which);
    MAP_VALUE(struct session);
} sessions SEC(".maps");

struct {
    MAP_TYPE(MAP_ARRAY);
    MAP_ENTRIES(1);
    MAP_KEY(u32);
    MAP_VALUE(u32);
} lost SEC(".maps");

INLINE u32 *lost_count(void)
{
    u32 none = 0;
    return map_lookup(&lost, &none);
}

INLINE u32 process(void)
{
    return current_pid_tgid() >> 32;
}

INLINE int is_wanted(const struct tuple *between)
{
    u16 local = between->local_port, remote = between->remote_port;
    return !some_ports || ((ports[local >> 3] >> (local & 7)) & 1) ||
           ((ports[remote >> 3] >> (remote & 7)) & 1);
}

// What is told beside the text.
struct about {
    struct range range;
    u32 length;
    u8 way;
    u8 again;
};

// Puts a record with the first `keep` bytes of the text into one with room for `room`. The barrier
// keeps the compiler from comparing another register than the one whose bound the verifier must know.
#define EMIT(session, about, text, keep, room)                                                     \
    do {                                                                                           \
        struct {                                                                                   \
            struct record head;                                                                    \
            u8 bytes[room];                                                                        \
        } *record = ringbuf_reserve(&spoken, sizeof(*record), 0);                                  \
        u32 *missed = lost_count();                                                                \
        if (!record) {                                                                             \
            if (missed)                                                                            \
                __sync_fetch_and_add(missed, 1);                                                   \
            return;                                                                                \
        }                                                                                          \
        u64 size = (keep);                                                                         \
        asm volatile("" : "+r"(size));                                                             \
        if (size > (room))                                                                         \
            size = (room);                                                                         \
        if (size && probe_read_user(record->bytes, size, (void *)(text)) < 0)                      \
            size = 0;                                                                              \
        record->head.at = ktime();                                                                 \
        record->head.lost = missed ? *missed : 0;                                                  \
        record->head.process = process();                                                          \
        record->head.from = (about)->range.from;                                                   \
        record->head.to = (about)->range.to;                                                       \
        record->head.length = (about)->length;                                                     \
        record->head.kept = size;                                                                  \
        record->head.way = (about)->way;                                                           \
        record->head.again = (about)->again;                                                       \
        record->head.order = order;                                                                \
        record->head.between = (session)->between;                                                 \
        ringbuf_submit(record, RB_NO_WAKEUP);                                                      \
    } while (0)

// A few sizes: the room of a record must be known when the program is loaded.
INLINE void tell(struct session *session, const struct about *about, u64 text)
{
    if (!is_wanted(&session->between))
        return;
    u32 keep = 0, order;
    if (about->way == SENT)
        order = session->told[SENT]++;
    else
        order = session->told[RECEIVED]++;
    if (about->length) {
        if (session->speaks != about->way || session->left > TURN) {
            session->speaks = about->way;
            session->left = TURN;
        }
        keep = about->length < session->left ? about->length : session->left;
        session->left -= keep;
    }
    if (keep == 0)
        EMIT(session, about, text, keep, 8);
    else if (keep <= 512)
        EMIT(session, about, text, keep, 512);
    else
        EMIT(session, about, text, keep, TURN);
}

INLINE void enter(struct registers *registers, u32 kind, int by_result)
{
    u64 thread = current_pid_tgid();
    struct call call = {
        .session = FIRST(registers),
        .text = kind == QUIET ? 0 : SECOND(registers),
        .length_at = by_result ? 0 : FOURTH(registers),
        .kind = kind,
    };
    map_update(&calls, &thread, &call, 0);
}

INLINE int leave(struct registers *registers)
{
    u64 thread = current_pid_tgid();
    struct call *there = map_lookup(&calls, &thread);
    if (!there)
        return 0;
    struct call call = *there;
    map_delete(&calls, &thread);
    struct which which = {.session = call.session, .process = process()};
    struct session *session = map_lookup(&sessions, &which);
    // Nothing was sent or received for it since this watch began.
    if (!session || call.kind == QUIET)
        return 0;
    s32 result = RETURNED(registers);
    u64 length = result > 0 && call.kind != PEEK_AT ? result : 0;
    if (length && call.length_at && probe_read_user(&length, sizeof(length), (void *)call.length_at))
        length = 0;
    struct about about = {.length = length};
    if (call.kind == WRITE) {
        about.range = call.sent;
        about.way = SENT;
        struct range unsent = session->unsent;
        if (unsent.some) {
            if (!about.range.some)
                about.range = unsent;
            else if (unsent.to == about.range.from)
                about.range.from = unsent.from;
        }
        session->unsent.some = 0;
        if (!about.range.some)
            return 0;
        if (length)
            tell(session, &about, call.text);
        else
            session->unsent = about.range;
        return 0;
    }
    about.range = call.received;
    about.way = RECEIVED;
    if (about.range.some) {
        session->received = about.range;
    } else if (length && session->received.some) {
        about.range = session->received;
        about.again = 1;
    } else {
        return 0;
    }
    tell(session, &about, call.text);
    return 0;
}

INLINE void grow(struct range *range, u32 from, u32 to)
{
    if (!range->some || range->to != from)
        range->from = from;
    range->to = to;
    range->some = 1;
}

// Between whom a socket is; 0 where it is no TCP connection whose numbers count ciphertext.
INLINE int between(struct sock *sk, struct tuple *tuple)
{
    u16 type = 0, protocol = 0, family = 0, port = 0;
    const void *layer = NULL;
    READ_KERNEL(&type, sk, sk_type);
    READ_KERNEL(&protocol, sk, sk_protocol);
    READ_KERNEL(&family, sk, __sk_common.skc_family);
    if (type != STREAM || protocol != TCP || (family != INET && family != INET6))
        return 0;
    // With kernel TLS the library gives plaintext to the socket.
    READ_KERNEL(&layer, (struct inet_connection_sock *)sk, icsk_ulp_ops);
    if (layer)
        return 0;
    tuple->family = family;
    READ_KERNEL(&tuple->local_port, sk, __sk_common.skc_num);
    READ_KERNEL(&port, sk, __sk_common.skc_dport);
    tuple->remote_port = NET16(port);
    if (family == INET) {
        READ_KERNEL(&tuple->local[0], sk, __sk_common.skc_rcv_saddr);
        READ_KERNEL(&tuple->remote[0], sk, __sk_common.skc_daddr);
    } else {
        probe_read_kernel(tuple->local, 16,
                          __builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
        probe_read_kernel(tuple->remote, 16,
                          __builtin_preserve_access_index(&sk->__sk_common.skc_v6_daddr));
    }
    return 1;
}

INLINE int same(const struct tuple *one, const struct tuple *other)
{
    for (int i = 0; i < 4; i++)
        if (one->local[i] != other->local[i] || one->remote[i] != other->remote[i])
            return 0;
    return one->local_port == other->local_port && one->remote_port == other->remote_port;
}

// One past the last byte that was read. A FIN takes a number of its own, and may have been read too.
INLINE u32 read_to(struct sock *sk)
{
    u32 copied = 0, next = 0;
    u8 shutdown = 0;
    READ_KERNEL(&copied, (struct tcp_sock *)sk, copied_seq);
    READ_KERNEL(&next, (struct tcp_sock *)sk, rcv_nxt);
    READ_KERNEL(&shutdown, sk, sk_shutdown);
    return (shutdown & RCV_SHUTDOWN) && copied == next ? copied - 1 : copied;
}

INLINE int moved(u64 *ctx, u32 way)
{
    u64 thread = current_pid_tgid();
    struct call *call = map_lookup(&calls, &thread);
    s32 count = ctx[1];
    if (!call || count <= 0)
        return 0;
    struct sock *sk = (struct sock *)ctx[0];
    u32 flags = ctx[2];
    if (way == RECEIVED && (flags & PEEK))
        return 0;
    struct tuple tuple = {};
    if (!between(sk, &tuple))
        return 0;
    struct range range = {.some = 1};
    if (way == SENT)
        READ_KERNEL(&range.to, (struct tcp_sock *)sk, write_seq);
    else
        range.to = read_to(sk);
    range.from = range.to - count;
    struct which which = {.session = call->session, .process = process()};
    struct session *session = map_lookup(&sessions, &which);
    if (!session || !same(&session->between, &tuple)) {
        struct session begun = {.between = tuple};
        map_update(&sessions, &which, &begun, 0);
        session = map_lookup(&sessions, &which);
        if (!session)
            return 0;
    }
    if (way == SENT && call->kind == WRITE) {
        grow(&call->sent, range.from, range.to);
    } else if (way == RECEIVED && (call->kind == READ || call->kind == PEEK_AT)) {
        grow(&call->received, range.from, range.to);
    } else {
        // What went the other way in this call was a part of a handshake.
        struct about before = {.way = !way, .range = way == SENT ? call->received : call->sent};
        if (before.range.some) {
            if (before.way == RECEIVED)
                session->received = before.range;
            call->received.some = 0;
            call->sent.some = 0;
            tell(session, &before, 0);
        }
        // A handshake, an alert, a change of keys. What was read ahead is returned by a later read.
        if (way == RECEIVED)
            session->received = range;
        struct about about = {.range = range, .way = way};
        tell(session, &about, 0);
    }
    return 0;
}

SEC("tp_btf/sock_send_length")
int sent(u64 *ctx)
{
    return moved(ctx, SENT);
}

SEC("tp_btf/sock_recv_length")
int received(u64 *ctx)
{
    return moved(ctx, RECEIVED);
}

SEC("uprobe/quiet")
int quiet(struct registers *registers)
{
    enter(registers, QUIET, 1);
    return 0;
}

SEC("uprobe/read_plain")
int read_plain(struct registers *registers)
{
    enter(registers, READ, 1);
    return 0;
}

SEC("uprobe/read_ex")
int read_ex(struct registers *registers)
{
    enter(registers, READ, 0);
    return 0;
}

SEC("uprobe/peek")
int peek(struct registers *registers)
{
    enter(registers, PEEK_AT, 1);
    return 0;
}

SEC("uprobe/write_plain")
int write_plain(struct registers *registers)
{
    enter(registers, WRITE, 1);
    return 0;
}

SEC("uprobe/write_ex")
int write_ex(struct registers *registers)
{
    enter(registers, WRITE, 0);
    return 0;
}

SEC("uretprobe/done")
int done(struct registers *registers)
{
    return leave(registers);
}
