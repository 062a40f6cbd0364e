#!/usr/bin/env python3
"""Torments pipelines on real servers, and holds what they leave against what they promised.

usage: real.py PIPERUN PEER VICTIM [--quick] [--kills N] [--seed S] [--only NAME,…] [--faults NAME,…] [--keep DIR] [--dir DIR]
               [--brokers 3] [--kafka-version V]

Each combination runs as several processes beside a Kafka broker and PostgreSQL of its own, on an input that never runs dry, and each fault
waits until all partitions have moved since the one before. The last line says how many checks passed and failed.
"""
import argparse
import concurrent.futures
import dataclasses
import functools
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict

import controlled
import faults
import safeguards
import world as surroundings
from outcome import Tally, effects
from readers import TableReader, TopicReader
from world import PARTITIONS

HERE = pathlib.Path(__file__).resolve().parent
PROGRESS_WITHIN = 90.0  # seconds: longer is a failure
RESTARTED_WITHIN, OTHERWISE_WITHIN = 15.0, 30.0  # seconds until the input is used up after the last fault
BACKLOG = 1500  # records
BATCH = 25  # commit_records of all pipelines
PACE, LOOK = 5.0, 0.5  # seconds: a kill each, and between two looks at what has moved
MOST_EXITS = 5  # by themselves and not well
LEDGER = ["read", "used", "filtered", "duplicates", "dead"]


@dataclasses.dataclass(frozen=True)
class Combination:
    name: str
    pipe: str
    delivery: str = "exactly_once"
    commit_mode: str = ""  # of at_least_once
    database: bool = False  # its rows are in PostgreSQL; under exactly_once its positions, too
    copies: bool = False  # a second unit puts the same rows into PostgreSQL
    with_repeats: bool = False
    outbox: bool = False  # it reads a table of PostgreSQL
    assignment: str = "range"  # how the processes share the partitions out
    processes: int = 2
    workers: int = 2
    unit: str = "bus.bus"
    source: str = "events"

    @property
    def has_stored_positions(self):
        return self.database and self.delivery == "exactly_once"


COMBINATIONS = [
    Combination("kafka_to_kafka", "kafka_to_kafka"),
    Combination("kafka_dedup", "kafka_dedup", with_repeats=True),
    Combination("kafka_to_postgres", "kafka_to_postgres", database=True, unit="bus.shop"),
    Combination("postgres_dedup", "postgres_dedup", database=True, with_repeats=True, unit="bus.shop"),
    Combination("outbox_to_kafka", "outbox_to_kafka", outbox=True, unit="shop.bus"),
    Combination("kafka_to_both", "kafka_to_both", copies=True, with_repeats=True),
    Combination("kafka_to_kafka_sticky", "kafka_to_kafka", assignment="cooperative_sticky"),
    Combination("kafka_to_postgres_sticky", "kafka_to_postgres", assignment="cooperative_sticky", database=True, unit="bus.shop"),
    Combination("at_least_once", "kafka_to_kafka", delivery="at_least_once"),
    Combination("at_most_once", "kafka_to_kafka", delivery="at_most_once"),
    Combination("at_least_once_async", "kafka_to_kafka", delivery="at_least_once", commit_mode="async"),
    Combination("at_least_once_hybrid", "kafka_to_kafka", delivery="at_least_once", commit_mode="hybrid"),
    Combination("at_least_once_to_postgres", "kafka_to_postgres", delivery="at_least_once", database=True),
    Combination("at_most_once_to_postgres", "kafka_to_postgres", delivery="at_most_once", database=True),
    Combination("at_least_once_from_outbox", "outbox_to_kafka", delivery="at_least_once", outbox=True, unit="shop.shop"),
]


class Stalled(Exception):
    pass


