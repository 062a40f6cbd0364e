"""Real servers, and what surrounds a pipeline under test: who writes its input, who reads its output, and its processes."""
import json
import os
import pathlib
import random
import shlex
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = HERE.parent / "integration" / "servers"
PARTITIONS = 4
KEYS = 40


class World:
    """Servers of its own behind the proxy. Checkers go past it."""

    def __init__(self, folder, peer, brokers=1):
        self.folder, self.peer_program = str(folder), peer
        subprocess.run([SERVERS, "up", "--proxy", "--brokers", str(brokers), "--dir", self.folder], check=True)
        said = subprocess.run([SERVERS, "env", "--dir", self.folder], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.values = dict(shlex.split(line)[1].split("=", 1) for line in said.splitlines())
        self.environment = os.environ | self.values
        self.past_the_proxy = self.environment | {"KAFKA_BOOTSTRAP": self.values["KAFKA_DIRECT"]}

    def servers(self, *words):
        done = subprocess.run([SERVERS, *words, "--dir", self.folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"servers {' '.join(words)}: {done.stdout}")
        return done.stdout

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


def down(folder):
    subprocess.run([SERVERS, "down", "--dir", folder], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows_of_topic(world, topic):
    """(key, id, seq) in the order of the partitions."""
    rows = [json.loads(value) for _, _, value in world.ask("read", topic, PARTITIONS)]
    return [(row["key"], row["id"], row["seq"]) for row in rows]


def make_table(world, table):
    """`n` numbers the rows as they are inserted."""
    world.sql(f"create table public.{table}(n bigint generated always as identity, id text not null, key bigint not null, "
              "seq bigint not null, amount numeric(12, 2) not null)")


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

    def __init__(self, world, topic, seed, with_repeats):
        self.rng, self.seed, self.with_repeats = random.Random(seed), seed, with_repeats
        self.fates, self.seq = Counter(), Counter()
        self.expected = defaultdict(list)  # key -> [(id, seq)] in order
        self.used, self.recent = 0, []
        self.process = world.peer("produce", topic, stdin=subprocess.PIPE) if topic else None

    def add(self, count):
        lines = [self.make() for _ in range(count)]
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


class OutboxInput(Input):
    """The same events as rows of an outbox, in transactions of a few rows that overlap: two writers, and one's keys are not the other's."""

    def __init__(self, world, table, seed):
        super().__init__(world, None, seed, with_repeats=False)
        self.table = table
        world.sql(f"create table public.{table}(id bigint generated always as identity primary key, number bigint unique, "
                  "event text, key bigint, seq bigint, amount text)")
        command = ["psql", world.values["POSTGRES_DIRECT"], "-qAtX", "-v", "ON_ERROR_STOP=1"]
        self.writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) for _ in range(2)]
        self.process = self.writers[0]

    def add(self, count):
        chunks = [[], []]
        for _ in range(count):
            event = json.loads(self.make().split("\t", 1)[1])
            chunks[event["key"] % 2].append(f"('{event['id']}', {event['key']}, {event['seq']}, '{event['amount']}')")
        for writer, rows in zip(self.writers, chunks):
            for i in range(0, len(rows), 40):
                writer.stdin.write(f"insert into public.{self.table}(event, key, seq, amount) values {', '.join(rows[i:i + 40])};\n")
            writer.stdin.flush()

    def close(self):
        for writer in self.writers:
            writer.stdin.close()
        if any(writer.wait(timeout=90) for writer in self.writers):
            raise RuntimeError("not all of the input was written")


class TopicReader:
    """Reads a topic while it is written, read_committed."""

    def __init__(self, world, topic):
        self.world, self.topic = world, topic
        self.seen = [[] for _ in range(PARTITIONS)]  # (offset, value)
        self.process = world.peer("follow", topic, PARTITIONS)
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        for line in self.process.stdout:
            partition, offset, value = line.rstrip("\n").split("\t", 2)
            self.seen[int(partition)].append((int(offset), value))

    def progress(self):
        return [len(part) for part in self.seen]

    def rows(self):
        """(key, id, seq) as they are in the topic now; what was seen meanwhile must be its beginning, value by value."""
        stored = [[] for _ in range(PARTITIONS)]
        for partition, offset, value in self.world.ask("read", self.topic, PARTITIONS):
            stored[int(partition)].append((int(offset), value))
        time.sleep(0.5)
        self.agrees = all(seen == there[:len(seen)] for seen, there in zip([list(part) for part in self.seen], stored))
        rows = [json.loads(value) for part in stored for _, value in part]
        return [(row["key"], row["id"], row["seq"]) for row in rows]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)


class TableReader:
    """Watches the positions of a unit in PostgreSQL, and reads its table in the order of insertion."""

    agrees = True

    def __init__(self, world, table, pipeline, topic):
        self.world, self.table, self.pipeline, self.topic = world, table, pipeline, topic
        self.last = [0] * PARTITIONS
        self.lock, self.asked = threading.Lock(), 0.0

    def progress(self):
        """The positions; asked again at most every 50 ms."""
        with self.lock:
            if time.monotonic() - self.asked > 0.05:
                self.ask()
                self.asked = time.monotonic()
            return list(self.last)

    def ask(self):
        self.last = stored_positions(self.world, self.pipeline, self.topic) or self.last

    def rows(self):
        return rows_of_table(self.world, self.table)

    def close(self):
        pass


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
