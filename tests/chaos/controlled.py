"""Pipelines that run alone, to their end: kills at each protocol step."""
import concurrent.futures
import itertools
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
RECORDS, MANY = 400, 12000
SESSION = 6.0  # seconds: session.timeout.ms of the members
AT_ONCE = 3  # scenes: most of their time they wait for their group
TAKING_OVER = {
    "kafka": ["freeze", "init_producer", "read_position(locking)", "begin", "put_manifest", "seed_position", "check_membership", "commit"],
    "database": ["freeze", "claim", "begin", "put_manifest", "seed_position", "commit"],
}
ONCE = {"least": 1, "most": 1, "words": "once"}


class Scene:
    """A pipeline on topics of its own, whose input is complete before it starts."""

    numbers = itertools.count(1)

    def __init__(self, world, victim, folder, pipe, delivery, seed, database=False, records=RECORDS, outbox=False, copies=False,
                 with_repeats=False):
        self.world, self.victim = world, victim
        self.name = f"{pipe}_{delivery}_{seed}_{next(Scene.numbers)}_{int(time.time() * 1000) % 10**8}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        text = (HERE / "pipes" / f"{pipe}.pipe").read_text(encoding="utf-8")
        (self.folder / "p.pipe").write_text(text.replace("RUN", self.name).replace("DELIVERY", delivery), encoding="utf-8")
        self.group = f"chaos_{self.name}.{'shop' if outbox else 'bus'}.{'shop' if database and delivery == 'exactly_once' else 'bus'}"
        self.events, self.rows = f"events_{self.name}", f"rows_{self.name}"
        for topic in ([] if outbox else [self.events]) + ([] if database else [self.rows]):
            world.ask("topic", topic, PARTITIONS)
        if database or copies:
            surroundings.make_table(world, self.rows)
        self.database, self.copies = database, copies
        self.input = surroundings.OutboxInput(world, self.events, seed) if outbox else \
            surroundings.Input(world, self.events, seed, with_repeats)
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
        read = surroundings.rows_of_table if self.database else surroundings.rows_of_topic
        found = effects(self.input.expected, read(self.world, self.rows))
        if self.copies:
            found = tuple(map(max, found, effects(self.input.expected, surroundings.rows_of_table(self.world, self.rows))))
        return found

    def has_output(self):
        return bool((surroundings.rows_of_table if self.database else surroundings.rows_of_topic)(self.world, self.rows))

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


