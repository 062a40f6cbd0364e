#!/usr/bin/env python3
"""Positions of units, seen and moved by a person: `piperun offsets`, `lag`, and `group = "old"`."""
import json
import re
import subprocess
import time
import unittest

from commands import HERE, SINKS, SLOW, Commands, order, rows_of, servers, suite
from processes import wait_until


class Positions(Commands):
    def test_lag_tells_how_far_a_unit_is_behind(self):
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([each.get("position") for each in lines[:-1]], [None, None], "it has not begun")
        self.drain()
        self.assertEqual(self.lag(), 0)
        self.put(1, order(4), order(5))
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([(each["unit"], each["partition"], each["position"], each["end"], each["lag"]) for each in lines[:-1]],
                         [(self.unit, 0, 2, 2, 0), (self.unit, 1, 2, 4, 2)])
        self.assertEqual(lines[-1]["lag"], 2)
        self.assertIn("behind 2 in all", self.piperun("lag", "p.pipe").stdout)

    def test_the_end_of_a_transaction_is_no_record(self):
        self.piperun("topic", "put", "orders", "p.pipe", "--partition", "0", "--atomic", text=order(4) + "\n")
        self.drain()
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([(each["partition"], each["end"], each["lag"]) for each in lines[:-1]], [(0, 4, 0), (1, 2, 0)])
        for number in (5, 6):
            self.piperun("topic", "put", "orders", "p.pipe", "--partition", "0", "--atomic", text=order(number) + "\n")
        self.assertEqual(self.lag(), 2, "of four offsets two are records")
        self.piperun("topic", "put", "orders", "p.pipe", "--partition", "1", "--atomic", text="\n".join(order(7 + n) for n in range(100)))
        self.assertEqual(self.lag(), 103, "of many the offsets are counted")
        self.drain()
        self.assertEqual(self.lag(), 0)

    def test_the_group_is_told_where_a_database_has_got_to(self):
        if self.sink != "postgres":
            return
        self.start()

        def told():
            lines = servers("tool", "kafka-consumer-groups", "--describe", "--group", f"{self.name}.{self.unit}").splitlines()
            fields = [line.split() for line in lines]
            return sorted((each[2], each[3]) for each in fields if len(each) > 3 and each[1] == f"{self.name}.in")

        wait_until(lambda: told() == [("0", "2"), ("1", "2")], 30, "lag tools do not see how far the database is")
        self.put(1, order(4))
        wait_until(lambda: told() == [("0", "2"), ("1", "3")], 30, "lag tools do not see how far the database is")

    def test_an_internal_topic_loses_what_all_have_read(self):
        if self.sink != "kafka":
            return
        text = (self.folder / "p.pipe").read_text().replace("sink lines", f'sink rows = shop {{ table = "{self.name}_rows", key = id, create = true }}\nsink lines')
        (self.folder / "p.pipe").write_text(text.replace("  to lines", "  to lines\n  to rows"))

        def first():
            lines = servers("tool", "kafka-get-offsets", "--topic", f"{self.name}.booked", "--time", "-2").split()
            return sum(int(line.rsplit(":", 1)[1]) for line in lines)

        self.drain()
        self.put(1, order(4))
        self.drain()  # looks once at its start, and then every minute
        self.assertGreater(first(), 0)
        self.assertEqual(servers("sql", f"select string_agg(id, ' ' order by id) from {self.name}_rows").strip(), "o1 o3 o4")

    def test_another_cluster_is_no_new_beginning(self):
        if self.sink != "kafka":
            return
        self.drain()
        folder = self.folder / "brokers"
        self.addCleanup(subprocess.run, [HERE / "servers", "down", "--dir", folder], check=False)
        subprocess.run([HERE / "servers", "up", "--dir", folder, "--no-postgres"], check=True, capture_output=True)
        exports = subprocess.run([HERE / "servers", "env", "--dir", folder], capture_output=True, text=True, check=True).stdout
        other = {"KAFKA_BOOTSTRAP": re.search(r"KAFKA_BOOTSTRAP=(\S+)", exports)[1].strip("'")}
        for name in ("in", "out"):
            subprocess.run([HERE / "servers", "topic", "create", f"{self.name}.{name}", "2", "--dir", folder], check=True)
        file = self.folder / ".piperun" / f"{self.name}.{self.unit}.cluster"
        first = file.read_text().strip()
        refused = self.piperun("p.pipe", "--drain", code=3, **other).stderr
        second = json.loads((folder / "servers.json").read_text())["kafka"]["cluster_id"]
        self.assertIn(f"{self.name}.{self.unit} was begun in the cluster {first}, and the connection leads to the cluster {second}", refused)
        self.assertIn(f"remove the file .piperun/{file.name}", refused)
        self.drain()
        file.unlink()
        self.piperun("p.pipe", "--drain", **other)
        self.assertEqual(file.read_text().strip(), second)
        self.drain()  # back, where the positions are
        self.assertEqual(file.read_text().strip(), first)
        self.assertEqual(self.stored_ids(), ["o1", "o3"])

    def test_reset_to_the_beginning_without_keys_reads_all_again(self):
        self.drain()
        refused = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", code=2)
        self.assertIn("say `--state keep`", refused.stderr)
        dry = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "clear", "--dry-run")
        self.assertIn(f"{self.name}.in/0: 2 -> 0", dry.stdout)
        self.assertIn("2 dead letters of records that are read again: who fails again takes the place of its letter", dry.stderr)
        latest = self.piperun("offsets", "reset", "p.pipe", "--to", "latest", "--state", "keep", "--dry-run")
        self.assertNotIn("dead letter", latest.stderr)
        self.assertEqual(self.positions(), {0: 2, 1: 2}, "--dry-run changes nothing")
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "clear")
        self.assertEqual(self.positions(), {0: 0, 1: 0})
        self.drain()
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.assertEqual(self.stored_ids(), ["o1", "o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"])

    def test_reset_that_keeps_the_keys_makes_repeats(self):
        self.drain()
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep")
        ledger = self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o3"], ledger)

    def test_reset_of_one_partition_to_an_offset_a_time_or_by_a_shift(self):
        self.drain()
        between = int(time.time()) + 1
        wait_until(lambda: time.time() > between, 5, "time stands still")
        between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(between))
        self.put(1, order(4), order(5))
        self.drain()
        one = ["--state", "keep", "--topic", f"{self.name}.in", "--partition", "1"]
        for words, expected in ((["offset", "1"], 1), (["shift", "+2"], 3), (["shift", "-1"], 2), (["latest"], 4), (["datetime", between], 2),
                                (["earliest"], 0), (["shift", "-7"], 0)):
            self.piperun("offsets", "reset", "p.pipe", "--to", *words, *one)
            self.assertEqual(self.positions(), {0: 2, 1: expected}, words)
        outside = self.piperun("offsets", "reset", "p.pipe", "--to", "offset", "99", *one, code=3)
        self.assertIn("which has 0 .. 4", outside.stderr)
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep", "--topic", "other", code=2)

    def test_at_least_once_keeps_them_with_the_source(self):
        self.write(SINKS[self.sink].format(name=self.name), "at_least_once")
        self.drain()
        self.assertEqual((self.positions(), self.lag()), ({0: 2, 1: 2}, 0))
        self.piperun("offsets", "reset", "p.pipe", "--to", "shift", "-1", "--state", "clear")
        self.assertEqual((self.positions(), self.lag()), ({0: 1, 1: 1}, 2))
        self.drain()
        self.assertEqual((self.positions(), self.stored_ids()), ({0: 2, 1: 2}, ["o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"]))
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe").stdout)

    def test_another_tool_that_sets_positions_is_told(self):
        if self.sink != "kafka":
            return  # there the group only mirrors what the database holds
        self.drain()

        def is_set():
            servers("tool", "kafka-consumer-groups", "--reset-offsets", "--group", f"{self.name}.{self.unit}", "--topic", f"{self.name}.in:1",
                    "--to-earliest", "--execute")
            return self.positions() == {0: 2, 1: 0}

        wait_until(is_set, SLOW, "a process that has ended is a member for some seconds more")
        said = self.piperun("p.pipe", "--drain").stderr
        self.assertIn(f"topic={self.name}.in partition=1 at=0", said)
        self.assertEqual(said.count("position was set by another tool, its ledger begins anew"), 1)
        self.assertNotIn("another tool", self.piperun("p.pipe", "--drain").stderr)

    def test_what_is_at_work_is_left_alone(self):
        child = self.start()
        wait_until(lambda: self.positions() == {0: 2, 1: 2}, SLOW, "it does not work")
        for words in (["reset", "p.pipe", "--to", "earliest", "--state", "keep"], ["delete", "p.pipe", "--letters"]):
            refused = self.piperun("offsets", *words, code=75)
            self.assertIn(f"the unit {self.unit} of {self.name} is at work", refused.stderr)
        self.assertIsNone(child.poll(), "nobody has disturbed it")
        child.terminate()
        child.wait(SLOW)
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep")
        self.assertEqual(self.positions(), {0: 0, 1: 0})

    def test_a_deleted_unit_starts_as_new(self):
        self.drain()
        refused = self.piperun("offsets", "delete", "p.pipe", code=2)
        self.assertIn("2 dead letters", refused.stderr)
        self.piperun("offsets", "delete", "p.pipe", "--letters", "--dry-run")
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.piperun("offsets", "delete", "p.pipe", "--letters")
        self.assertEqual((self.positions(), self.letters()), ({}, []))
        self.drain()
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.assertEqual(len(self.letters()), 2)
        self.assertEqual(self.stored_ids(), ["o1", "o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"])


