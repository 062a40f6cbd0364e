"""What all labs share: real servers, a pipeline that can be killed, readers that know nothing of piperun, and a verdict.

Kafka and PostgreSQL are those that KAFKA_BOOTSTRAP and POSTGRES_URL name; without these variables tests/integration/servers starts
both and leaves them running. Every run has topics, tables and groups of its own, named after it. kcat and psql read what came out.
"""
import contextlib
import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVERS = ROOT / "tests" / "integration" / "servers"
PATIENCE = 60  # seconds for anything to happen
ORDERS_TABLE = """create table public.RUN_orders (order_id text, customer_id text, total numeric, placed_at timestamptz,
                                                stored_at timestamptz default clock_timestamp())"""
PAYMENTS_TABLES = """create table public.RUN_bookings (payment_id text, account text, amount numeric);
                     create table public.RUN_receipts (like public.RUN_bookings, primary key (payment_id));
                     create table public.RUN_notices (like public.RUN_receipts including all)"""


def await_that(condition, what):
    """Returns what `condition` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE} s: {what}")
        time.sleep(0.05)
    return found


def built():
    """The program: $PIPERUN, or built here."""
    if "PIPERUN" in os.environ:
        return Path(os.environ["PIPERUN"]).absolute()
    subprocess.run([ROOT / ".ci" / "install", "test"], check=True)
    subprocess.run([ROOT / ".ci" / "build", "build/release", "piperun"], check=True)
    return ROOT / "build" / "release" / "piperun"


def addresses():
    """KAFKA_BOOTSTRAP and POSTGRES_URL of servers that answer."""
    if {"KAFKA_BOOTSTRAP", "POSTGRES_URL"} <= os.environ.keys():
        return {}
    subprocess.run([SERVERS, "up"], check=True)
    said = subprocess.run([SERVERS, "env"], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(f"The servers stay: `{SERVERS.relative_to(ROOT)} down` stops them.")
    return dict(shlex.split(line)[1].split("=", 1) for line in said.splitlines())


def orders(first, last):
    """Orders number first to last, both among them."""
    return [{"order_id": f"order-{n:05}", "customer_id": f"customer-{n % 7}", "total": 10 + n % 90} for n in range(first, last + 1)]


def payments(first, last):
    return [{"payment_id": f"payment-{n:05}", "account": f"account-{n % 7}", "amount": 10 + n % 90} for n in range(first, last + 1)]


def kill(child):
    """SIGKILL to the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class Lab:
    """`with Lab(__doc__) as lab:` tells what the lab is about and, at its end, exits with 1 if an outcome was not the expected one."""

    def __init__(self, about):
        self.piperun = built()
        self.environment = os.environ | addresses()
        self.first_name = f"lab_{time.time_ns()}"
        self.begin()
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-lab-"))
        self.differing = 0
        self.at_exit = contextlib.ExitStack()
        print(f"{about.strip()}\n", flush=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.at_exit.close()
        if kind and (log := self.folder / "log").exists():
            print(f"What piperun said last:\n{log.read_text(errors='replace')[-2000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None:
            print("All as expected." if not self.differing else f"{self.differing} outcomes are not the expected ones.")
            sys.exit(1 if self.differing else 0)

    def begin(self, part=""):
        """A name for topics, tables, groups and ids of what follows; pipelines take it as their parameter."""
        self.run = "_".join(filter(None, [self.first_name, part]))
        self.environment["PIPE_PARAM_run"] = self.run

    def say(self, words):
        print(words, flush=True)

    def expect(self, what, expected, seen, is_good=None):
        """Prints both; `is_good` where `expected` is words."""
        good = expected == seen if is_good is None else is_good
        self.differing += not good
        print(f"  {'ok' if good else 'WRONG':5}  {what}: expected {expected}, seen {seen}", flush=True)

    def start(self, *command, **options):
        """A process of the lab, in a group of its own so that `kill` reaches its children."""
        settings = {"cwd": self.folder, "env": self.environment, "text": True, "start_new_session": True}
        child = subprocess.Popen(list(map(str, command)), **settings, **options)
        self.at_exit.callback(kill, child)
        return child

    def call(self, *command, text="", code=0):
        """What the command prints; it must end with this exit code."""
        done = subprocess.run(list(map(str, command)), cwd=self.folder, env=self.environment, input=text, capture_output=True,
                              text=True, check=False)
        if done.returncode != code:
            sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    # ---- PostgreSQL

    def psql(self):
        return ["psql", self.environment["POSTGRES_URL"], "-qAtX", "-v", "ON_ERROR_STOP=1"]

    def sql(self, statement):
        """The rows as lists of texts; RUN is the name of this run."""
        said = self.call(*self.psql(), "-F", "\t", "-c", statement.replace("RUN", self.run))
        return [line.split("\t") for line in said.splitlines()]

    def number(self, statement):
        return int(self.sql(statement)[0][0])

    def rows(self, table):
        return self.number(f"select count(*) from RUN_{table}")

    def repeated(self, table, key):
        """How many rows are there once too often."""
        return self.number(f"select count(*) - count(distinct {key}) from RUN_{table}")

    @contextlib.contextmanager
    def locked(self, table, ends_waiters=True):
        """Nobody can write into the table meanwhile. Gives a function that waits for a writer who tries."""
        holder = self.start(*self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write(f"begin; lock table {self.run}_{table} in share mode; select 'locked';\n")
        holder.stdin.flush()
        holder.stdout.readline()
        waiting = f"select pid from pg_locks where relation = 'RUN_{table}'::regclass and not granted"
        yield lambda: await_that(lambda: self.sql(waiting), f"a write into {table}")
        if ends_waiters:  # a killed process takes its connections along; one that waits for a lock would learn it too late
            self.sql(f"select pg_terminate_backend(pid) from ({waiting}) waiting")
        kill(holder)

    # ---- Kafka

    def kcat(self, *words):
        return ["kcat", "-q", "-b", self.environment["KAFKA_BOOTSTRAP"], *words]

    def read(self, topic, isolation="read_committed"):
        """The values of all records that are there now."""
        said = self.call(*self.kcat("-C", "-t", f"{self.run}.{topic}", "-o", "beginning", "-e", "-X", f"isolation.level={isolation}"))
        return said.splitlines()

    def follow(self, topic):
        """The values of all records, also of those to come, as a stream of lines."""
        words = self.kcat("-C", "-u", "-t", f"{self.run}.{topic}", "-o", "beginning", "-X", "isolation.level=read_committed")
        return self.start(*words, stdout=subprocess.PIPE).stdout

    def naive(self, seconds, table="bookings", stdout=subprocess.PIPE):
        """The consumer loop of beginners, at work on the topic `paid`."""
        words = [f"{self.run}.naive", f"{self.run}.paid", f"{self.run}_{table}", seconds]
        return self.start(sys.executable, HERE / "naive.py", *words, stdout=stdout)

    # ---- piperun

    def pipeline(self, file, delivery="exactly_once", **changes):
        """FILE with this delivery and other values of options, as the lab's own copy."""
        text = (HERE / file).read_text(encoding="utf-8")
        for option, value in {"delivery": delivery, **changes}.items():
            before = next(line for line in text.splitlines() if line.split()[:2] == [option, "="])
            text = text.replace(before, f"  {option} = {value}")
        (self.folder / file).write_text(text, encoding="utf-8")
        return Pipeline(self, file)


class Pipeline:
    def __init__(self, lab, file):
        self.lab, self.file, self.process = lab, file, None

    def command(self, *words):
        """The file stands behind the names of command and topic, before the options."""
        named = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
        return [str(self.lab.piperun), *named, self.file, *words[len(named):]]

    def put(self, topic, records, partitions=1):
        """Appends records to a topic of the file; makes the topic when it is not there."""
        text = "".join(json.dumps(record) + "\n" for record in records)
        self.lab.call(*self.command("topic", "put", topic, "--partitions", str(partitions)), text=text)

    def tell(self, *words, code=0):
        """A command about the pipeline's data; returns what it answered."""
        command = self.command(*words)
        self.lab.say(f"$ piperun {shlex.join(command[1:])}")
        said = self.lab.call(*command, code=code)
        self.lab.say(said.rstrip())
        return said

    def explain(self, title):
        """The part of what `piperun explain` says that is under this title."""
        lines = iter(self.lab.call(*self.command("explain")).splitlines())
        first = next(line for line in lines if line.strip().startswith(title))
        return [first, *itertools.takewhile(str.strip, lines)]

    def start(self):
        self.lab.say(f"$ piperun {self.file} &")
        with open(self.lab.folder / "log", "a", encoding="utf-8") as log:
            self.process = self.lab.start(*self.command(), stdout=log, stderr=log)

    def kill(self):
        self.lab.say("$ kill -9 %1")
        kill(self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def drain(self, *options):
        """Runs until the input is used up; returns the ledgers of the units: of all runs so far."""
        self.lab.say(f"$ piperun {shlex.join([self.file, *options])} --drain")
        said = self.lab.call(*self.command(), *options, "--drain", "--json")
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
