// The segments that pass an interface: headers, and the first bytes of each turn, into a ring.
//
// A turn is what one side sends until the other one does. Of each, the first TURN bytes are kept, whose
// head is what the analysis reads; of the rest the headers alone, which tell where it lies in the
// stream. Nothing is written to packets, and packet memory is neither copied nor moved.
#include "kernel.h"

enum {
    IPV4 = 0x0800,
    IPV6 = 0x86dd,
    VLAN = 0x8100,
    VLAN_OUTER = 0x88a8,
    ICMP = 1,
    TCP = 6,
    ICMPV6 = 58,
    UNREACHABLE = 3,
    UNREACHABLE_V6 = 1,
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    OPTIONS = 60,
    SYN = 2,
};

// The bytes kept of a turn.
#define TURN 4096
// Link, VLAN tags, IP and TCP with all their options, and some of IPv6's further headers.
#define HEADERS 192
// Of an ICMP error: what it quotes.
#define QUOTED 256

// Connections whose turns are followed, at most. A slot that two of them share costs bytes, no more:
// each takes the other's segments for the end of a turn.
#define SLOTS 65536

// Only segments from or to these ports are kept, if any is set.
const volatile u8 some_ports;
const volatile u8 ports[8192];
// No more than this of a turn.
const volatile u32 turn_bytes = TURN;

struct record {
    u64 at;       // nanoseconds since the host started
    u32 wire_len; // of the frame
    u32 kept;     // bytes of it that follow
    u32 ifindex;
    u32 lost;     // records that there was no room for, so far
};

struct {
    MAP_TYPE(MAP_RINGBUF);
    MAP_ENTRIES(1 << 24);
} frames SEC(".maps");

// What is known of a connection's turn.
struct slot {
    u32 tag;  // of the connection
    u16 left; // bytes still to be kept
    u8 sender;
    u8 unused;
};

struct {
    MAP_TYPE(MAP_ARRAY);
    MAP_ENTRIES(SLOTS);
    MAP_KEY(u32);
    MAP_VALUE(struct slot);
} slots SEC(".maps");

struct {
    MAP_TYPE(MAP_ARRAY);
    MAP_ENTRIES(1);
    MAP_KEY(u32);
    MAP_VALUE(u32);
} lost SEC(".maps");

INLINE void count_lost(void)
{
    u32 none = 0;
    u32 *count = map_lookup(&lost, &none);
    if (count)
        __sync_fetch_and_add(count, 1);
}

INLINE u32 lost_so_far(void)
{
    u32 none = 0;
    u32 *count = map_lookup(&lost, &none);
    return count ? *count : 0;
}

// Puts the first `keep` bytes of the frame into a record with room for `room`. The barrier keeps the
// compiler from comparing another register than the one whose bound the verifier must know.
#define EMIT(packet, keep, room)                                                                   \
    do {                                                                                           \
        struct {                                                                                   \
            struct record head;                                                                    \
            u8 bytes[room];                                                                        \
        } *record = ringbuf_reserve(&frames, sizeof(*record), 0);                                  \
        if (!record) {                                                                             \
            count_lost();                                                                          \
            return;                                                                                \
        }                                                                                          \
        u64 length = (keep);                                                                       \
        asm volatile("" : "+r"(length));                                                           \
        if (length == 0 || length > (room) ||                                                      \
            skb_load_bytes((packet), 0, record->bytes, length) < 0) {                              \
            ringbuf_discard(record, RB_NO_WAKEUP);                                                 \
            return;                                                                                \
        }                                                                                          \
        record->head.at = ktime();                                                                 \
        record->head.wire_len = (packet)->len;                                                     \
        record->head.kept = length;                                                                \
        record->head.ifindex = (packet)->ifindex;                                                  \
        record->head.lost = lost_so_far();                                                         \
        ringbuf_submit(record, RB_NO_WAKEUP);                                                      \
    } while (0)

// A few sizes: the room of a record must be known when the program is loaded.
INLINE void emit(struct packet *packet, u32 keep)
{
    if (keep > packet->len)
        keep = packet->len;
    if (keep > TURN + HEADERS)
        keep = TURN + HEADERS;
    if (keep <= 104)
        EMIT(packet, keep, 104);
    else if (keep <= 488)
        EMIT(packet, keep, 488);
    else if (keep <= 1600)
        EMIT(packet, keep, 1600);
    else
        EMIT(packet, keep, TURN + HEADERS);
}

INLINE int is_wanted(u16 port)
{
    return (ports[port >> 3] >> (port & 7)) & 1;
}

struct tcp {
    u16 from;
    u16 to;
    u32 seq;
    u32 ack;
    u8 offset;
    u8 flags;
};

INLINE u32 mixed(u32 value)
{
    value *= 0x9e3779b1;
    return value ^ value >> 15;
}

