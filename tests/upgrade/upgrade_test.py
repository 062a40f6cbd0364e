#!/usr/bin/env python3
"""Runs one version of a file on a part of the input, kills or drains it, and lets another version go on.

usage: upgrade_test.py PIPERUN VICTIM [TEST…]

VICTIM is that of tests/chaos: it ends itself with SIGKILL behind a named step. What is stored in the end is compared with a model of
both versions: each row once, the ledger, the dead letters, and the words of `piperun diff`.
"""
import sys
import tempfile
import unittest
from datetime import timedelta
from decimal import Decimal

sys.dont_write_bytecode = True
import model
import pipeline
from pipeline import file

PIPERUN, VICTIM = sys.argv[1:3]
OLD = file()
SECOND = """
sink copies = {connection} {{ table = "copies" }}
flow second {{
  from {origin}
  map {{ id, amount }}
  to copies
}}
"""
COUNT = 600


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = model.make_events(2 * COUNT, 7)
        self.model = model.Model()

    def begin(self, new, old=OLD, killed=False, **rules):
        """The old version has read something; all of the input is there now. What it read is in the model, what it did not is returned."""
        self.pipe = pipeline.Pipeline(PIPERUN, VICTIM, self.folder.name, self.events if killed else self.events[:COUNT])
        self.pipe.write("old.pipe", old)
        self.pipe.write("new.pipe", new)
        if killed:
            self.assertTrue(self.pipe.kill("old.pipe"))
        else:
            self.assert_ok(self.pipe.drain("old.pipe"))
            self.pipe.put(self.events[COUNT:])
        read = self.pipe.position()
        self.assertTrue(0 < read < len(self.events), read)
        self.model.read(self.events[:read], **rules)
        return self.events[read:]

    def assert_ok(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def go_on(self, rest, *options, file="new.pipe", **rules):
        """The new version reads what the old one has left."""
        self.assert_ok(self.pipe.drain(file, *options))
        self.model.read(rest, **rules)

    def assert_refused(self, code, *options, file="new.pipe", exit_code=3):
        """Nothing may change."""
        before = [self.pipe.query(store, "SELECT * FROM piperun_positions") for store in ("store", "archive")]
        rows = [self.pipe.rows(store) for store in ("store", "archive")]
        done = self.pipe.drain(file, *options)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        self.assertIn(code, done.stderr)
        self.assertEqual(before, [self.pipe.query(store, "SELECT * FROM piperun_positions") for store in ("store", "archive")])
        self.assertEqual(rows, [self.pipe.rows(store) for store in ("store", "archive")])

    def assert_diff(self, *words, exit_code=0):
        done = self.pipe.run("diff", "old.pipe", "new.pipe", "--local")
        for word in words:
            self.assertIn(word, done.stdout)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)

    def assert_outcome(self, unit="events.store", store="store", stores=("store",)):
        rows = sum((self.pipe.rows(name) for name in stores), start=type(self.model.rows)())
        self.assertEqual(rows - self.model.rows, {}, "repeated")
        self.assertEqual(self.model.rows - rows, {}, "lost")
        self.assertEqual(self.pipe.ledger(store, unit), self.model.fates)
        self.assertEqual(self.pipe.letters(store), self.model.fates["dead"])

    def both_ways(self, test):
        for killed in (False, True):
            with self.subTest(killed=killed):
                self.setUp()
                test(killed)


class StageAdded(Case):
    def test_without_state_it_goes_on(self):
        def test(killed):
            rest = self.begin(file(stage="filter amount < 500.00"), killed=killed)
            self.assert_diff("compatible", "the stages have changed")
            self.go_on(rest, limit=Decimal(500))
            self.assert_outcome()
        self.both_ways(test)

    def test_with_state_somebody_decides(self):
        rest = self.begin(file(stage="dedup amount within 1s as amounts"))
        self.assert_diff("refused", "P0514", "`amounts` is new", exit_code=1)
        self.assert_refused("P0514")
        self.go_on(rest, "--upgrade", "keep")
        self.assert_outcome()


class NullableFieldAdded(Case):
    def test_it_goes_on(self):
        def test(killed):
            rest = self.begin(file(note=True), killed=killed)
            self.assert_diff("compatible", "the stages have changed")
            self.go_on(rest, with_note=True)
            self.assert_outcome()
        self.both_ways(test)


