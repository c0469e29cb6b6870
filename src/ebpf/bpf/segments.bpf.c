// The segments that pass an interface: headers, and the first bytes of each turn, into a ring.
//
// A turn is what one side sends until the other one does. Of each, the first TURN bytes are kept, and its
// head where that is longer; of the rest the headers alone, which tell where it lies in the stream. An
// answer in chunks says where it ends within its body: it is kept as long as its segments fit into a
// record.
//
// What only goes on with a body, in order and without a word that matters, makes no record of its own: the
// next record of its connection says how far it went (a run). So do acknowledgements of a part of what was
// sent. Whatever is odd, and whatever ends a silence, makes a record: nothing is hidden for longer than it
// takes the peer to acknowledge it.
//
// Nothing is written to packets, and packet memory is neither copied nor moved.
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
    FIN = 1,
    SYN = 2,
    PSH = 8,
    ACK = 16,
};

// The bytes kept of a turn, whatever it is; and of one segment.
#define TURN 4096
// Most heads are shorter.
#define USUAL_HEAD 512
// The bytes kept of a turn whose head does not end before.
#define LONGEST_HEAD (128 * 1024)
// Link, VLAN tags, IP and TCP with all their options, and some of IPv6's further headers.
#define HEADERS 192
// Of an ICMP error: what it quotes.
#define QUOTED 256

// Connections whose turns are followed, at most. Of two that share a slot, the one that comes later costs
// bytes, no more: it takes the slot over, and with it begins a turn, but not while a run of the other
// waits there to be told.
#define SLOTS 65536
// So long at most: of a connection that has ended without a word, none is.
#define WAITS 60000000000ULL

// Only segments from or to these ports are kept, if any is set.
const volatile u8 some_ports;
const volatile u8 ports[8192];
// No more than this of a turn.
const volatile u32 turn_bytes = TURN;
// Segments that only go on are joined.
const volatile u8 joining = 1;

// How long a run may take, and how long acknowledgements of a part are not told.
#define LONGEST_RUN 10000000ULL
// A run of so many bytes is told.
#define LARGEST_RUN (1 << 24)

// Segments of one side, joined.
struct run {
    u64 at;     // when the last of them passed; nanoseconds since the host started
    u32 seq;    // of the first byte
    u32 length; // payload; 0 is no run
    u32 ack;    // what the last of them acknowledged
    u16 window; // what it advertised
    u8 ttl;
    u8 back;    // sent against the way of the frame that follows
};

struct record {
    u64 at;       // nanoseconds since the host started
    u32 wire_len; // of the frame
    u32 kept;     // bytes of it that follow
    u32 ifindex;
    u32 lost;     // records that there was no room for, so far
    u16 ip;       // where its IP header begins
    u16 tcp;      // where its TCP header begins; 0 if it has none
    u32 unused;
    struct run run; // what passed before it
};

struct {
    MAP_TYPE(MAP_RINGBUF);
    MAP_ENTRIES(1 << 24);
} frames SEC(".maps");

// What is known of a connection. Both sides are looked at on different processors at once.
struct slot {
    struct bpf_spin_lock lock;
    u32 left; // bytes still to be kept of the turn
    u64 tag;  // of the connection
    u8 sender;
    u8 content;
    u8 known;     // a bit for each side whose `next` means something
    u8 closed;    // a bit for each side whose window is zero
    u32 next[2];  // where each side's stream goes on
    u64 told[2];  // when something of each side was told
    struct run run;
};

// Whose turn it is before anybody said anything.
#define NOBODY 2

// What a turn is, as far as it matters here.
enum {
    NEW,     // nothing was seen of it
    IN_HEAD, // its head goes on
    CHUNKED, // its body comes in chunks, all of which were kept
    KNOWN,   // none of that
};

struct {
    MAP_TYPE(MAP_ARRAY);
    MAP_ENTRIES(SLOTS);
    MAP_KEY(u32);
    MAP_VALUE(struct slot);
} slots SEC(".maps");

// Records for which there was no room.
u32 lost;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CAN_SEARCH 1
#else
#define CAN_SEARCH 0
#endif

#define EACH_BYTE 0x0101010101010101ULL
#define HIGHEST_BITS 0x8080808080808080ULL
#define LOWER_CASE 0x2020202020202020ULL
#define TRANSFER 0x726566736e617274ULL // "transfer"

// Words of eight bytes that are searched at a time.
#define WORDS 4

// The beginning of a turn, to be searched: payload need not lie in one piece in a packet.
struct beginning {
    u8 bytes[TURN + 8 * WORDS];
};

struct {
    MAP_TYPE(MAP_PERCPU_ARRAY);
    MAP_ENTRIES(1);
    MAP_KEY(u32);
    MAP_VALUE(struct beginning);
} beginnings SEC(".maps");