// How many bytes of this payload belong to the first of its turn.
INLINE u32 of_turn(struct packet *packet, const struct tcp *tcp, u32 from, u32 to, u32 payload)
{
    from = mixed(from ^ mixed(tcp->from));
    to = mixed(to ^ mixed(tcp->to));
    u32 tag = mixed((from + to) ^ packet->ifindex);
    u32 place = tag & (SLOTS - 1);
    u8 sender = from < to;
    struct slot *slot = map_lookup(&slots, &place);
    if (!slot)
        return payload < turn_bytes ? payload : turn_bytes;
    if (slot->tag != tag || slot->sender != sender || (tcp->flags & SYN)) {
        slot->tag = tag;
        slot->sender = sender;
        slot->left = turn_bytes;
    }
    u32 left = slot->left;
    u32 keep = payload < left ? payload : left;
    slot->left = left - keep;
    return keep;
}

INLINE void look(struct packet *packet, u32 link)
{
    void *data = (void *)(long)packet->data;
    void *end = (void *)(long)packet->data_end;
    u16 kind = packet->protocol;
    u32 at = link;
    if (link) {
        if (data + 14 > end)
            return;
        kind = *(u16 *)(data + 12);
        for (int tags = 0; tags < 2; tags++) {
            if (kind != NET16(VLAN) && kind != NET16(VLAN_OUTER))
                break;
            if (data + at + 4 > end)
                return;
            kind = *(u16 *)(data + at + 2);
            at += 4;
        }
    }
    u32 from, to, length;
    u8 protocol;
    if (kind == NET16(IPV4)) {
        u8 *ip = data + at;
        if ((void *)ip + 20 > end)
            return;
        protocol = ip[9];
        if (protocol != TCP && protocol != ICMP)
            return;
        u32 header = (ip[0] & 15) * 4;
        length = ip[2] << 8 | ip[3];
        if (protocol == TCP && (*(u16 *)(ip + 6) & NET16(0x3fff))) {
            emit(packet, at + header + TURN);
            return;
        }
        from = *(u32 *)(ip + 12);
        to = *(u32 *)(ip + 16);
        at += header;
        length = length > header ? length - header : 0;
    } else if (kind == NET16(IPV6)) {
        u8 *ip = data + at;
        if ((void *)ip + 40 > end)
            return;
        protocol = ip[6];
        length = ip[4] << 8 | ip[5];
        u32 *address = (u32 *)(ip + 8);
        from = address[0] ^ address[1] ^ mixed(address[2] ^ address[3]);
        to = address[4] ^ address[5] ^ mixed(address[6] ^ address[7]);
        at += 40;
        for (int more = 0; more < 3; more++) {
            if (protocol != HOP_BY_HOP && protocol != ROUTING && protocol != OPTIONS)
                break;
            u8 *header = data + at;
            if (at > 120 || (void *)header + 8 > end)
                return;
            protocol = header[0];
            u32 size = 8 + header[1] * 8;
            if (size > 64)
                return;
            at += size;
            length = length > size ? length - size : 0;
        }
        if (protocol == FRAGMENT) {
            emit(packet, at + TURN);
            return;
        }
    } else {
        return;
    }
    if (at > 184)
        return;
    u8 *inner = data + at;
    if (protocol == ICMP || protocol == ICMPV6) {
        if ((void *)inner + 8 > end)
            return;
        if (inner[0] == (protocol == ICMP ? UNREACHABLE : UNREACHABLE_V6))
            emit(packet, at + QUOTED);
        return;
    }
    if (protocol != TCP || (void *)inner + 20 > end)
        return;
    struct tcp tcp = {
        .from = NET16(*(u16 *)inner),
        .to = NET16(*(u16 *)(inner + 2)),
        .offset = inner[12] >> 4,
        .flags = inner[13],
    };
    if (some_ports && !is_wanted(tcp.from) && !is_wanted(tcp.to))
        return;
    u32 headers = tcp.offset * 4;
    // Segments that the network card will cut, or has joined, may be longer than the field can say.
    if (length == 0 || packet->len - at > 65535)
        length = packet->len - at;
    u32 payload = length > headers ? length - headers : 0;
    u32 keep = at + headers;
    if (payload || (tcp.flags & SYN))
        keep += of_turn(packet, &tcp, from, to, payload);
    emit(packet, keep);
}

// Interfaces whose frames begin with an Ethernet header; loopback is one.
SEC("classifier/ethernet")
int ethernet(struct packet *packet)
{
    look(packet, 14);
    return GO_ON;
}

// Interfaces whose frames begin with IP: tunnels.
SEC("classifier/raw")
int raw(struct packet *packet)
{
    look(packet, 0);
    return GO_ON;
}