def each_alone(play, items):
    """Scenes that do nothing to the servers, some at a time; what they return, in order."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return zip(items, pool.map(play, items))


def kill_at_each_step(tally, world, victim, folder, pipe, delivery, seed, only=None, more=(), **kind):
    """Dies behind each step of a batch. What becomes of a batch is compared with the row that `explain` prints for it. `only`: these steps
    alone; `more`: steps of a second unit, where a kill does nothing."""
    first = Scene(world, victim, folder, pipe, delivery, seed, **kind)
    table = [row | {"step": row["step"].replace(first.name, "RUN")} for row in crash_table(world, victim, first)]
    rows = [row for row in table if only is None or row["step"] in only] + [{"step": step} | ONCE for step in more]
    if only and len(rows) < len(only):
        raise RuntimeError(f"{pipe} has not all of the steps {only}")

    def play(row):
        scene = Scene(world, victim, folder, pipe, delivery, seed, **kind)
        killed = scene.start("--kill-after", row["step"].replace("RUN", scene.name), "--at", "3").wait(timeout=60)
        scene.finish()
        found = scene.outcome()
        if found[0] and row["least"]:  # lost, or not read to its end?
            scene.finish()
            if scene.outcome()[0] == 0:
                raise RuntimeError(f"{scene.name}: `--drain` ended although {found[0]} rows were still to come")
        return killed, found

    for row, (killed, (lost, repeated, disordered)) in each_alone(play, rows):
        good = killed == -signal.SIGKILL and fits(row, lost, repeated) and not disordered
        tally.check(good, f"{pipe} {delivery}: killed after `{row['step']}`: {lost} lost, {repeated} repeated; explain says "
                          f"{row['words']}")


def kill_in_assign(tally, world, victim, folder, pipe, seed, only=None, more=(), **kind):
    """Dies behind each step of taking over, the first time and when there are positions: nothing may come of it."""
    steps = only or [*TAKING_OVER["database" if kind.get("database") else "kafka"], *more]

    def play(step):
        scene = Scene(world, victim, folder, pipe, "exactly_once", seed, **kind)
        first = scene.start("--kill-after", step, "--in", "on_assign", "--at", "1").wait(timeout=60)
        scene.start("--kill-after", "process", "--at", "3").wait(timeout=60)
        again = scene.start("--kill-after", step, "--in", "on_assign", "--at", "1").wait(timeout=60)
        scene.finish()
        return first == again == -signal.SIGKILL, scene.outcome()

    for step, (is_killed, found) in each_alone(play, steps):
        tally.check(is_killed and found == (0, 0, 0), f"{pipe}: killed after `{step}` of taking over, twice: {found[0]} lost, "
                                                      f"{found[1]} repeated" + ("" if is_killed else "; but it was not killed there"))


def kill_when_leaving(tally, world, victim, folder, pipe, delivery, seed, **kind):
    """Dies behind each step of giving partitions back, because another process comes, and of having lost them to one while it stood still."""
    is_transaction = delivery == "exactly_once"
    revoked = ["abort", "release"] if is_transaction else ["commit_offsets(sync)", "release"]
    lost = ["abort", "init_producer", "release"] if is_transaction and not kind.get("database") else ["abort", "release"]
    lists = [("on_revoke", step) for step in revoked] + [("on_lost", step) for step in lost]

    def play(where):
        scene = Scene(world, victim, folder, pipe, delivery, seed, records=MANY, **kind)
        first = scene.start("--kill-after", where[1], "--in", where[0], "--at", "1")
        other = None
        try:
            await_that(scene.has_output, 60, f"{pipe}: a first row")
            first.send_signal(signal.SIGSTOP)
            other = scene.start()
            time.sleep(2.0 if where[0] == "on_revoke" else SESSION + 2.0)  # less, or more, than its group waits for it
            first.send_signal(signal.SIGCONT)
            killed = first.wait(timeout=30)
            if other.wait(timeout=60) != 0:
                raise RuntimeError(f"{scene.name}: exit code {other.returncode}")
        finally:
            end([process for process in (first, other) if process])
        scene.finish()
        return killed == -signal.SIGKILL, scene.outcome()

    row = {"least": delivery != "at_most_once", "most": 1 + (delivery == "at_least_once")}
    for (name, step), (is_killed, found) in each_alone(play, lists):
        tally.check(is_killed and fits(row, *found[:2]), f"{pipe} {delivery}: killed after `{step}` of {name}: {found[0]} lost, "
                                                         f"{found[1]} repeated" + ("" if is_killed else "; but it was not killed there"))


def kill_when_unclear(tally, world, victim, folder, pipe, delivery, seed, request, **kind):
    """The answer to a commit is lost and nothing gets through any more, so that the unit does not know whether it has committed; and it is
    killed while it asks. `request`: what the proxy takes for the commit."""
    scene = Scene(world, victim, folder, pipe, delivery, seed, **kind)
    route = "kafka-1" if request.startswith("api:") else "postgres"
    lost = lambda: int(world.tell_proxy(f"{route} status").rsplit("=", 1)[1])
    process = scene.start("--pause-after", "process", "--at", "3")
    try:
        await_that(lambda: is_stopped(process), 60, f"{pipe}: the pause after process")
        before = lost()
        world.tell_proxy(f"{route} lose {request}")
        process.send_signal(signal.SIGCONT)
        await_that(lambda: lost() > before, 20, f"{pipe}: a lost answer to {request}", 0.002)
        world.tell_proxy(f"{route} hang")
        time.sleep(2.0)  # it waits before it asks, at most a second; there is nothing to be seen of a process that hears nothing
        is_asking = process.poll() is None
    finally:
        end([process])
        world.tell_proxy("all pass")
    scene.finish()
    found = scene.outcome()
    row = {"least": delivery != "at_most_once", "most": 1 + (delivery == "at_least_once")}
    tally.check(is_asking and fits(row, *found[:2]) and not found[2],
                f"{pipe} {delivery}: killed while it asks what became of a commit ({request}): {found[0]} lost, {found[1]} repeated")


def end(processes):
    for process in processes:
        process.kill()
        process.wait()


def is_stopped(process):
    return pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "T"


def await_that(question, seconds, words, every=0.05):
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            raise RuntimeError(f"{words} did not happen in {seconds} s")
        time.sleep(every)
