"""Captures as they come from loaded machines: frames lost, cut, doubled, exchanged."""
import random
import struct

HOW = ("drop", "begin", "end", "dup", "swap", "snap")
ORDER = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}


def damaged(path, how, seed):
    """The bytes of a classic pcap with damage done; None for another format."""
    data = path.read_bytes()
    end = ORDER.get(data[:4])
    if not end:
        return None
    rng, frames, at = random.Random(f"{seed} {how} {path.parent.name} {path.name}"), [], 24
    while at + 16 <= len(data):
        sec, sub, cap, wire = struct.unpack(end + "IIII", data[at:at + 16])
        frames.append((sec, sub, wire, data[at + 16:at + 16 + cap]))
        at += 16 + cap
    n = len(frames)
    if how == "drop":
        frames = [f for f in frames if rng.random() >= 0.03]
    elif how == "begin":
        frames = frames[int(n * 0.3):]
    elif how == "end":
        frames = frames[:int(n * 0.7)]
    elif how == "dup":
        frames = [g for f in frames for g in ([f, f] if rng.random() < 0.05 else [f])]
    elif how == "swap":
        for i in range(n - 1):
            if rng.random() < 0.05:
                frames[i], frames[i + 1] = frames[i + 1], frames[i]
    elif how == "snap":
        frames = [(a, b, w, d[:128]) for a, b, w, d in frames]
    return data[:24] + b"".join(struct.pack(end + "IIII", a, b, len(d), w) + d for a, b, w, d in frames)
