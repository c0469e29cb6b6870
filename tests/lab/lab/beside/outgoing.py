"""What a busy host does besides: calls of an outside API that fails in five ways, and a scraper of this host, one of whose
targets is down. They fail, and none of them is a proxy's attempt at a backend."""
import http.client
import socket
import struct
import threading
import time

from ..net import CLIENT_IP, PROXY_CIP

PACKAGES = ()
REFUSED = 83
UP, DOWN = 9100, 9101
FAULT = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
METRICS = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nup 1\n"


def _answers(answer):
    def answered(s):
        s.recv(4096)
        s.sendall(answer)
    return answered


def _closes(s):
    s.recv(4096)


def _resets(s):
    s.recv(4096)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _waits(s):
    s.recv(4096)
    time.sleep(5)


MANNERS = {80: _answers(FAULT), 81: _closes, 82: _resets, 84: _waits}


def _serve(ns, ip, port, manner):
    listener = ns.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ip, port))
    listener.listen(16)

    def one(s):
        try:
            manner(s)
            s.close()
        except OSError:
            pass

    def accept():
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(s,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def _get(ns, ip, port, path, agent):
    s = ns.socket()
    s.settimeout(1)
    try:
        s.connect((ip, port))
        s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n" % (path, ip, agent)).encode())
        answer = http.client.HTTPResponse(s)
        answer.begin()
        answer.read()
    except (OSError, http.client.HTTPException):
        pass
    s.close()


def start(ctx):
    outside, host = ctx.lab.client, ctx.lab.proxy
    listeners = [_serve(outside, CLIENT_IP, port, manner) for port, manner in MANNERS.items()]
    listeners.append(_serve(host, PROXY_CIP, UP, _answers(METRICS)))

    def talk():
        for n in range(2):
            for port in (*MANNERS, REFUSED):
                _get(host, CLIENT_IP, port, "/v1/charges?n=%d" % n, "python-requests/2.31")
            for port in (UP, DOWN):
                _get(outside, PROXY_CIP, port, "/metrics", "Prometheus/2.45")
        for listener in listeners:
            listener.close()

    return talk
