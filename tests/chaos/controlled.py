"""Kills at each protocol step, and runs with a safeguard taken out, in which the same checks must find the fault."""
import base64
import json
import pathlib
import signal
import subprocess
import time
from collections import Counter

import world as surroundings
from outcome import difference, effects, fits
from world import PARTITIONS

HERE = pathlib.Path(__file__).resolve().parent
RECORDS = 400


class Scene:
    """A pipeline on topics of its own, whose input is complete before it starts."""

    count = 0

    def __init__(self, world, victim, folder, pipe, delivery, seed, database=False, records=RECORDS):
        Scene.count += 1
        self.world, self.victim = world, victim
        self.name = f"{pipe}_{delivery}_{seed}_{Scene.count}_{int(time.time() * 1000) % 10**8}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        text = (HERE / "pipes" / f"{pipe}.pipe").read_text(encoding="utf-8")
        (self.folder / "p.pipe").write_text(text.replace("RUN", self.name).replace("DELIVERY", delivery), encoding="utf-8")
        self.group = f"chaos_{self.name}.bus.{'shop' if database and delivery == 'exactly_once' else 'bus'}"
        self.events, self.rows = f"events_{self.name}", f"rows_{self.name}"
        for topic in [self.events] + ([] if database else [self.rows]):
            world.ask("topic", topic, PARTITIONS)
        if database:
            surroundings.make_table(world, self.rows)
        self.database = database
        self.input = surroundings.Input(world, self.events, seed, False)
        self.input.add(records)
        self.input.close()

    def start(self, *options):
        log = open(self.folder / "victim.log", "ab")
        return subprocess.Popen([self.victim, "p.pipe", "--servers", *options], cwd=self.folder, stdout=log, stderr=log,
                                env=self.world.environment | {"CHAOS_GROUP": self.group})

    def finish(self, *options, within=60):
        process = self.start(*options)
        if process.wait(timeout=within) != 0:
            raise RuntimeError(f"{self.name}: exit code {process.returncode}: {(self.folder / 'victim.log').read_text()[-2000:]}")

    def outcome(self):
        """(lost, repeated, keys out of order)"""
        rows = surroundings.rows_of_table(self.world, self.rows) if self.database else surroundings.rows_of_topic(self.world, self.rows)
        return effects(self.input.expected, rows)

    def outcome_of_copies(self):
        """(lost, repeated) where each record of the input is to be copied."""
        read = lambda topic: Counter(value for _, _, value in self.world.ask("read", topic, PARTITIONS))
        return difference(read(self.events), read(self.rows))

    def is_used_up(self):
        found = self.world.ask("committed", self.group, self.events, PARTITIONS)
        if self.database:
            stored = surroundings.stored_positions(self.world, f"chaos_{self.name}", self.events)
            return stored == [int(end) for _, _, end in found]
        return all(offset == end for _, offset, end in found)


def crash_table(world, victim, scene):
    said = subprocess.run([victim, "p.pipe", "--servers", "--crash-table"], cwd=scene.folder, env=world.environment, check=True,
                          stdout=subprocess.PIPE)
    return json.loads(said.stdout)


def kill_at_each_step(tally, world, victim, folder, pipe, delivery, seed, database=False):
    """Dies behind each step of a batch and of on_assign. What becomes of a batch is compared with the row that `explain` prints for it."""
    table = crash_table(world, victim, Scene(world, victim, folder, pipe, delivery, seed, database))
    for row in table:
        scene = Scene(world, victim, folder, pipe, delivery, seed, database)
        killed = scene.start("--kill-after", row["step"], "--at", "3").wait(timeout=60)
        scene.finish()
        lost, repeated, disordered = scene.outcome()
        good = killed == -signal.SIGKILL and fits(row, lost, repeated) and not disordered
        tally.check(good, f"{pipe} {delivery}: killed after `{row['step']}`: {lost} lost, {repeated} repeated; explain says "
                          f"{row['words']}")


def kill_in_assign(tally, world, victim, folder, pipe, seed, database=False):
    """Dies behind each step of taking over, the first time and when there are positions: nothing may come of it."""
    steps = ["freeze", "claim", "begin", "put_manifest", "seed_position", "commit"] if database else \
            ["freeze", "init_producer", "read_position(locking)", "begin", "put_manifest", "seed_position", "check_membership", "commit"]
    for step in steps:
        scene = Scene(world, victim, folder, pipe, "exactly_once", seed, database)
        first = scene.start("--kill-after", step, "--in", "on_assign", "--at", "1").wait(timeout=60)
        scene.start("--kill-after", "process", "--at", "3").wait(timeout=60)
        again = scene.start("--kill-after", step, "--in", "on_assign", "--at", "1").wait(timeout=60)
        scene.finish()
        found = scene.outcome()
        tally.check(first == again == -signal.SIGKILL and found == (0, 0, 0),
                    f"{pipe}: killed after `{step}` of taking over, twice: {found[0]} lost, {found[1]} repeated")


