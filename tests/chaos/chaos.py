#!/usr/bin/env python3
"""Kills pipelines and holds what they leave against what they promised.

usage: chaos.py VICTIM [--kills N] [--seed S]

VICTIM is the engine with one more observer: it can end itself with SIGKILL behind a named step, and run a protocol whose transaction
was split on purpose. Without these options it is `piperun FILE --local --drain`. The last line says how many checks passed and failed.
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter

import checks
from outcome import Tally, difference, fits

HERE = pathlib.Path(__file__).resolve().parent
EVENTS = 1500


class Pipeline:
    """One pipeline in a folder of its own, with its input."""

    def __init__(self, victim, folder, name, seed):
        self.victim, self.folder, self.name = victim, pathlib.Path(folder), name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copy(HERE / "pipes" / f"{name}.pipe", self.folder / "p.pipe")
        self.expected, self.fates = checks.make_events(self.folder / "events.ndjson", seed, EVENTS, name != "at_most_once")

    def start(self, *options):
        return subprocess.Popen([self.victim, "p.pipe", *options], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, *options):
        """Runs until the input is used up."""
        process = self.start(*options)
        _, errors = process.communicate(timeout=120)
        if process.returncode != 0:
            raise RuntimeError(f"{self.name}: exit code {process.returncode}: {errors.decode(errors='replace')[-2000:]}")

    def databases(self):
        return sorted((self.folder / ".piperun").glob("*.db"))

    def store(self, name="store"):
        return self.folder / ".piperun" / f"{name}.db"

    def outcome(self, store="store"):
        return difference(self.expected, Counter(checks.stored_rows(self.store(store))))

    def stored_ledger(self):
        # Positions lie with the sink under exactly_once, with the source otherwise; of a chain, the first unit reads the input.
        return checks.ledger({"exactly_once": self.store(), "chain": self.store("hub")}.get(self.name, self.store("events")))


def kill_at_random(victim, folder, name, kills, rng):
    """kill -9 at random moments of a unit at work, restarted each time; a new input whenever one is used up."""
    done = rounds = lost = repeated = unbalanced = 0
    recovery = []
    while done < kills:
        pipeline = Pipeline(victim, folder, name, rng.randrange(1 << 30))
        rounds += 1
        while done < kills:
            before = checks.progress(pipeline.databases())
            begun = time.monotonic()
            process = pipeline.start()
            while process.poll() is None and checks.progress(pipeline.databases()) <= before:
                time.sleep(0.001)
            if process.poll() is None:
                recovery.append(time.monotonic() - begun)
                time.sleep(rng.uniform(0, 0.02))
            if process.poll() is not None:
                process.communicate()
                break  # used up before the kill
            process.send_signal(signal.SIGKILL)
            process.communicate()
            done += 1
        pipeline.finish()
        for store in ["store", "other"] if name == "chain" else ["store"]:
            result = pipeline.outcome(store)
            lost, repeated = lost + result[0], repeated + result[1]
        ledger = pipeline.stored_ledger()
        balanced = ledger["read"] == sum(ledger[c] for c in checks.CLASSES) == pipeline.fates["read"]
        if name in ("exactly_once", "chain"):
            balanced = balanced and all(ledger[c] == pipeline.fates[c] for c in ("used", "filtered", "duplicates", "dead"))
        unbalanced += not balanced
        if not balanced:
            print(f"     ledger {dict(ledger)} expected {dict(pipeline.fates)}")
    slowest = max(recovery) if recovery else 0
    return {"kills": done, "rounds": rounds, "lost": lost, "repeated": repeated, "unbalanced": unbalanced, "slowest": slowest}


def random_kills(tally, victim, folder, kills, rng):
    for name in ["exactly_once", "chain", "at_least_once", "at_most_once"]:
        result = kill_at_random(victim, folder / name, name, kills, rng)
        good = result["unbalanced"] == 0
        if name != "at_most_once":
            good = good and result["lost"] == 0
        if name != "at_least_once":
            good = good and result["repeated"] == 0
        tally.check(good, f"{name}: {result['kills']} random kills in {result['rounds']} rounds: {result['lost']} lost, "
                          f"{result['repeated']} repeated, {result['unbalanced']} ledgers that do not balance; "
                          f"first commit after a restart within {result['slowest'] * 1000:.0f} ms")


def kills_at_each_step(tally, victim, folder, rng):
    """Dies behind each step of the protocol, and compares with the row that `explain` prints for it."""
    for name in ["exactly_once", "at_least_once", "at_most_once"]:
        pipe = HERE / "pipes" / f"{name}.pipe"
        table = json.loads(subprocess.run([victim, str(pipe), "--crash-table"], capture_output=True, check=True).stdout)
        for row in table:
            pipeline = Pipeline(victim, folder / name, name, rng.randrange(1 << 30))
            killed = pipeline.start("--kill-after", row["step"], "--at", "3")
            killed.communicate(timeout=60)
            pipeline.finish()
            lost, repeated = pipeline.outcome()
            good = killed.returncode == -signal.SIGKILL and fits(row, lost, repeated)
            tally.check(good, f"{name}: killed after `{row['step']}`: {lost} lost, {repeated} repeated; explain says {row['words']}")


def negative_control(tally, victim, folder, rng):
    """With the transaction split, the same harness must find the fault."""
    faults = 0
    for step in ["commit", "claim_keys"]:
        pipeline = Pipeline(victim, folder, "exactly_once", rng.randrange(1 << 30))
        pipeline.start("--split-transaction", "--kill-after", step, "--at", "3").communicate(timeout=60)
        pipeline.finish("--split-transaction")
        faults += sum(pipeline.outcome())
    tally.check(faults > 0, f"negative control: a split transaction shows {faults} faults")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("victim")
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    rng = random.Random(options.seed)
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        kills_at_each_step(tally, options.victim, folder / "steps", rng)
        negative_control(tally, options.victim, folder / "control", rng)
        random_kills(tally, options.victim, folder / "random", options.kills, rng)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