// Looks for the end of a head.
struct search {
    const struct beginning *in;
    u32 end;
    u32 content;
};

// Looks at the line behind the lowest of the newlines in a word, which are marked in the highest bit of
// their bytes. `at` is where the word is. Returns whether the head ends there, or the bytes do.
INLINE int look_at_line(struct search *search, u64 at, u64 newlines)
{
    u64 lowest = newlines & -newlines;
    // Which byte of the word that is: the number has 0, 1, 2 ... from the highest byte down.
    u64 line = at + ((lowest >> 7) * 0x0001020304050607ULL >> 56) + 1;
    asm volatile("" : "+r"(line));
    if (line + 2 > search->end || line > TURN)
        return 1;
    u64 begins = *(u64 *)(search->in->bytes + line);
    if ((begins & 0xffff) == ('\r' | '\n' << 8) || (begins & 0xff) == '\n') {
        if (search->content == IN_HEAD)
            search->content = KNOWN;
        return 1;
    }
    if ((begins | LOWER_CASE) == TRANSFER)
        search->content = CHUNKED;
    return 0;
}

static long search_words(u32 turn, struct search *search)
{
    // Not kept in `search`: the verifier would follow every value that it takes.
    u64 at = (u64)turn * 8 * WORDS;
    asm volatile("" : "+r"(at));
    if (at >= search->end || at > TURN)
        return 1;
    const u64 *words = (const u64 *)(search->in->bytes + at);
#pragma unroll
    for (int one = 0; one < WORDS; one++) {
        u64 word = words[one] ^ EACH_BYTE * '\n';
        u64 newlines = (word - EACH_BYTE) & ~word & HIGHEST_BITS;
        // No line of a head is so short that a second one in eight bytes could matter, but the empty one,
        // which the first one meets.
        if (newlines && look_at_line(search, at + one * 8, newlines))
            return 1;
    }
    return 0;
}

// Searches the payload's first bytes, at most `most`, which is TURN or less: what they are.
APART int search_head(packet_t *packet, u32 from, u32 payload, u32 most)
{
    u32 none = 0;
    struct beginning *beginning = map_lookup(&beginnings, &none);
    u64 last = (payload < most ? payload : most) - 1;
    asm volatile("" : "+r"(last));
    if (!beginning || last >= TURN ||
        skb_load_bytes(packet, from, beginning->bytes, last + 1) < 0)
        return KNOWN;
    struct search search = {.in = beginning, .end = last + 1, .content = IN_HEAD};
    loop(TURN / (8 * WORDS), search_words, &search, 0);
    return search.content;
}

// What a turn is that begins, or whose head goes on, with this payload of a packet.
INLINE u8 content_of(packet_t *packet, u32 from, u32 payload, u8 so_far)
{
    if (!CAN_SEARCH || payload < 16)
        return KNOWN;
    if (so_far == NEW) {
        u8 first[4];
        if (skb_load_bytes(packet, from, first, sizeof(first)) < 0)
            return KNOWN;
        // A method, or a version: other protocols begin with three capitals only by chance.
        for (int letter = 0; letter < 3; letter++)
            if (first[letter] < 'A' || first[letter] > 'Z')
                return KNOWN;
        // What is short is kept whole, and GET, DELETE or OPTIONS says nothing of what follows.
        if (payload < TURN / 4 && first[0] != 'H' && first[0] != 'P')
            return KNOWN;
    }
    u8 content = search_head(packet, from, payload, USUAL_HEAD);
    // Searched again from its beginning: few heads are so long.
    if (content == IN_HEAD && payload > USUAL_HEAD)
        content = search_head(packet, from, payload, TURN);
    return content;
}

// What is known of a frame, and what is told before it.
struct seen {
    u64 now;
    u32 keep; // bytes of it
    u16 ip;   // where its headers begin
    u16 tcp;
    u32 from; // of the addresses, all but the same for all but the same
    u32 to;
    u32 payload;
    u32 seq;
    u32 ack;
    u16 from_port;
    u16 to_port;
    u16 window;
    u8 flags;
    u8 ttl;
    struct run run;
};