class LostPositions(Commands):
    """Of a group that holds them: in a database none expires."""
    def test_positions_that_the_cluster_has_lost_are_made_again(self):
        topic, group = f"{self.name}.in", f"{self.name}.{self.unit}"
        self.drain()
        # Of the source alone, as when its topic is made anew; all of the group, as when they expire.
        for words, said in ((["--delete-offsets", "--topic", topic], "its positions are gone"), (["--delete"], "a manifest without positions")):
            def is_lost(words=words):
                try:  # a process that has ended is a member for some seconds more
                    servers("tool", "kafka-consumer-groups", "--group", group, *words)
                except AssertionError:
                    return False
                return self.positions() == {}

            wait_until(is_lost, SLOW, "the group keeps its offsets")
            self.assertIn(said, self.piperun("p.pipe", "--drain", code=3).stderr)
            self.assertIn(f"has read {topic} and has no position of it", self.piperun("offsets", "show", "p.pipe").stderr)
            lag = self.piperun("lag", "p.pipe").stdout
            self.assertIn("its position is gone", lag)
            self.assertIn("of 1 unit positions are gone", lag)
            reset = ["offsets", "reset", "p.pipe", "--state", "keep"]
            for to, expected in ((["latest"], 2), (["offset", "1"], 1), (["datetime", "2020-01-01T00:00:00Z"], 0)):
                self.assertIn(f"{topic}/1: none -> {expected}", self.piperun(*reset, "--dry-run", "--to", *to).stdout)
            self.assertIn("no position to shift from", self.piperun(*reset, "--to", "shift", "-1", code=2).stderr)
            self.assertEqual(self.positions(), {}, "nothing has changed")
            self.piperun(*reset, "--to", "earliest")
            self.assertEqual(self.positions(), {0: 0, 1: 0})
            self.drain()
            self.assertEqual((self.positions(), self.lag(), len(self.letters())), ({0: 2, 1: 2}, 0, 2))
            self.assertEqual(self.stored_ids(), ["o1", "o3"], "the keys were kept")
            shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json").stdout)
            self.assertEqual([each["read"] for each in shown if each["topic"] == topic], [2, 2], "the ledger begins anew")