class WindowChanged(Case):
    def test_keep(self):
        def test(killed):
            rest = self.begin(file(within="2h"), killed=killed)
            self.assert_diff("refused", "P0512", "1h and does for 2h", "`--upgrade keep` or `--upgrade reset`", exit_code=1)
            self.assert_refused("P0512")
            self.go_on(rest, "--upgrade", "keep", within=timedelta(hours=2))
            self.assert_outcome()
            self.assert_ok(self.pipe.drain("new.pipe"))  # decided once
            self.assert_outcome()
        self.both_ways(test)

    def test_reset(self):
        def test(killed):
            rest = self.begin(file(within="2h"), killed=killed)
            self.assert_ok(self.pipe.drain("new.pipe", "--upgrade", "reset"))
            self.model.forget()
            self.model.read(rest, within=timedelta(hours=2))
            self.assert_outcome()
        self.both_ways(test)

    def test_a_killed_reset_forgets_with_the_manifest(self):
        rest = self.begin(file(within="2h"))
        keys = self.pipe.query("store", "SELECT count(*) FROM piperun_keys")
        for step in ("freeze", "claim", "put_manifest", "seed_position"):
            self.assertTrue(self.pipe.kill_after(step, "new.pipe", "--upgrade", "reset"), step)
            self.assertEqual(keys, self.pipe.query("store", "SELECT count(*) FROM piperun_keys"), step)
        self.go_on(rest, file="old.pipe")  # the old version is still what is stored
        self.assert_outcome()

    def test_reset_of_nothing_forgets_nothing(self):
        rest = self.begin(OLD)
        self.go_on(rest, "--upgrade", "reset")
        self.assert_outcome()


class KeyChanged(Case):
    NEW = file(stage="set number = id", key="number")

    def test_another_field_of_the_same_type_is_refused(self):
        rest = self.begin(self.NEW)
        self.assert_diff("refused", "P0511", "was `id` (string) and is `number` (string) now",
                         "`--upgrade migrate` or `--upgrade reset`", exit_code=1)
        self.assert_refused("P0511")
        self.assert_refused("P0511", "--upgrade", "keep")
        self.go_on(rest, file="old.pipe")
        self.assert_outcome()

    def test_migrate_goes_on_with_the_keys(self):
        rest = self.begin(self.NEW)
        self.go_on(rest, "--upgrade", "migrate")  # the values are the same
        self.assert_outcome()
        self.assert_ok(self.pipe.drain("new.pipe"))  # decided once

    def test_reset_forgets_them(self):
        rest = self.begin(self.NEW)
        self.assert_ok(self.pipe.drain("new.pipe", "--upgrade", "reset"))
        self.model.forget()
        self.model.read(rest)
        self.assert_outcome()


class FlowRenamed(Case):
    def test_migrate(self):
        def test(killed):
            rest = self.begin(file(flow="renamed"), killed=killed)
            self.assert_diff("refused", "P0513", "`accepted.dedup` is not in the program any more", "`--upgrade migrate`", exit_code=1)
            self.assert_refused("P0513")
            self.assert_refused("P0513", "--upgrade", "keep")
            self.go_on(rest, "--upgrade", "migrate")
            self.assert_outcome()
        self.both_ways(test)

    def test_reset(self):
        rest = self.begin(file(flow="renamed"))
        self.assert_ok(self.pipe.drain("new.pipe", "--upgrade", "reset"))
        self.model.forget()
        self.model.read(rest)
        self.assert_outcome()
        self.assertEqual(self.pipe.query("store", "SELECT count(*) FROM piperun_keys k JOIN piperun_operators o ON k.operator = o.id "
                                                  "WHERE o.name = 'accepted.dedup'"), [(0,)])

    def test_with_a_durable_name_it_goes_on(self):
        rest = self.begin(file(flow="renamed", name="seen"), old=file(name="seen"))
        self.go_on(rest)
        self.assert_outcome()


class SecondFlow(Case):
    def copies(self, events):
        return sum(1 for event in events if event["amount"] != "much")

    def test_in_the_same_unit_it_begins_where_that_is(self):
        def test(killed):
            rest = self.begin(file(more=SECOND.format(connection="store", origin="events")), killed=killed)
            self.assert_diff("compatible", "the sinks have changed")
            self.go_on(rest)
            rows = self.pipe.rows("store")
            self.assertEqual(rows, self.model.rows)
            self.assertEqual(sum(self.pipe.rows("store", "copies").values()), self.copies(rest))
            counts = self.pipe.ledger("store", "events.store")
            self.assertEqual(counts["read"], len(self.events))
            self.assertEqual(counts["dead"], self.model.fates["dead"])
        self.both_ways(test)

    def test_in_another_system_it_is_a_new_unit(self):
        def test(killed):
            rest = self.begin(file(more=SECOND.format(connection="archive", origin="events")), killed=killed)
            self.assert_diff("unit events.store: equal", "unit events.archive: new", "it begins at `start`")
            self.go_on(rest)
            self.assert_outcome()
            self.assertEqual(sum(self.pipe.rows("archive", "copies").values()), self.copies(self.events))
            self.assertEqual(self.pipe.ledger("archive", "events.archive")["read"], len(self.events))
        self.both_ways(test)

    def test_behind_shared_state_it_is_refused(self):
        rest = self.begin(file(more=SECOND.format(connection="archive", origin="accepted")))
        self.assert_diff("refused", "P0517", exit_code=1)
        self.assert_refused("P0517")
        self.go_on(rest, file="old.pipe")
        self.assert_outcome()


