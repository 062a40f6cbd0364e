"""Pipelines that run alone, to their end: kills at each protocol step."""
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

    def __init__(self, world, victim, folder, pipe, delivery, seed, database=False, records=RECORDS, outbox=False):
        Scene.count += 1
        self.world, self.victim = world, victim
        self.name = f"{pipe}_{delivery}_{seed}_{Scene.count}_{int(time.time() * 1000) % 10**8}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        text = (HERE / "pipes" / f"{pipe}.pipe").read_text(encoding="utf-8")
        (self.folder / "p.pipe").write_text(text.replace("RUN", self.name).replace("DELIVERY", delivery), encoding="utf-8")
        self.group = f"chaos_{self.name}.{'shop' if outbox else 'bus'}.{'shop' if database and delivery == 'exactly_once' else 'bus'}"
        self.events, self.rows = f"events_{self.name}", f"rows_{self.name}"
        for topic in ([] if outbox else [self.events]) + ([] if database else [self.rows]):
            world.ask("topic", topic, PARTITIONS)
        if database:
            surroundings.make_table(world, self.rows)
        self.database = database
        self.input = (surroundings.OutboxInput if outbox else surroundings.Input)(world, self.events, seed)
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


def kill_at_each_step(tally, world, victim, folder, pipe, delivery, seed, **kind):
    """Dies behind each step of a batch and of on_assign. What becomes of a batch is compared with the row that `explain` prints for it."""
    table = crash_table(world, victim, Scene(world, victim, folder, pipe, delivery, seed, **kind))
    for row in table:
        scene = Scene(world, victim, folder, pipe, delivery, seed, **kind)
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