// Puts the first `keep` bytes of the frame into a record with room for `room`. The barrier keeps the
// compiler from comparing another register than the one whose bound the verifier must know; before Linux
// 6.8 it does not learn from a comparison with 0 that there is a byte at all, but from `last` it does.
#define EMIT(packet, seen, keep, room)                                                             \
    do {                                                                                           \
        struct {                                                                                   \
            struct record head;                                                                    \
            u8 bytes[room];                                                                        \
        } *record = ringbuf_reserve(&frames, sizeof(*record), 0);                                  \
        if (!record) {                                                                             \
            __sync_fetch_and_add(&lost, 1);                                                        \
            return 0;                                                                              \
        }                                                                                          \
        u64 last = (keep) - 1;                                                                     \
        asm volatile("" : "+r"(last));                                                             \
        if (last >= (room) || skb_load_bytes((packet), 0, record->bytes, last + 1) < 0) {          \
            ringbuf_discard(record, RB_NO_WAKEUP);                                                 \
            return 0;                                                                              \
        }                                                                                          \
        record->head.at = (seen)->now;                                                             \
        record->head.wire_len = (packet)->len;                                                     \
        record->head.kept = last + 1;                                                              \
        record->head.ifindex = (packet)->ifindex;                                                  \
        record->head.lost = lost;                                                                  \
        record->head.ip = (seen)->ip;                                                              \
        record->head.tcp = (seen)->tcp;                                                            \
        record->head.unused = 0;                                                                   \
        record->head.run = (seen)->run;                                                            \
        ringbuf_submit(record, RB_NO_WAKEUP);                                                      \
    } while (0)

// Puts what is kept of a frame into a record. A few sizes: the room must be known when this is loaded.
APART int emit(packet_t *packet, struct seen *seen)
{
    if (!seen)
        return 0;
    u32 keep = seen->keep;
    if (keep > packet->len)
        keep = packet->len;
    if (keep > TURN + HEADERS)
        keep = TURN + HEADERS;
    if (keep <= 104)
        EMIT(packet, seen, keep, 104);
    else if (keep <= 488)
        EMIT(packet, seen, keep, 488);
    else if (keep <= 1600)
        EMIT(packet, seen, keep, 1600);
    else
        EMIT(packet, seen, keep, TURN + HEADERS);
    return 0;
}

// The verifier of Linux 6.12 and before forgets the bound of a number whose bytes were swapped: it is told
// again, behind a barrier, as the compiler knows it and would leave it out.
INLINE int is_wanted(u16 port)
{
    u64 at = port;
    asm volatile("" : "+r"(at));
    return (ports[at >> 3 & 8191] >> (at & 7)) & 1;
}

INLINE u32 mixed(u32 value)
{
    value *= 0x9e3779b1;
    return value ^ value >> 15;
}

// Decides what is kept of a segment, whose headers are, and what passed before it; or that nothing need be
// told now.
APART int follow(packet_t *packet, struct seen *seen)
{
    if (!seen)
        return 0;
    u32 payload = seen->payload;
    u32 from = mixed(seen->from ^ mixed(seen->from_port));
    u32 to = mixed(seen->to ^ mixed(seen->to_port));
    // The same from either side.
    u32 place = mixed((from + to) ^ packet->ifindex) & (SLOTS - 1);
    u64 tag = (u64)mixed(from ^ to ^ packet->ifindex) << 32 | (from + to);
    u8 sender = from < to;
    struct slot *slot = map_lookup(&slots, &place);
    if (!slot)
        return 0;
    // Helpers cannot be called behind the lock: the turn's content is looked at before.
    u8 begins = slot->tag != tag || (seen->flags & SYN) || (payload && slot->sender != sender);
    u8 before = begins ? NEW : slot->content;
    u8 content = before;
    if (payload && before <= IN_HEAD)
        content = content_of(packet, seen->keep, payload, before);
    u8 side = 1 << sender;
    s32 keep = 0;

    spin_lock(&slot->lock);
    u8 another = slot->tag != tag;
    if (another && slot->run.length && seen->now - slot->run.at < WAITS) {
        spin_unlock(&slot->lock);
        seen->keep += payload < turn_bytes ? payload : turn_bytes;
        return emit(packet, seen);
    }
    if (another || (seen->flags & SYN)) {
        // What waits of a connection between the same ends is told with this segment.
        if (another)
            slot->run.length = 0;
        slot->tag = tag;
        slot->sender = NOBODY;
        slot->known = 0;
        slot->closed = 0;
    }
    if (payload && slot->sender != sender) {
        slot->sender = sender;
        slot->left = turn_bytes;
    }
    // FIN and SYN take a number each.
    u8 marks = !!(seen->flags & FIN) + !!(seen->flags & SYN);
    u32 end = seen->seq + payload + marks;
    u8 in_order = (slot->known & side) && seen->seq == slot->next[sender & 1];
    u8 plain = joining && !(seen->flags & ~(ACK | PSH)) && seen->window && !(slot->closed & side);
    u8 soon = seen->now - slot->told[sender & 1] < LONGEST_RUN;
    if (payload) {
        u32 left = slot->left;
        if (before == NEW && content == IN_HEAD && turn_bytes == TURN)
            left = LONGEST_HEAD;
        else if (before == IN_HEAD && content == KNOWN)
            left = payload;
        // Where a segment is cut, so is the chain of chunks.
        if (content == CHUNKED) {
            left = turn_bytes;
            if (payload > TURN)
                content = KNOWN;
        }
        keep = payload < left ? payload : left;
        slot->left = left - keep;
        slot->content = content;
        if (plain && in_order && soon && keep == 0 && slot->run.length < LARGEST_RUN &&
            (!slot->run.length || slot->run.back == sender)) {
            if (!slot->run.length)
                slot->run.seq = seen->seq;
            slot->run.length += payload;
            slot->run.at = seen->now;
            slot->run.ack = seen->ack;
            slot->run.window = seen->window;
            slot->run.ttl = seen->ttl;
            slot->run.back = sender;
            keep = -1;
        }
    } else if (plain && soon && (slot->known & (3 ^ side)) &&
               (s32)(slot->next[~sender & 1] - seen->ack) > 0) {
        // Of what the other side sent there is more to be acknowledged.
        keep = -1;
    }
    if (payload || marks) {
        // Behind a segment sent again the stream goes on where it was.
        if (!(slot->known & side) || (s32)(end - slot->next[sender & 1]) > 0)
            slot->next[sender & 1] = end;
        slot->known |= side;
    }
    if (keep >= 0) {
        seen->run = slot->run;
        seen->run.back = seen->run.back != sender;
        slot->run.length = 0;
        slot->told[sender & 1] = seen->now;
        slot->closed = seen->window ? slot->closed & ~side : slot->closed | side;
    }
    spin_unlock(&slot->lock);
    if (keep < 0)
        return 0;
    seen->keep += keep;
    return emit(packet, seen);
}

