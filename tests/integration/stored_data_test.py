#!/usr/bin/env python3
"""What a person asks of stored data and changes in it: `piperun dlq`, `topic`, `table`, `audit`."""
import json
import os
import time
import unittest

from commands import SINKS, Commands, order, rows_of, suite


class Letters(Commands):
    def test_letters_are_listed_and_shown_by_a_condition(self):
        self.drain()
        listed = self.piperun("dlq", "list", "p.pipe").stdout
        self.assertIn("P1001", listed)
        self.assertIn(f"first: {self.name}.in/0@1", listed)
        found = self.letters("--where", 'code == "P1105" and partition == 0 and offset == 1')
        self.assertEqual([(each["reason"], each["unit"], json.loads(each["value"])["id"]) for each in found], [("too little: o2", self.unit, "o2")])
        self.piperun("dlq", "show", "p.pipe", "--where", "cod == 1", code=2)

    def test_a_replayed_letter_goes_through_the_program_of_now(self):
        self.drain()
        self.piperun("dlq", "replay", "p.pipe", "--where", 'code == "P1105"')
        self.assertEqual(self.stored_ids(), ["o1", "o3"])
        said = self.piperun("p.pipe", "--drain", "--param", "least=-10.00").stderr
        self.assertNotIn("dead letters to replay wait", said, "it has all partitions")
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"])
        self.assertEqual([each["code"] for each in self.letters()], ["P1001"])
        self.drain("--param", "least=-10.00")
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"], "once")
        self.piperun("audit", "p.pipe")

    def test_letters_of_several_workers(self):
        """Keys in Kafka lie with who has the partition: what is not the first worker's waits until it is."""
        self.put(1, order(4, "-5.00"))
        self.drain()
        self.piperun("dlq", "replay", "p.pipe", "--where", 'code == "P1105"')
        said = self.piperun("p.pipe", "--drain", "--workers", "2", "--param", "least=-10.00").stderr
        both = ["o1", "o2", "o3", "o4"]
        allowed = [both] if self.sink == "postgres" else [both[:3]]
        if "worker=0 count=2" in said:  # the first may have both partitions until the second one comes
            allowed.append(both)
        self.assertIn(self.stored_ids(), allowed)
        time.sleep(7)  # so long the second worker is a member
        self.drain("--param", "least=-10.00")
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3", "o4"])
        self.assertEqual([each["code"] for each in self.letters()], ["P1001"])
        self.piperun("audit", "p.pipe")

    def test_a_replay_of_a_letter_that_is_dropped_hurts_no_other(self):
        self.put(0, order(4, "-5.00"))
        self.drain()
        self.piperun("dlq", "replay", "p.pipe", "--where", 'code == "P1105"')
        self.piperun("dlq", "drop", "p.pipe", "--where", 'reason == "too little: o2"')
        self.drain("--param", "least=-10.00")
        self.assertEqual(self.stored_ids(), ["o1", "o3", "o4"])
        self.drain()
        self.assertEqual([each["code"] for each in self.letters()], ["P1001"])

    def test_a_letter_that_fails_again_and_again_is_refused(self):
        self.drain()
        one = ["--where", 'code == "P1105"']
        for _ in range(3):
            self.piperun("dlq", "replay", "p.pipe", *one)
            self.drain()
        refused = self.piperun("dlq", "replay", "p.pipe", *one, code=3)
        self.assertIn("P1301", refused.stderr)
        self.assertIn("1 letter will be read again", self.piperun("dlq", "replay", "p.pipe", "--force", *one).stdout)

    def replay_of(self, condition):
        return self.piperun("dlq", "replay", "p.pipe", "--where", condition, code=3)

    def test_a_letter_without_its_record_is_not_replayed(self):
        big = json.dumps({"id": "big", "amount": -1, "weight": None, "more": "x" * 999_600})
        self.put(0, big)
        self.drain()
        letter = self.letters("--where", "offset == 2")[0]
        if self.sink == "kafka":
            self.assertIn(f"too large for the topic `{self.name}.dead-letters`: {self.name}.in/0@2 has it", letter["reason"])
            refused = self.replay_of("offset == 2")
            self.assertIn("0 letters will be read again", refused.stdout)
            self.assertIn("1 letter cannot be replayed, for the record was too large", refused.stderr)
            self.piperun("dlq", "replay", "p.pipe", "--force", "--where", "offset == 2", code=3)
            shown = rows_of(self.piperun("topic", "peek", f"{self.name}.in", "p.pipe", "--partition", "0", "--from", "2", "--limit", "1").stdout)
            self.assertEqual(shown[0]["value"], big, "what the words promise")
        else:
            self.assertEqual(letter["value"], big)
            self.piperun("dlq", "replay", "p.pipe", "--where", "offset == 2")

    def test_a_letter_that_keeps_a_hash_or_nothing_is_not_replayed(self):
        whole = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(whole.replace("dead_letter = keep", "dead_letter = keep, original = hash"))
        self.drain()
        self.assertIn("`original = hash` keeps no record", self.replay_of('code == "P1105"').stderr)
        (self.folder / "p.pipe").write_text(whole.replace("dead_letter = keep", "dead_letter = keep, original = omit"))
        self.put(0, order(4, "-5.00"))
        self.drain()
        self.assertIn("`original = omit` keeps no record", self.replay_of("offset == 2").stderr)
        self.piperun("dlq", "replay", "p.pipe", "--force", "--where", "offset == 2", code=3)
        self.assertEqual([each["kept"] for each in self.letters() if "kept" in each], ["hash", "omitted", "hash"])
        self.assertEqual([each["offset"] for each in self.letters("--where", 'kept == "omitted"')], [2])

    def test_a_value_that_looks_like_a_hash_is_replayed(self):
        looks_so = "fnv1a:0123456789abcdef"
        self.put(0, looks_so)
        self.drain()
        self.assertEqual([each["value"] for each in self.letters("--where", "offset == 2")], [looks_so])
        self.assertIn("1 letter will be read again", self.piperun("dlq", "replay", "p.pipe", "--where", "offset == 2").stdout)

    def test_at_most_once_replays_nothing(self):
        self.write(SINKS[self.sink].format(name=self.name), "at_most_once")
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace("  dedup id within 1h\n", ""))
        self.drain()
        self.assertEqual(len(self.letters()), 2)
        self.assertIn("2 letters will not be read again: under at_most_once", self.replay_of("true").stderr)

    def test_a_name_under_which_nothing_has_run_is_told(self):
        self.drain()
        for words in (["list"], ["show"], ["replay"]):
            self.assertIn(f"nothing has run as `{self.name}.nosuch` (--as nosuch)", self.piperun("dlq", *words, "p.pipe", "--as", "nosuch").stderr)
        self.assertNotIn("nothing has run", self.piperun("dlq", "list", "p.pipe").stderr)

    def test_dropped_letters_are_gone(self):
        self.drain()
        self.piperun("dlq", "drop", "p.pipe", code=2)
        self.piperun("dlq", "drop", "p.pipe", "--where", 'code == "P1001"')
        self.assertEqual([each["code"] for each in self.letters()], ["P1105"])
        self.piperun("dlq", "drop", "p.pipe", "--all")
        self.assertEqual(self.letters(), [])


