"""Real servers, and what surrounds a pipeline under test: who writes its input, who reads its output, and its processes."""
import json
import os
import pathlib
import queue
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import wire

SERVERS = HERE.parent / "integration" / "servers"
PARTITIONS = 4
KEYS = 40


class World:
    """Servers of its own behind the proxy. Checkers go past it."""

    def __init__(self, folder, peer, options=()):
        """`options` of a new set: --brokers, --kafka-version. A set that is there is taken as it is."""
        self.folder, self.peer_program = str(folder), peer
        is_new = not (pathlib.Path(folder) / "servers.json").exists()
        subprocess.run([SERVERS, "up", *(["--proxy", *options] if is_new else []), "--dir", self.folder], check=True)
        said = subprocess.run([SERVERS, "env", "--dir", self.folder], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.values = dict(shlex.split(line)[1].split("=", 1) for line in said.splitlines())
        self.environment = os.environ | self.values
        self.past_the_proxy = self.environment | {"KAFKA_BOOTSTRAP": self.values["KAFKA_DIRECT"]}
        self.brokers = {int(address.rsplit(":", 1)[1]): f"kafka-{number + 1}"
                        for number, address in enumerate(self.values["KAFKA_DIRECT"].split(","))}  # by port

    def described_topics(self):
        """{topic: {partition: (leader, replicas, those in sync)}}, as a living broker knows them."""
        for port in self.brokers:
            try:
                return wire.describe(port)[1]
            except wire.BrokerError:
                pass
        raise RuntimeError("no broker answers")

    def leader(self, topic, partition):
        """The name of the broker that leads it."""
        return f"kafka-{self.described_topics()[topic][partition][0]}"

    def await_in_sync(self, seconds=90):
        """Until all replicas of all topics follow their leaders."""
        until = time.monotonic() + seconds
        while any(len(in_sync) < len(replicas) for parts in self.described_topics().values() for _, replicas, in_sync in parts.values()):
            if time.monotonic() > until:
                raise RuntimeError(f"not all replicas are in sync after {seconds} s")
            time.sleep(0.2)

    def servers(self, *words):
        done = subprocess.run([SERVERS, *words, "--dir", self.folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"servers {' '.join(words)}: {done.stdout}")
        return done.stdout

    def tell_proxy(self, line):
        """As `servers proxy`, within a millisecond. Returns the first line of the answer."""
        with socket.create_connection(("127.0.0.1", int(self.values["PROXY_CONTROL"])), timeout=10) as connection:
            connection.sendall(line.encode() + b"\n")
            said = connection.makefile().readline().rstrip("\n")
        if not said.startswith("ok"):
            raise RuntimeError(f"proxy {line}: {said}")
        return said

    def peer(self, *words, **options):
        return subprocess.Popen([self.peer_program, *map(str, words)], env=self.past_the_proxy, stdout=subprocess.PIPE, text=True,
                                **options)

    def ask(self, *words):
        """All lines that a peer says, as lists of words."""
        process = self.peer(*words)
        said, _ = process.communicate(timeout=120)
        if process.returncode:
            raise RuntimeError(f"peer {' '.join(map(str, words))} failed")
        return [line.split("\t", 2) for line in said.splitlines()]

    def sql(self, statement):
        """Rows as lists of texts, by a connection of its own past the proxy."""
        said = subprocess.run(["psql", self.values["POSTGRES_DIRECT"], "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if said.returncode:
            raise RuntimeError(f"{statement}: {said.stderr}")
        return [line.split("\t") for line in said.stdout.splitlines()]


def partition_of(key):
    """Of the input, by the murmur2 that clients of Kafka use."""
    data, most = str(key).encode(), 0xffffffff
    mixed = 0x9747b28c ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        part = int.from_bytes(data[i:i + 4], "little") * 0x5bd1e995 & most
        mixed = (mixed * 0x5bd1e995 & most) ^ ((part ^ part >> 24) * 0x5bd1e995 & most)
    if whole < len(data):
        mixed = (mixed ^ int.from_bytes(data[whole:], "little")) * 0x5bd1e995 & most
    mixed = (mixed ^ mixed >> 13) * 0x5bd1e995 & most
    return ((mixed ^ mixed >> 15) & 0x7fffffff) % PARTITIONS


def down(folder):
    subprocess.run([SERVERS, "down", "--dir", folder], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows_of_topic(world, topic):
    """(key, id, seq) in the order of the partitions."""
    rows = [json.loads(value) for _, _, value in world.ask("read", topic, PARTITIONS)]
    return [(row["key"], row["id"], row["seq"]) for row in rows]


def make_table(world, table):
    """`n` numbers the rows as they are inserted."""
    world.sql(f"create table public.{table}(n bigint generated always as identity, id text not null, key bigint not null, "
              f"seq bigint not null, amount numeric(12, 2) not null); create index on public.{table}(n)")


def rows_of_table(world, table):
    """(key, id, seq) in the order of insertion."""
    return [(int(key), row_id, int(seq)) for key, row_id, seq in world.sql(f"select key, id, seq from public.{table} order by n")]


def stored_positions(world, pipeline, topic):
    """What PostgreSQL has, per partition; null when it cannot be asked."""
    try:
        found = world.sql(f"select partition, next_offset from piperun.offsets where pipeline = '{pipeline}' and topic = '{topic}'")
    except RuntimeError:
        return None  # not made yet, or the database is down
    positions = [0] * PARTITIONS
    for partition, offset in found:
        positions[int(partition)] = int(offset)
    return positions


class Input:
    """Events with a key, a number that is dense per key, and an id; some are repeats, some are filtered, some are bad."""

    def __init__(self, world, topic, seed, with_repeats=False):
        self.world, self.topic = world, topic
        self.rng, self.seed, self.with_repeats = random.Random(seed), seed, with_repeats
        self.fates, self.seq = Counter(), Counter()
        self.expected = defaultdict(list)  # key -> [(id, seq)] in order
        self.used, self.recent = 0, []
        self.process = None

    def add(self, count):
        self.write([self.make() for _ in range(count)])

    def write(self, lines):
        if self.process is None:
            self.process = self.world.peer("produce", self.topic, stdin=subprocess.PIPE)
        self.process.stdin.write("".join(lines))
        self.process.stdin.flush()

    def make(self):
        draw = self.rng.random()
        self.fates["read"] += 1
        if self.with_repeats and self.recent and draw < 0.05:
            self.fates["duplicates"] += 1
            return self.rng.choice(self.recent[-200:])
        key = self.rng.randrange(KEYS)
        self.seq[key] += 1
        event = {"id": f"{self.seed}-{self.fates['read']}", "key": key, "seq": self.seq[key],
                 "amount": f"{Decimal(self.rng.randint(1, 99999)) / 100:.2f}"}
        fate = "filtered" if draw < 0.07 else "dead" if draw < 0.09 else "used"
        event["amount"] = {"filtered": "0.00", "dead": "much", "used": event["amount"]}[fate]
        self.fates[fate] += 1
        line = f"{key}\t{json.dumps(event)}\n"
        if fate == "used":
            self.expected[key].append((event["id"], event["seq"]))
            self.used += 1
            if self.with_repeats:
                self.recent.append(line)
                del self.recent[:-400]
        return line

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=90) != 0:
            raise RuntimeError("not all of the input was acknowledged")
        self.process = None

    def abandon(self):
        if self.process:
            self.process.kill()


class Session:
    """A connection of psql that stays open, past the proxy."""

    def __init__(self, world):
        self.process = subprocess.Popen(["psql", world.values["POSTGRES_DIRECT"], "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def execute(self, statements):
        """The lines that they answer; null when the session is over."""
        try:
            self.process.stdin.write(statements + "\n\\echo done\n")
            self.process.stdin.flush()
        except OSError:
            pass
        said = []
        for line in self.process.stdout:
            if line == "done\n":
                return said
            said.append(line.rstrip("\n"))
        self.close()
        return None

    def close(self):
        self.process.kill()
        self.process.communicate()


class OutboxWriter:
    """Writes transactions one after the other, each once: whether one that was not acknowledged is committed, the database is asked.
    A thread. The table `written` has the number of the last one."""

    def __init__(self, world, table, number):
        self.world, self.table, self.number = world, table, number
        self.todo, self.session, self.reconnects = queue.Queue(), None, -1
        world.sql(f"insert into public.written_{table} values ({number}, 0)")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        done = 0
        while (rows := self.todo.get()) is not None:
            done += 1
            while not self.write(done, rows):
                time.sleep(0.05)

    def write(self, number, rows):
        """Is it committed?"""
        if self.session is None:
            self.connect()
            found = self.execute(f"select last from public.written_{self.table} where writer = {self.number} for update;")
            if not found or int(found[0]) >= number:
                return bool(found)
        half = (len(rows) + 1) // 2
        insert = "insert into public.{}(event, key, seq, amount) values {};"
        pause = "select pg_sleep(0.02);" if number % 4 == 0 else ""
        parts = [insert.format(self.table, ", ".join(part)) for part in (rows[:half], rows[half:]) if part]
        return self.execute(f"begin; update public.written_{self.table} set last = {number} where writer = {self.number}; "
                            f"{pause.join(parts)} commit;") is not None

    def connect(self):
        self.reconnects += 1
        self.session = Session(self.world)

    def execute(self, statements):
        """What they answer; null when the session is over."""
        said = self.session.execute(statements)
        if said is None:
            self.session = None
        return said

    def abandon(self):
        if self.session:
            self.session.close()


class OutboxInput(Input):
    """The same events as rows of an outbox, in transactions of a few rows that overlap: two writers, and one's keys are not the other's."""

    def __init__(self, world, table, seed):
        super().__init__(world, None, seed)
        self.table = table
        world.sql(f"create table public.{table}(id bigint generated always as identity primary key, number bigint unique, "
                  f"event text, key bigint, seq bigint, amount text); create table public.written_{table}(writer int, last bigint)")
        self.writers = [OutboxWriter(world, table, number) for number in range(2)]

    def add(self, count):
        chunks = [[], []]
        for _ in range(count):
            event = json.loads(self.make().split("\t", 1)[1])
            chunks[event["key"] % 2].append(f"('{event['id']}', {event['key']}, {event['seq']}, '{event['amount']}')")
        for writer, rows in zip(self.writers, chunks):
            for i in range(0, len(rows), 40):
                writer.todo.put(rows[i:i + 40])

    def close(self):
        for writer in self.writers:
            writer.todo.put(None)
        for writer in self.writers:
            writer.thread.join(90)
            writer.abandon()
        if any(writer.thread.is_alive() for writer in self.writers):
            raise RuntimeError("not all of the input was written")

    def abandon(self):
        for writer in self.writers:
            writer.abandon()


class Member:
    """One process of the pipeline. What it says goes to a file."""

    def __init__(self, command, folder, number, environment):
        self.command, self.folder, self.environment = command, folder, environment
        self.log = folder / f"process-{number}.log"
        self.process, self.starts, self.is_stopped = None, 0, False

    def start(self, *more):
        self.starts += 1
        with open(self.log, "ab") as log:
            log.write(f"--- start {self.starts} at {time.time():.3f}\n".encode())
            self.process = subprocess.Popen([*self.command, *more], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=20):
        """SIGTERM; its exit code, or "killed" when it did not go."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return "killed"

    def tail(self):
        return "".join(self.log.read_text(errors="replace").splitlines(keepends=True)[-12:]) if self.log.exists() else ""
