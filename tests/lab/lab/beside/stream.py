"""A protocol of one's own, on a port of its own: the server greets, both speak when they like, and whoever has
had enough leaves."""
import threading
import time

PACKAGES = ()
PORT = 4000


def start(ctx):
    listener = ctx.lab.backend.socket()
    listener.setsockopt(1, 2, 1)
    listener.bind((ctx.lab.backend_ip, PORT))
    listener.listen(16)

    def serve(s, n):
        try:
            s.sendall(b"welcome\n")
            for i in range(20):
                time.sleep(0.1)
                s.sendall(b"tick %d\n" % i)
                if n % 3 == 1 and i == 8:
                    break
            s.close()
        except OSError:
            pass

    def accept():
        n = 0
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(s, n), daemon=True).start()
            n += 1

    threading.Thread(target=accept, daemon=True).start()

    def talk():
        for n in range(5):
            s = ctx.lab.proxy.socket()
            s.settimeout(3)
            s.connect((ctx.lab.backend_ip, PORT))
            for i in range(12):
                try:
                    if not s.recv(1000):
                        break
                    s.sendall(b"heard %d\n" % i)
                except OSError:
                    break
                if n % 3 == 2 and i == 5:
                    break
            s.close()
        listener.close()

    return talk