class Stored(Commands):
    def test_topics(self):
        listed = {(each["topic"], each["partition"]): (each["begin"], each["end"]) for each in rows_of(self.piperun("topic", "list", "p.pipe", "--json").stdout)}
        self.assertEqual(listed[f"{self.name}.in", 0], (0, 2))
        self.assertFalse([topic for topic, _ in listed if not topic.startswith(self.name)], "a cluster has other topics, too")
        peeked = rows_of(self.piperun("topic", "peek", "orders", "p.pipe", "--partition", "1", "--from", "1").stdout)
        self.assertEqual([(each["offset"], json.loads(each["value"])["id"]) for each in peeked], [(1, "o3")])
        last = rows_of(self.piperun("topic", "peek", "orders", "p.pipe", "--limit", "1").stdout)
        self.assertEqual([(each["partition"], each["offset"]) for each in last], [(0, 1), (1, 1)])
        self.piperun("topic", "put", "orders", "p.pipe", "--atomic", "--key", "id", text=order(7) + "\n" + order(7) + "\n")
        all_of_it = rows_of(self.piperun("topic", "peek", "orders", "p.pipe", "--all").stdout)
        self.assertEqual([each["key"] for each in all_of_it].count("o7"), 2)
        self.assertIn("no topic `nothing`", self.piperun("topic", "peek", "nothing", "p.pipe", code=3).stderr)
        self.assertIn("has the partitions 0 to 1", self.piperun("topic", "peek", "orders", "p.pipe", "--partition", "2", code=3).stderr)
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}.new"))
        self.assertIn("`--partitions N` makes it", self.piperun("topic", "put", "orders", "p.pipe", text="{}\n", code=3).stderr)
        self.piperun("topic", "put", "orders", "p.pipe", "--partitions", "3", text="{}\n")
        listed = rows_of(self.piperun("topic", "list", "p.pipe", "--json").stdout)
        self.assertEqual([each["partition"] for each in listed if each["topic"] == f"{self.name}.new"], [0, 1, 2])

    def test_a_topic_that_is_a_table_is_shown_and_filled_as_a_topic(self):
        if self.sink != "kafka":
            return
        table = f'table names: Order = bus {{ topic = "{self.name}.names", key = id }}\n'
        text = (self.folder / "p.pipe").read_text().replace("flow booked", table + "flow booked").replace("  to lines", '  enrich n = names[id] ?? fail("unknown")\n  to lines')
        (self.folder / "p.pipe").write_text(text.replace("  dedup id within 1h\n", ""))
        refused = self.piperun("p.pipe", "--drain", code=3).stderr
        making = f"topic put {self.name}.names FILE --partitions 3"
        self.assertIn(f"`piperun {making} < /dev/null` makes it", refused)
        self.piperun(*making.replace("FILE", "p.pipe").split(), text="")
        self.piperun("topic", "put", "names", "p.pipe", "--key", "id", text=order(1) + "\n")
        self.assertEqual(len(rows_of(self.piperun("topic", "peek", "names", "p.pipe", "--all").stdout)), 1)
        self.assertIn("if it is a topic, `piperun topic peek` shows it", self.piperun("table", "peek", "names", "p.pipe", code=3).stderr)
        self.drain()

    def test_a_record_that_does_not_fit_its_table_concerns_those_who_ask_for_it(self):
        if self.sink != "kafka":
            return
        table = f'table names: Order = bus {{ topic = "{self.name}.names", key = id }}\n'
        text = (self.folder / "p.pipe").read_text().replace("flow booked", table + "flow booked").replace("  to lines", '  enrich n = names[id] ?? fail("unknown")\n  to lines')
        keeps = text.replace("  dedup id within 1h\n", "")
        (self.folder / "p.pipe").write_text(keeps.replace("dead_letter = keep", "dead_letter = stop"))
        names = order(3) + "\n" + json.dumps({"id": "o1"}) + "\n"
        self.piperun("topic", "put", f"{self.name}.names", "p.pipe", "--partitions", "1", "--key", "id", text=names)
        stopped = self.piperun("p.pipe", "--drain", code=3).stderr
        self.assertIn(f"table names: {self.name}.names[0] record 1: ", stopped)
        self.assertIn("with `dead_letter = keep` it is passed over", stopped)
        (self.folder / "p.pipe").write_text(keeps)
        said = self.piperun("p.pipe", "--drain")
        self.assertIn(f"record of a table passed over table=names topic={self.name}.names partition=0 offset=1", said.stdout + said.stderr)
        self.assertEqual(self.stored_ids(), ["o3"])
        letter = self.letters("--where", 'value == null or contains(value ?? "", "o1")')[0]
        self.assertEqual(letter["code"], "P1003")
        self.assertIn(f"table names: {self.name}.names[0] record 1: ", letter["reason"])
        self.piperun("topic", "put", "names", "p.pipe", "--key", "id", text=order(1) + "\n")
        self.piperun("dlq", "replay", "p.pipe", "--where", 'code == "P1003"')
        self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o3"])

    def test_audit_counts_what_is_there(self):
        self.drain()
        said = self.piperun("audit", "p.pipe").stdout
        self.assertIn("lines: 2 rows were written, 2 are there", said)
        self.assertNotIn("FAIL", said)
        if self.sink == "kafka":
            self.piperun("topic", "put", "lines", "p.pipe", text="{}\n")
            self.assertIn("FAIL lines: 2 rows were written, 3 are there", self.piperun("audit", "p.pipe", code=3).stdout)

    def test_audit_asks_nothing_of_pipelines_that_read_something_else(self):
        if self.sink != "kafka":
            return
        self.drain()
        begun = time.monotonic()
        self.piperun("audit", "p.pipe")
        alone = time.monotonic() - begun
        (self.folder / "other.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}x.manifests"))
        manifests = "".join(json.dumps({"id": f"a.u{number}", "sources": [{"topic": "elsewhere"}]}) + "\n" for number in range(500))
        self.piperun("topic", "put", "orders", "other.pipe", "--partitions", "1", "--key", "id", text=manifests)
        self.piperun("topic", "put", "lines", "p.pipe", text="{}\n")
        begun = time.monotonic()
        self.piperun("audit", "p.pipe", code=3)
        self.assertLess(time.monotonic() - begun, alone + 8, "each of 500 units was asked")

    def test_what_cannot_be_reached_is_named(self):
        down = self.piperun("lag", "p.pipe", code=3, KAFKA_BOOTSTRAP="127.0.0.1:1")
        self.assertIn("bus at 127.0.0.1:1: ", down.stderr)
        self.assertIn("error[P0610]", self.without("KAFKA_BOOTSTRAP", "dlq", "list", "p.pipe", code=1).stderr)
        if self.sink == "postgres":
            wrong = os.environ["POSTGRES_URL"].replace(":secret@", ":wrong@")
            refused = self.piperun("offsets", "show", "p.pipe", code=3, POSTGRES_URL=wrong).stderr
            self.assertIn("password authentication failed", refused)
            self.assertNotIn(":wrong@", refused)
            self.assertIn("the secret POSTGRES_URL is not set", self.without("POSTGRES_URL", "dlq", "list", "p.pipe", code=3).stderr)
        self.assertIn("there is no unit `other` here", self.piperun("offsets", "reset", "p.pipe", "--to", "latest", "--unit", "other", code=2).stderr)

    def without(self, name, *words, code):
        self.environment = {key: value for key, value in self.environment.items() if key != name}
        try:
            return self.piperun(*words, code=code)
        finally:
            self.environment[name] = os.environ[name]


class Tables(Commands):
    def test_tables(self):
        self.drain()
        listed = {each["table"]: each["rows"] for each in rows_of(self.piperun("table", "list", "p.pipe", "--json").stdout)}
        self.assertEqual(listed[f"{self.name}_lines"], 2)
        peeked = rows_of(self.piperun("table", "peek", "lines", "p.pipe", "--json").stdout)
        self.assertEqual(peeked, [{"id": "o1", "amount": 1.0, "weight": None}, {"id": "o3", "amount": 1.0, "weight": 0.30000000000000004}])
        self.assertIn("0.30000000000000004", self.piperun("table", "peek", "lines", "p.pipe").stdout)
        self.assertIn("no table `nothing`", self.piperun("table", "peek", "nothing", "p.pipe", code=3).stderr)


def load_tests(loader, _, __):
    return suite(loader, (Letters, SINKS), (Stored, SINKS), (Tables, ["postgres"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
