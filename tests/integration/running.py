"""A folder with a .pipe file, topics of its own, and processes of `piperun` whose words are kept: the ground of tests of whole pipelines."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from commands import HERE, PIPERUN, rows_of, servers

VICTIM = os.environ.get("VICTIM") or str(HERE.parent.parent / "build" / "tests" / "victim")

INTO_TABLE = """
pipeline {name} {{
  delivery        = {delivery}
  commit_interval = 50ms
  commit_records  = {records}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = shop {{ table = "{name}_lines", create = true }}
flow booked {{
  from orders
  to lines
}}
"""


class Running:
    """A process; what it says goes into a file, so that it never waits for a reader."""

    def __init__(self, command, folder, environment, log):
        self.log = log
        with open(log, "w", encoding="utf-8") as out:
            self.child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def said(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=60):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended after {seconds} s:\n{self.said()}") from None

    def blocks(self, signal):
        """It has begun to take the signal by a thread of its own: before, the signal would end it."""
        status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii")
        mask = int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)
        return bool(mask >> (signal - 1) & 1)

    def stop(self):
        self.child.terminate()
        return self.wait()

    def kill(self):
        self.child.kill()
        self.child.wait()


class Pipelines(unittest.TestCase):
    def setUp(self):
        self.name = f"run{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-running-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ, NO_COLOR="1")

    def write(self, text, file="p.pipe", **words):
        (self.folder / file).write_text(text.format(name=self.name, **words))

    def topic(self, what, partitions=2, *settings):
        servers("topic", "create", f"{self.name}.{what}", str(partitions), *settings)

    def piperun(self, *words, text="", code=0, program=PIPERUN, **environment):
        done = subprocess.run([program, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False,
                              env=self.environment | environment)
        self.assertEqual(done.returncode, code, f"piperun {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def put(self, numbers, partition=None, file="p.pipe"):
        """Records {"id": number} into the source `orders`."""
        where = [] if partition is None else ["--partition", str(partition)]
        self.piperun("topic", "put", "orders", file, *where, text="".join(json.dumps({"id": number}) + "\n" for number in numbers))

    def start(self, *words, log="said", **environment):
        """`piperun` with these words, until the test is over."""
        running = Running([PIPERUN, *words], self.folder, self.environment | environment, self.folder / f"{log}.log")
        self.addCleanup(running.kill)
        return running

    def read(self, file="p.pipe"):
        """Records of the topic `in` that have a fate."""
        shown = rows_of(self.piperun("offsets", "show", file, "--json"))
        return sum(each["read"] for each in shown if each["topic"] == f"{self.name}.in")

    def ids_in_topic(self, sink="lines", file="p.pipe"):
        """Of all that a reader of what is committed sees."""
        return sorted(json.loads(row["value"])["id"] for row in rows_of(self.piperun("topic", "peek", sink, file, "--all")))

    def ids_in_table(self, table):
        """With repeats: the tables of these tests have no key. Of a table that is not made yet, nothing."""
        if servers("sql", f"select to_regclass('{table}') is null").strip() == "t":
            return []
        return sorted(int(line) for line in servers("sql", f"select id from {table}").split())