class Run:
    """One combination under torment, on topics of its own."""

    def __init__(self, world, combination, piperun, folder, seed):
        self.world, self.combination, self.piperun, self.seed = world, combination, piperun, seed
        self.name = f"{combination.name}_{seed}_{int(time.time() * 1000) % 10**8}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        text = (HERE / "pipes" / f"{combination.pipe}.pipe").read_text(encoding="utf-8")
        brokers = 'env("KAFKA_BOOTSTRAP")'
        text = text.replace(brokers, f"{brokers}, assignment = {combination.assignment}")
        delivery = combination.delivery + (f"\n  commit_mode     = {combination.commit_mode}" if combination.commit_mode else "")
        (self.folder / "p.pipe").write_text(text.replace("RUN", self.name).replace("DELIVERY", delivery), encoding="utf-8")
        self.environment = world.environment | {"PIPERUN_LOG": "info"}
        for topic in ["events", "rows"]:
            world.ask("topic", f"{topic}_{self.name}", PARTITIONS)
        if combination.outbox:
            self.input = surroundings.OutboxInput(world, f"events_{self.name}", seed)
        else:
            self.input = surroundings.Input(world, f"events_{self.name}", seed, combination.with_repeats)
        if combination.database or combination.copies:
            surroundings.make_table(world, f"rows_{self.name}")
            table = TableReader(world, f"rows_{self.name}", self.input.expected, combination.delivery, f"chaos_{self.name}")
        self.output = table if combination.database else TopicReader(world, f"rows_{self.name}")
        self.copy = table if combination.copies else None
        self.members, self.guests, self.exits = [], 0, Counter()
        self.recovery = defaultdict(list)
        self.faults = Counter()
        for _ in range(combination.processes):
            self.members.append(self.new_member())
        self.trouble, self.deaths = [], 0
        self.fed = threading.Event()
        self.feeder = threading.Thread(target=self.feed, daemon=True)

    def readers(self):
        return [self.output, self.copy] if self.copy else [self.output]

    def new_member(self):
        self.guests += 1
        command = [self.piperun, "p.pipe", "--workers", str(self.combination.workers)]
        return surroundings.Member(command, self.folder, self.guests, self.environment)

    def note_exit(self, member, code):
        self.exits[code] += 1
        if code != 0:
            self.trouble.append(f"a process ended with {code}:\n{member.tail()}")
        if len(self.trouble) >= MOST_EXITS:
            raise Stalled(f"{len(self.trouble)} processes ended by themselves")

    def watch(self):
        """Who ended without being killed is noted and started again."""
        for member in self.members:
            code = member.process.poll()
            if code is not None:
                self.note_exit(member, code)
                member.start()

    def await_work(self, since=None, within=PROGRESS_WITHIN):
        """Until each partition has moved behind what it was. Returns the seconds."""
        begun = time.monotonic()
        before = list(since or self.output.progress())
        while True:
            now = self.output.progress()
            if all(there > then for there, then in zip(now, before)):
                return time.monotonic() - begun
            if time.monotonic() - begun > within:
                raise Stalled(f"partitions stand still after {within:.0f} s: {before} then, {now} now")
            self.watch()
            time.sleep(0.05 if self.combination.database else 0.01)

    def feed(self):
        """A thread: there is always input before the unit, also while a fault lasts. What is lost under at_most_once looks as if it were
        still to be done: where nothing moves, there is more."""
        last, since = 0, time.monotonic()
        while not self.fed.wait(0.05):
            now = sum(self.output.progress())
            if now != last:
                last, since = now, time.monotonic()
            done = now if self.combination.has_stored_positions else now * self.input.fates["read"] // max(self.input.used, 1)
            is_dry = self.combination.delivery == "at_most_once" and time.monotonic() - since > 2.0
            if self.input.fates["read"] - done < BACKLOG or is_dry:
                self.input.add(BACKLOG // 2)
                since = time.monotonic()

    def torment(self, plan, rng):
        for member in self.members:
            member.start()
        self.feeder.start()
        self.recovery["start"].append(self.await_work())
        for fault in plan:
            time.sleep(rng.uniform(0.0, 0.3))
            faults.BY_NAME[fault](self, rng)
            self.faults[fault] += 1
            self.recovery[fault].append(self.await_work())

    def keep_pace(self, kills, rng):
        """A kill every 5 s, whether the unit is at work again after the one before or not. Returns the share of looks that found it moved."""
        looks = []
        for _ in range(kills):
            faults.kill(self, rng)
            until = time.monotonic() + PACE
            while time.monotonic() < until:
                before = sum(self.output.progress())
                time.sleep(LOOK)
                self.watch()
                looks.append(sum(self.output.progress()) > before)
        return sum(looks) / len(looks)

    def drain(self):
        """No more input and no more faults: the seconds until all of it has become output."""
        begun = time.monotonic()
        self.stop_feeding()
        self.input.close()
        ends = self.ends()
        while not self.is_used_up(ends):
            if time.monotonic() - begun > PROGRESS_WITHIN:
                raise Stalled(f"not drained after {PROGRESS_WITHIN:.0f} s: {self.output.progress()} of {self.input.used}")
            self.watch()
            time.sleep(0.05)
        return time.monotonic() - begun

    def led(self):
        """(topic, partition) of what the unit cannot do without: its own topics, its positions, its transactions."""
        names = [f"rows_{self.name}", f"events_{self.name}", "__consumer_offsets", "__transaction_state"]
        known = self.world.described_topics()
        return [(name, partition) for name in names if name in known for partition in known[name]]

    @property
    def group(self):
        return f"chaos_{self.name}.{self.combination.unit}"

    def is_used_up(self, ends):
        if self.copy and self.copy.count < self.input.used:
            return False
        if self.combination.has_stored_positions:
            return self.output.progress() == ends
        if self.combination.delivery == "exactly_once" and sum(self.output.progress()) < self.input.used:
            return False
        return self.committed() == ends

    def ends(self):
        """Of the input, per partition."""
        if self.combination.outbox:
            return [self.input.fates["read"]]
        return [int(end) for _, _, end in self.world.ask("committed", self.group, f"events_{self.name}", PARTITIONS)]

    def committed(self):
        """What the unit has committed, per partition of its source."""
        if self.combination.has_stored_positions:
            return self.output.progress()
        if self.combination.outbox and self.combination.delivery != "exactly_once":
            stored = surroundings.stored_positions(self.world, f"chaos_{self.name}", f"public.events_{self.name}")
            return stored[:1] if stored else [0]
        if self.combination.outbox:
            progress = f"{self.group}.public.events_{self.name}.progress"
            return [int(offset) for _, offset, _ in self.world.ask("committed", self.group, progress, 1)]
        found = self.world.ask("committed", self.group, f"events_{self.name}", PARTITIONS)
        return [int(offset) for _, offset, _ in found]

    def stop(self):
        for member in self.members:
            self.note_exit(member, member.stop())

    def ledger(self):
        """As the unit has stored it: one more process, which finds nothing to do."""
        last = self.new_member()
        last.command = [self.piperun, "p.pipe", "--drain", "--json"]
        last.start()
        code = last.process.wait(timeout=90)
        if code != 0:
            raise Stalled(f"the last drain ended with {code}:\n{last.tail()}")
        lines = [line for line in last.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        return next(unit for unit in map(json.loads, lines) if unit["unit"] == self.combination.unit)

    def stop_feeding(self):
        self.fed.set()
        if self.feeder.is_alive():
            self.feeder.join()

    def end(self):
        self.stop_feeding()
        for member in self.members:
            if member.process and member.process.poll() is None:
                member.kill()
        for reader in self.readers():
            reader.close()
        self.input.abandon()


def plan_of(combination, options, rng):
    """Kills, and of each other fault some; in an order that the seed gives. A quick run has all faults on two combinations alone."""
    kills, others, only = options.kills, options.others, options.faults
    is_sticky = combination.assignment != "range"
    if options.quick:
        kills, others = (5, 1) if combination.name in ("kafka_to_kafka", "kafka_to_postgres") else (3, 1 if is_sticky else 0)
        only = only or (["kill", "storm"] if is_sticky else None)
    needs_database = combination.database or combination.outbox or combination.copies
    names = [name for name in faults.BY_NAME if name != "kill" and (needs_database or name not in faults.OF_THE_DATABASE)]
    plan = ["kill"] * kills + [name for name in names for _ in range(others)]
    if only:
        plan = [name for name in plan if name in only]
    rng.shuffle(plan)
    return plan


def hits_processes_alone(combination, options):
    """Then another combination can be at work beside it."""
    return set(plan_of(combination, options, random.Random(options.seed))) <= faults.OF_PROCESSES and not paced_kills(combination, options)


def paced_kills(combination, options):
    if options.faults:
        return 0
    if options.quick:
        return 3 if combination.name in ("kafka_to_kafka", "kafka_to_postgres") else 0
    return options.paced


def judge(tally, run, words, drained, limit):
    """All that must hold after a run."""
    delivery, kinds = run.combination.delivery, run.input.fates
    lost, repeated, disordered = effects(run.input.expected, run.output.rows())
    # Under at_most_once nothing refuses what a paused owner writes when it wakes up: it comes late, and once.
    is_late = delivery == "at_most_once" and run.faults["pause"] > 0
    good = (lost == 0 or delivery == "at_most_once") and (repeated == 0 or delivery == "at_least_once") and (disordered == 0 or is_late)
    tally.check(good, f"{words}: {run.input.used} rows expected, {lost} lost, {repeated} repeated, {disordered} keys out of order")
    if run.combination.copies:
        found = effects(run.input.expected, run.copy.rows())
        tally.check(found == (0, 0, 0), f"{words}: the copy in PostgreSQL: {found[0]} lost, {found[1]} repeated, {found[2]} out of order")
    if delivery == "at_most_once":
        others = sum(run.faults.values()) - run.faults["kill"]
        allowed = BATCH * run.combination.workers * (run.deaths + others * run.combination.processes)
        tally.check(lost <= allowed, f"{words}: {lost} lost, at most a batch per worker that died ({run.deaths} processes) or met "
                                     f"another fault ({others}): {allowed}")
    for reader in run.readers():
        trouble = reader.trouble(is_late)
        tally.check(not trouble, f"{words}: {reader.words()}" + "".join(f"; but {each}" for each in trouble[:5]))
    tally.check(drained <= limit, f"{words}: used up {drained:.1f} s after the last fault, at most {limit:.0f} s")
    ends = run.ends()
    tally.check(run.committed() == ends, f"{words}: positions {run.committed()}, ends of the input {ends}")
    ledger = run.ledger()
    if run.combination.outbox:
        left = run.world.sql(f"select count(*) from public.events_{run.name}")[0][0]
        tally.check(left == "0", f"{words}: {left} rows are left in the outbox")
    (run.folder / "ledger.json").write_text(json.dumps(ledger, indent=1), encoding="utf-8")
    exact = ["read"] if delivery == "at_most_once" else LEDGER
    counts = {name: ledger[name] for name in [*LEDGER, "unknown"]}
    balanced = counts["read"] == sum(counts[name] for name in [*LEDGER[1:], "unknown"])
    tally.check(balanced and all(counts[name] == kinds[name] for name in exact),
                f"{words}: stored ledger {counts}, recounted {dict(kinds)}")
    if delivery == "exactly_once":
        tally.check(ledger["sinks"]["rows"] == run.input.used, f"{words}: stored rows {ledger['sinks']['rows']}")
    unexpected = {code: count for code, count in run.exits.items() if code != 0}
    tally.check(not unexpected, f"{words}: {sum(run.exits.values())} processes ended by themselves or were told to; not well: {unexpected}")


def times(recovery):
    parts = []
    for name, seconds in ((name, seconds) for name, seconds in recovery.items() if seconds):
        ordered = sorted(seconds)
        parts.append(f"{name} n={len(ordered)} median {ordered[len(ordered) // 2]:.1f} s, slowest {ordered[-1]:.1f} s")
    return "; ".join(parts)


def torment(tally, world, combination, options, folder):
    rng = random.Random(f"{options.seed} {combination.name}")
    run = Run(world, combination, options.piperun, folder, options.seed)
    plan = plan_of(combination, options, rng)
    words = f"{combination.name} seed {options.seed}"
    begun = time.monotonic()
    try:
        run.torment(plan, rng)
        paced = paced_kills(combination, options)
        if paced:
            moved = run.keep_pace(paced, rng)
            tally.check(moved >= 0.5, f"{words}: {paced} kills, one every {PACE:.0f} s: it moved in {moved:.0%} of the looks, at least half")
        drained = run.drain()
        run.stop()
        is_slow = not paced and plan and plan[-1] in ("pause", "storm")
        judge(tally, run, words, drained, OTHERWISE_WITHIN if is_slow else RESTARTED_WITHIN)
    except (Stalled, RuntimeError, OSError) as error:
        tally.check(False, f"{words}: {type(error).__name__}: {error}")
    finally:
        run.end()
    for trouble in run.trouble:
        tally.tell(f"{words}: {trouble}")
    tally.tell(f"{words}: {dict(run.faults)} in {time.monotonic() - begun:.0f} s; {run.input.fates['read']} records; "
          f"all partitions at work again after: {times(run.recovery)}; logs in {run.folder}")


def steps(tally, world, options, folder):
    """Quick: each step of three pipelines, and what only dedup has."""
    where = (tally, world, options.victim, folder)
    kill, assign, unclear, leaving = (functools.partial(play, *where) for play in (
        controlled.kill_at_each_step, controlled.kill_in_assign, controlled.kill_when_unclear, controlled.kill_when_leaving))
    database, outbox, repeats = {"database": True}, {"outbox": True}, {"with_repeats": True}
    seed = options.seed
    try:
        kill("kafka_to_kafka", "exactly_once", seed)
        kill("kafka_to_postgres", "exactly_once", seed, **database)
        kill("outbox_to_kafka", "exactly_once", seed, **outbox)
        few = options.quick
        kill("kafka_dedup", "exactly_once", seed, only=["claim_keys", "apply_state"] if few else None, **repeats)
        kill("postgres_dedup", "exactly_once", seed, only=["claim_keys"] if few else None, **database, **repeats)
        unclear("kafka_to_kafka", "exactly_once", seed, "api:26")
        unclear("kafka_to_postgres", "exactly_once", seed, "commit", **database)
        assign("kafka_to_postgres", seed, **database)
        if not options.quick:
            kill("kafka_to_both", "exactly_once", seed, more=["fence", "write stored", "mirror_positions"], copies=True, **repeats)
            for delivery in ["at_least_once", "at_most_once"]:
                kill("kafka_to_kafka", delivery, seed)
                kill("kafka_to_postgres", delivery, seed, **database)
                unclear("kafka_to_kafka", delivery, seed, "api:8")
            assign("kafka_to_kafka", seed)
            assign("kafka_dedup", seed, only=["restore_state"], **repeats)
            assign("postgres_dedup", seed, only=["restore_state"], **database, **repeats)
            assign("outbox_to_kafka", seed, more=["number_rows"], **outbox)
            leaving("kafka_to_kafka", "exactly_once", seed)
            leaving("kafka_to_postgres", "exactly_once", seed, **database)
            leaving("kafka_to_kafka", "at_least_once", seed)
        safeguards.safeguards(*where, seed)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        tally.check(False, f"steps: {type(error).__name__}: {error}")


def parse():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("piperun")
    options.add_argument("peer")
    options.add_argument("victim")
    options.add_argument("--kills", type=int, default=40, help="per combination")
    options.add_argument("--others", type=int, default=2, help="of each other kind of fault, per combination")
    options.add_argument("--paced", type=int, default=12, help="kills of a process every 5 s at the end, per combination")
    options.add_argument("--quick", action="store_true", help="all combinations in a few minutes")
    options.add_argument("--no-steps", action="store_true", help="without kills at each step and negative controls")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", help="combinations, by name")
    options.add_argument("--faults", help="kinds of faults, by name")
    options.add_argument("--brokers", choices=["1", "3"], default="1", help="three: replication 3, two in sync, and leaders are lost")
    options.add_argument("--kafka-version", help="another broker")
    options.add_argument("--dir", help="use the servers of this folder (`servers up --proxy --dir DIR`)")
    options.add_argument("--keep", help="logs are kept here")
    options = options.parse_args()
    options.faults = options.faults.split(",") if options.faults else None
    options.only = options.only.split(",") if options.only else [combination.name for combination in COMBINATIONS]
    return options


def main():
    options = parse()
    tally = Tally()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="piperun-chaos-"))
    servers = pathlib.Path(options.dir or tempfile.mkdtemp(prefix="piperun-chaos-servers-"))
    try:
        version = ["--kafka-version", options.kafka_version] if options.kafka_version else []
        world = surroundings.World(servers, options.peer, ["--brokers", options.brokers, *version])
        chosen = [combination for combination in COMBINATIONS if combination.name in options.only]
        beside = [combination for combination in chosen if options.quick and hits_processes_alone(combination, options)]
        for combination in chosen:
            if combination not in beside:
                torment(tally, world, combination, options, folder)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda combination: torment(tally, world, combination, options, folder), beside))
        if not options.no_steps:  # last: a broker that is killed comes back later, the more topics there are
            steps(tally, world, options, folder)
    finally:
        if not options.dir:
            surroundings.down(servers)
    if not tally.failed and not options.keep:
        shutil.rmtree(folder)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