class OldGroup(Commands):
    """`group = "old"`: positions of a consumer group that is none of ours."""
    def setUp(self):
        super().setUp()
        text = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(text.replace("partitioned_by = id }", f'partitioned_by = id, group = "{self.name}.old" }}'))

    def commit(self, partition, offset):
        servers("tool", "kafka-consumer-groups", "--group", f"{self.name}.old", "--topic", f"{self.name}.in:{partition}", "--reset-offsets",
                "--to-offset", str(offset), "--execute")

    def test_positions_are_taken_over_once(self):
        self.commit(0, 2)
        self.commit(1, 1)
        self.drain()
        self.assertEqual(self.stored_ids(), ["o3"])
        self.put(0, order(4))
        self.commit(0, 0)
        self.drain()
        self.assertEqual(self.stored_ids(), ["o3", "o4"], "what the old group does later is its own affair")

    def test_a_group_without_positions_is_an_error(self):
        refused = self.piperun("p.pipe", "--drain", code=3)
        self.assertIn(f"the group {self.name}.old has no position in the topic `{self.name}.in`", refused.stderr)
        self.assertEqual(self.positions(), {})


def load_tests(loader, _, __):
    return suite(loader, (Positions, SINKS), (LostPositions, ["kafka"]), (OldGroup, SINKS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