INLINE void look(packet_t *packet, u32 link)
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
    u32 length;
    u8 protocol;
    // To loopback from elsewhere comes only what was redirected: a sidecar takes it, at a port of its own.
    int redirected = 0;
    struct seen seen = {};
    seen.ip = at;
    seen.now = ktime();
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
            seen.keep = at + header + TURN;
            emit(packet, &seen);
            return;
        }
        seen.ttl = ip[8];
        seen.from = *(u32 *)(ip + 12);
        seen.to = *(u32 *)(ip + 16);
        redirected = ip[16] == 127 && ip[12] != 127;
        at += header;
        length = length > header ? length - header : 0;
    } else if (kind == NET16(IPV6)) {
        u8 *ip = data + at;
        if ((void *)ip + 40 > end)
            return;
        protocol = ip[6];
        length = ip[4] << 8 | ip[5];
        seen.ttl = ip[7];
        u32 *address = (u32 *)(ip + 8);
        seen.from = address[0] ^ address[1] ^ mixed(address[2] ^ address[3]);
        seen.to = address[4] ^ address[5] ^ mixed(address[6] ^ address[7]);
        u32 one = NET32(1);
        redirected = !(address[4] | address[5] | address[6] | (address[7] ^ one)) &&
                     (address[0] | address[1] | address[2] | (address[3] ^ one));
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
            seen.keep = at + TURN;
            emit(packet, &seen);
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
        if (inner[0] == (protocol == ICMP ? UNREACHABLE : UNREACHABLE_V6)) {
            seen.keep = at + QUOTED;
            emit(packet, &seen);
        }
        return;
    }
    if (protocol != TCP || (void *)inner + 20 > end)
        return;
    seen.from_port = NET16(*(u16 *)inner);
    seen.to_port = NET16(*(u16 *)(inner + 2));
    if (some_ports && !redirected && !is_wanted(seen.from_port) && !is_wanted(seen.to_port))
        return;
    seen.seq = NET32(*(u32 *)(inner + 4));
    seen.ack = NET32(*(u32 *)(inner + 8));
    seen.flags = inner[13];
    seen.window = NET16(*(u16 *)(inner + 14));
    seen.tcp = at;
    u32 size = (inner[12] >> 4) * 4;
    // Segments that the network card will cut, or has joined, may be longer than the field can say.
    if (length == 0 || packet->len - at > 65535)
        length = packet->len - at;
    seen.payload = length > size ? length - size : 0;
    seen.keep = at + size;
    follow(packet, &seen);
}

// Interfaces whose frames begin with an Ethernet header; loopback is one.
SEC("classifier/ethernet")
int ethernet(packet_t *packet)
{
    look(packet, 14);
    return GO_ON;
}

// Interfaces whose frames begin with IP: tunnels.
SEC("classifier/raw")
int raw(packet_t *packet)
{
    look(packet, 0);
    return GO_ON;
}
