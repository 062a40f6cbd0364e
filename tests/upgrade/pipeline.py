"""A pipeline in a folder of its own: the versions of its file, its input, and what is stored of it."""
import pathlib
import signal
import sqlite3
import subprocess
import time
from collections import Counter

import model

FILE = """
pipeline up {{
  delivery = exactly_once
  commit_records  = 25
  commit_interval = 10ms
  on error {{ dead_letter = keep }}
}}
connection store   = postgres {{ url = secret("STORE_URL") }}
connection archive = postgres {{ url = secret("ARCHIVE_URL") }}
type Event {{ id: string, amount: decimal(12, 2), at: timestamp{note_field} }}
source events: Event = kafka {{ topic = "events", event_time = at, partitioned_by = id, sample = "events.ndjson" }}
sink rows = {connection} {{ table = "rows" }}
flow {flow} {{
  from events
  filter amount > 0.00
{stage}  dedup {key} within {within}{name}
  map {{ id, amount{note} }}
  to rows
}}
{more}
"""
CLASSES = ["used", "filtered", "duplicates", "late", "skipped", "dead", "unknown"]


def file(connection="store", flow="accepted", stage="", within="1h", name="", note=False, more="", key="id"):
    return FILE.format(connection=connection, flow=flow, stage=f"  {stage}\n" if stage else "", within=within, more=more, key=key,
                       name=f" as {name}" if name else "", note=", note" if note else "", note_field=", note: string?" if note else "")


class Pipeline:
    def __init__(self, piperun, victim, folder, events):
        self.piperun, self.victim, self.folder = piperun, victim, pathlib.Path(folder)
        (self.folder / "events.ndjson").write_text(model.text(events))

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def put(self, events):
        done = self.run("topic", "put", "events", "old.pipe", "--local", text=model.text(events))
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def run(self, *words, text=None):
        return subprocess.run([self.piperun, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120)

    def drain(self, name, *options):
        return self.run(name, "--local", "--drain", *options)

    def start(self, name, *options):
        return subprocess.Popen([self.piperun, name, "--local", *options], cwd=self.folder, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def wait(self, position):
        deadline = time.monotonic() + 60
        while self.position() < position:
            if time.monotonic() > deadline:
                raise TimeoutError(f"position {self.position()} of {position}")
            time.sleep(0.001)

    def kill(self, name):
        """Starts a version and kills it in the middle of its work."""
        return self.kill_after("commit", name, steps="batch", at=6)

    def kill_after(self, step, name, *options, steps="on_assign", at=1):
        done = subprocess.run([self.victim, name, "--kill-after", step, "--in", steps, "--at", str(at), *options], cwd=self.folder,
                              capture_output=True, text=True, timeout=120)
        return done.returncode == -signal.SIGKILL

    # ---- What is stored

    def query(self, store, sql):
        path = self.folder / ".piperun" / f"{store}.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []  # the table is not made yet
        finally:
            connection.close()

    def position(self, unit=None):
        """Of the unit that writes `rows`, wherever it commits."""
        condition = f"AND unit = '{unit}'" if unit else ""
        sql = f"SELECT next_offset FROM piperun_positions WHERE topic = 'events' {condition}"
        return max((row[0] for store in ("store", "archive") for row in self.query(store, sql)), default=0)

    def ledger(self, store, unit):
        rows = self.query(store, f"SELECT read, {', '.join(CLASSES)} FROM piperun_positions WHERE unit = '{unit}' AND topic = 'events'")
        return Counter({name: count for row in rows for name, count in zip(["read", *CLASSES], row) if count})

    def rows(self, store, table="rows"):
        columns = [row[1] for row in self.query(store, f"PRAGMA table_info({table})")]
        note = "note" if "note" in columns else "NULL"
        return Counter((table, *row) for row in self.query(store, f"SELECT id, amount, {note} FROM {table}"))

    def letters(self, store):
        return len(self.query(store, "SELECT 1 FROM piperun_dead_letters"))

    def units(self, store):
        return {row[0] for row in self.query(store, "SELECT DISTINCT unit FROM piperun_positions")}
