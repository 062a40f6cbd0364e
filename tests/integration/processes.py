"""Server processes that outlive the program that started them, each known by process id and start time."""
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path


class Failure(Exception):
    """Something that a person can act on; the text says what."""


def wait_until(condition, seconds, what):
    """Polls until condition() is true; raises Failure(what) after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what} (waited {seconds} s)")
        time.sleep(0.05)


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_ports(count):
    """Ports below the ephemeral range: from inside it, a client that reconnects could be given the port of a server that is down."""
    top = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    while len(found) < count:
        port = random.randrange(min(15000, top // 2), top)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def stat_of(pid):
    """(state, parent, start time) of a process, None when it is gone. A zombie counts as gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (fields[0], int(fields[1]), fields[19])


class Process:
    """A server process that a file names by `pid start-time`, so that a reused id is never mistaken for it."""

    def __init__(self, pid_file, log):
        self.pid_file = Path(pid_file)
        self.log = Path(log)

    def pid(self):
        """The id while the process lives, else None."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        stat = stat_of(pid)
        return int(pid) if stat and stat[2] == started else None

    def start(self, argv, **options):
        """options go to subprocess.Popen (user, group, env, cwd)."""
        with open(self.log, "ab") as out:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **options)
        stat = stat_of(child.pid)
        if stat is None:
            raise Failure(f"{argv[0]} ended at once; {self.tail()}")
        self.pid_file.write_text(f"{child.pid} {stat[2]}\n")

    def await_answer(self, answers, seconds, name):
        wait_until(lambda: self.pid() is None or answers(), seconds, f"{name} does not answer; {self.tail()}")
        if self.pid() is None:
            raise Failure(f"{name} ended; {self.tail()}")

    def family(self):
        """The process and its children."""
        top = self.pid()
        if top is None:
            return []
        others = (int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit())
        return [top] + [pid for pid in others if (stat := stat_of(pid)) and stat[1] == top]

    def signal(self, number):
        """Sends it to the process and its children (those of PostgreSQL); false when the process is gone."""
        pids = self.family()
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        return bool(pids)

    def kill(self):
        """SIGKILL; returns when all are gone: a JVM needs up to a second, and its port accepts meanwhile."""
        pids = self.family()
        self.signal(signal.SIGKILL)
        wait_until(lambda: all(stat_of(pid) is None for pid in pids), 20, f"processes {pids} outlive SIGKILL")
        return bool(pids)

    def tail(self):
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-15:]
        except OSError:
            lines = []
        return f"the end of {self.log}:\n" + "\n".join(lines)
