"""Other clients of the same server, by hand: a scraper, pipelined requests, HTTP/1.0, a HEAD, one that only
connects, and, where the server waits for it, one that closes its own side as soon as it has asked."""
import time

PACKAGES = ()


def start(ctx):
    where = (ctx.lab.backend_ip, ctx.bport)

    def connect():
        s = ctx.lab.proxy.socket()
        s.settimeout(5)
        s.connect(where)
        return s

    def until(s, marks, n):
        got = b""
        while got.count(marks) < n:
            more = s.recv(65536)
            if not more:
                break
            got += more
        return got

    def get(path, more=""):
        return ("GET %s HTTP/1.1\r\nHost: lab\r\n%s\r\n" % (path, more)).encode()

    def talk():
        scraper = connect()
        for _ in range(8):  # every half second, as a monitor does
            scraper.sendall(get("/metrics", "User-Agent: Prometheus/2.45\r\n"))
            until(scraper, b"\nok ", 1)
            time.sleep(0.5)
        scraper.close()
        piped = connect()
        piped.sendall(b"".join(get("/piped%d" % i) for i in range(5)))
        until(piped, b"\nok ", 5)
        time.sleep(0.2)
        piped.sendall(b"".join(get("/slow?s=0.3") for i in range(2)))
        until(piped, b"\nok ", 2)
        piped.close()
        old = connect()
        old.sendall(b"GET /old HTTP/1.0\r\n\r\n")
        until(old, b"never", 1)
        old.close()
        head = connect()
        head.sendall(get("/head").replace(b"GET", b"HEAD"))
        until(head, b"\r\n\r\n", 1)
        head.close()
        if ctx.case["backend"] == "go":  # Node takes that for a client that has left
            half = connect()  # sends all it has to say, closes its own side, and waits for the answer
            half.sendall(get("/slow?s=0.4", "Connection: close\r\n"))
            half.shutdown(1)
            until(half, b"never", 1)
            half.close()
        for _ in range(3):
            connect().close()
            time.sleep(0.2)

    return talk