class SinkMoved(Case):
    NEW = file(connection="archive")
    STEPS = ("freeze", "begin", "claim", "put_manifest", "seed_position", "commit")

    def assert_moved(self, stores=("store", "archive")):
        self.assert_outcome(unit="events.archive", store="archive", stores=stores)
        self.assertEqual(self.pipe.units("store"), set())
        self.assertEqual(self.pipe.letters("store"), 0)

    def test_positions_keys_and_letters_go_along(self):
        def test(killed):
            rest = self.begin(self.NEW, killed=killed)
            self.assert_diff("unit events.archive: moved", "P0515", "positions move to `archive`", "`--upgrade migrate`", exit_code=1)
            self.assert_refused("P0515")
            self.assert_refused("P0515", "--upgrade", "keep")
            self.go_on(rest, "--upgrade", "migrate")
            self.assert_moved()
            self.assert_ok(self.pipe.drain("new.pipe"))
            self.assert_moved()
        self.both_ways(test)

    def test_letters_are_replayed_where_they_are_now(self):
        rest = self.begin(self.NEW)
        self.go_on(rest, "--upgrade", "migrate")
        self.assert_ok(self.pipe.run("dlq", "replay", "new.pipe", "--local"))
        self.assert_ok(self.pipe.drain("new.pipe"))
        self.assert_moved()  # each is as bad as before
        self.assertEqual(self.pipe.query("archive", "SELECT DISTINCT replays, replay_asked FROM piperun_dead_letters"), [(1, 0)])
        self.assert_ok(self.pipe.run("audit", "new.pipe", "--local"))

    def test_reset_leaves_the_keys(self):
        rest = self.begin(self.NEW)
        self.assert_ok(self.pipe.drain("new.pipe", "--upgrade", "reset"))
        self.model.forget()
        self.model.read(rest)
        self.assert_moved()

    def test_killed_behind_each_step(self):
        for step in self.STEPS:
            with self.subTest(step=step):
                self.setUp()
                rest = self.begin(self.NEW, killed=True)
                self.assertTrue(self.pipe.kill_after(step, "new.pipe", "--upgrade", "migrate"))
                self.assert_refused("P0515", file="old.pipe")
                # What is decided and not done must be said again; what was committed is done.
                options = () if step == "commit" else ("--upgrade", "migrate")
                if options:
                    self.assert_refused("P0515")
                self.go_on(rest, *options)
                self.assert_moved()

    def test_killed_behind_every_step_in_a_row(self):
        rest = self.begin(self.NEW)
        for step in self.STEPS:
            self.assertTrue(self.pipe.kill_after(step, "new.pipe", "--upgrade", "migrate"), step)
        self.go_on(rest)
        self.assert_moved()

    def test_the_old_version_is_refused_and_the_way_back_is_a_move(self):
        rest = self.begin(self.NEW)
        self.go_on(rest, "--upgrade", "migrate")
        self.assert_moved()
        self.assert_refused("P0515", file="old.pipe")
        more = model.make_events(3 * COUNT, 7)[2 * COUNT:]
        self.pipe.put(more)
        self.assert_ok(self.pipe.drain("old.pipe", "--upgrade", "migrate"))
        self.model.read(more)
        self.assert_outcome(stores=("store", "archive"))
        self.assertEqual(self.pipe.units("archive"), set())

    def test_renamed_and_moved_at_once(self):
        rest = self.begin(file(connection="archive", flow="renamed", within="2h"))
        self.assert_refused("P0515")
        self.go_on(rest, "--upgrade", "migrate", within=timedelta(hours=2))
        self.assert_moved()

    def test_an_active_owner_is_left_alone(self):
        rest = self.begin(self.NEW)
        process = self.pipe.start("old.pipe")
        try:
            self.pipe.wait(len(self.events))
            self.assert_refused("is at work on it", "--upgrade", "migrate", exit_code=75)
            self.assertIsNone(process.poll())
        finally:
            process.terminate()
            process.communicate(timeout=60)
        self.go_on(rest, "--upgrade", "migrate")
        self.assert_moved()

    def test_where_it_was_a_new_unit_may_begin(self):
        rest = self.begin(self.NEW)
        self.assert_ok(self.pipe.drain("new.pipe", "--upgrade", "migrate"))
        self.pipe.write("third.pipe", file(connection="archive", more=SECOND.format(connection="store", origin="events")))
        self.assert_refused("its positions were given to `events.archive`", file="third.pipe")
        self.assert_ok(self.pipe.drain("third.pipe", "--upgrade", "reset"))
        self.model.read(rest)
        self.assert_outcome(unit="events.archive", store="archive", stores=("store", "archive"))
        self.assertEqual(self.pipe.ledger("store", "events.store")["read"], len(self.events))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