def is_stopped(process):
    return pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "T"


def await_that(question, seconds, words):
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            raise RuntimeError(f"{words} did not happen in {seconds} s")
        time.sleep(0.05)


def paused_owner(world, victim, folder, pipe, seed, database, step, *options):
    """An owner is paused right before it commits, another one takes over and finishes, and the first goes on. What is there then."""
    scene = Scene(world, victim, folder, pipe, "exactly_once", seed, database)
    paused = scene.start("--pause-after", step, "--at", "3", *options)
    await_that(lambda: is_stopped(paused), 60, f"{pipe}: the pause after {step}")
    other = scene.start(*options)
    try:
        await_that(scene.is_used_up, 40, f"{pipe}: the other process finishing")
        paused.send_signal(signal.SIGCONT)
        for process in [paused, other]:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                pass
    finally:
        paused.kill()
        other.kill()
        paused.wait()
        other.wait()
    return scene.outcome()


SABOTAGE = {
    "no comparison": {"check_owner": [("IF FOUND THEN", "IF false THEN")],
                      "advance": [("AND o.epoch = w.epoch", ""), ("AND o.next_offset = w.too_from", "")]},
}


class Sabotaged:
    """The functions by which PostgreSQL fences, with a condition taken out; as they were again at the end."""

    def __init__(self, world, how):
        self.world, self.how = world, SABOTAGE[how]

    def definition(self, name):
        said = self.world.sql(f"select replace(encode(convert_to(pg_get_functiondef(p.oid), 'UTF8'), 'base64'), e'\\n', '') "
                              f"from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
                              f"where n.nspname = 'piperun' and p.proname = '{name}'")
        return base64.b64decode(said[0][0]).decode()

    def __enter__(self):
        self.originals = [self.definition(name) for name in self.how]
        for original, changes in zip(self.originals, self.how.values()):
            for old, new in changes:
                if old not in original:
                    raise RuntimeError(f"no `{old}` to take out")
                original = original.replace(old, new)
            self.world.sql(original)

    def __exit__(self, *_):
        for original in self.originals:
            self.world.sql(original)


def safeguards(tally, world, victim, folder, seed):
    """With each safeguard there is no fault, and without it the same checks find one."""
    kafka, postgres = ("kafka_to_kafka", seed, False, "check_membership"), ("kafka_to_postgres", seed, True, "process")
    found = paused_owner(world, victim, folder, *kafka)
    tally.check(found == (0, 0, 0), f"a paused owner in Kafka: (lost, repeated, out of order) {found}")
    found = paused_owner(world, victim, folder, *kafka, "--no-membership")
    tally.check(found[1] > 0, f"negative control, membership check off: {found}")
    found = paused_owner(world, victim, folder, *postgres)
    tally.check(found == (0, 0, 0), f"a paused owner in PostgreSQL: {found}")
    with Sabotaged(world, "no comparison"):
        found = paused_owner(world, victim, folder, *postgres)
    tally.check(found[1] > 0, f"negative control, positions in PostgreSQL set without comparing epoch and offset: {found}")
    for pipe, database in [("kafka_to_kafka", False), ("kafka_to_postgres", True)]:
        scene = Scene(world, victim, folder, pipe, "exactly_once", seed, database)
        scene.start("--split-transaction", "--kill-after", "commit", "--at", "3").wait(timeout=60)
        scene.finish("--split-transaction")
        found = scene.outcome()
        tally.check(found[0] + found[1] > 0, f"negative control, positions of {pipe} committed outside the transaction: {found}")
    found = naive_loop(world, folder, seed)
    tally.check(sum(found) > 0, f"negative control, the consumer loop of beginners: (lost, repeated) {found}")


def naive_loop(world, folder, seed):
    """What beginners write: automatic commits, and a producer that knows nothing of them."""
    scene = Scene(world, "", folder, "kafka_to_kafka", "exactly_once", seed, records=4000)
    group = f"naive_{scene.name}"

    def start():
        return world.peer("naive", group, scene.events, scene.rows)

    for _ in range(4):
        process = start()
        time.sleep(1.3)
        process.kill()
        process.wait()
    process = start()
    await_that(lambda: all(offset == end for _, offset, end in world.ask("committed", group, scene.events, PARTITIONS)), 60, "naive loop")
    process.kill()
    process.wait()
    return scene.outcome_of_copies()
