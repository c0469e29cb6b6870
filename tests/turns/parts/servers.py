"""Databases and caches: how each is started with an idle timeout or without, and a connection of a client library.

Debian: postgresql mariadb-server redis-server memcached python3-psycopg2 python3-pymysql python3-redis
python3-pymemcache; gcc and tcpdump.
"""

import glob
import os
import shutil
import subprocess
import time

AT = "10.77.2.2"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class PostgreSql:
    name, port = "postgresql", 5432
    # idle_session_timeout is kept to the millisecond.
    late = 0.0

    @staticmethod
    def version():
        return run(glob.glob("/usr/lib/postgresql/*/bin/postgres")[-1], "--version").split()[2]

    @staticmethod
    def setting(timeout):
        return f"idle_session_timeout={int(timeout * 1000)}ms"

    def prepare(self, work):
        bin = os.path.dirname(glob.glob("/usr/lib/postgresql/*/bin/postgres")[-1])
        data = os.path.join(work, "data")
        os.makedirs(data)
        shutil.chown(data, "postgres", "postgres")
        run("runuser", "-u", "postgres", "--", f"{bin}/initdb", "-A", "trust", "-D", data)
        with open(f"{data}/pg_hba.conf", "a") as file:
            file.write("host all all 10.77.0.0/16 trust\n")
        return ["runuser", "-u", "postgres", "--", f"{bin}/postgres", "-D", data, "-k", data, "-h", AT, "-c", "autovacuum=off"]

    def with_timeout(self, timeout):
        return ["-c", self.setting(timeout)]

    def connect(self):
        import psycopg2
        self.connection = psycopg2.connect(host=AT, user="postgres", dbname="postgres", connect_timeout=5)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def ask(self):
        self.cursor.execute("select 1")
        self.cursor.fetchall()

    def leave(self):
        self.connection.close()


class MariaDb:
    name, port = "mariadb", 3306
    late = 0.0

    @staticmethod
    def version():
        return run("mariadbd", "--version").split()[2].split("-")[0]

    @staticmethod
    def setting(timeout):
        return f"wait_timeout={int(timeout)}"

    def prepare(self, work):
        data = os.path.join(work, "data")
        run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal")
        return ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={data}/s", f"--bind-address={AT}",
                "--skip-grant-tables", "--skip-networking=0", "--skip-name-resolve", "--innodb-buffer-pool-size=16M"]

    def with_timeout(self, timeout):
        return ["--" + self.setting(timeout)]

    def connect(self):
        import pymysql
        self.connection = pymysql.connect(host=AT, user="root", connect_timeout=5)
        self.cursor = self.connection.cursor()

    def ask(self):
        self.cursor.execute("select 1")
        self.cursor.fetchall()

    def leave(self):
        self.connection.close()


class Redis:
    name, port = "redis", 6379
    # It looks at each client once a second, and counts in whole seconds.
    late = 1.2

    @staticmethod
    def version():
        return run("redis-server", "--version").split("v=")[1].split()[0]

    @staticmethod
    def setting(timeout):
        return f"timeout {int(timeout)}"

    def prepare(self, work):
        return ["redis-server", "--port", "6379", "--bind", AT, "--save", "", "--protected-mode", "no", "--dir", work]

    def with_timeout(self, timeout):
        return ["--timeout", str(int(timeout))]

    def connect(self):
        import redis
        self.connection = redis.Connection(host=AT, port=6379, socket_timeout=5)
        self.connection.connect()

    def ask(self):
        self.connection.send_command("GET", "session")
        self.connection.read_response()

    def leave(self):
        self.connection.disconnect()


class Memcached:
    name, port = "memcached", 11211
    # It looks whenever the oldest of its clients may be due, and counts in whole seconds.
    late = 2.0

    @staticmethod
    def version():
        return run("memcached", "-V").split()[1]

    @staticmethod
    def setting(timeout):
        return f"-o idle_timeout={int(timeout)}"

    def prepare(self, work):
        return ["memcached", "-u", "root", "-l", AT, "-U", "0", "-t", "1", "-m", "16"]

    def with_timeout(self, timeout):
        return ["-o", f"idle_timeout={int(timeout)}"]

    def connect(self):
        from pymemcache.client.base import Client
        self.connection = Client((AT, 11211), connect_timeout=5, timeout=5)
        self.ask()

    def ask(self):
        self.connection.get("session")

    def leave(self):
        self.connection.close()


SERVERS = [PostgreSql, MariaDb, Redis, Memcached]


class Running:
    """A server in its own network. Only the process that was started here is stopped."""

    def __init__(self, kind, timeout, work):
        command = kind().prepare(work) + (kind().with_timeout(timeout) if timeout else [])
        self.log = open(os.path.join(work, "log"), "w")
        self.process = subprocess.Popen(["ip", "netns", "exec", "server", *command], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.wait_for(kind.port)

    def wait_for(self, port):
        """Waits until the port listens, without connecting to it: a connect would be captured."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for line in run("ip", "netns", "exec", "server", "cat", "/proc/net/tcp").splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                    time.sleep(0.5)
                    return
            time.sleep(0.1)
        raise TimeoutError(open(self.log.name).read())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
