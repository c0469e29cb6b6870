"""A box that dies with whoever made it.

The laboratory runs as the first process of a PID namespace, in mount, network and IPC namespaces of its
own, with /run and /dev/shm in memory. The kernel ends every process of a PID namespace with its first
one, and drops namespaces, their links, rules and mounts when nobody is left in them. So nothing has to
clean up, and nothing can be left behind: not after an interrupt, not after SIGKILL.
"""
import ctypes
import os
import select
import signal
import sys

NEWNS, NEWIPC, NEWPID, NEWNET = 0x00020000, 0x08000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
WORK = "/run/work"  # where cases are run: in memory, inside of the box
_libc = ctypes.CDLL(None, use_errno=True)


class NotPossible(Exception):
    """Namespaces cannot be made here."""


def _check(result, what):
    if result:
        raise NotPossible("%s: %s" % (what, os.strerror(ctypes.get_errno())))


def _mount(source, target, kind, flags=0, data=None):
    _check(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data), "mount %s" % target.decode())


def _furnish():
    _mount(None, b"/", None, MS_REC | MS_PRIVATE)
    _mount(b"proc", b"/proc", b"proc")
    _mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755")
    _mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"mode=1777")
    for folder in ("/run/netns", "/run/lock", "/run/tmp", "/run/home", WORK):
        os.makedirs(folder)
    os.environ.update(TMPDIR="/run/tmp", HOME="/run/home")


def run(inside):
    """Runs inside() in a box and returns its exit code, or 128 + the signal that ended this process."""
    sys.stdout.flush()
    alive, holder = os.pipe()
    _check(_libc.unshare(NEWNS | NEWIPC | NEWPID | NEWNET), "unshare")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(holder)
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if select.select([alive], [], [], 0)[0]:
                return os._exit(1)  # whoever made it has died meanwhile
            for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(one, signal.SIG_IGN)  # the maker decides
            _furnish()
            code = inside()
        except NotPossible as e:
            print("the laboratory needs namespaces, and cannot make them here: %s" % e, file=sys.stderr)
            code = 2
        except BaseException:  # the process must end here, whatever happened
            import traceback
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ended_by = []

    def end(number, _frame):
        ended_by.append(number)
        os.kill(pid, signal.SIGKILL)

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, end)
    status = os.waitpid(pid, 0)[1]
    return 128 + ended_by[0] if ended_by else os.waitstatus_to_exitcode(status)


def possible():
    """Whether a box can be made: tried in a process of its own."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        try:
            os._exit(run(lambda: 0))
        except NotPossible:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
