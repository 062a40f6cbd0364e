#!/usr/bin/env python3
"""What a person asks about a pipeline's data and changes in it, on real servers: `piperun offsets | lag | dlq | topic | table | audit`,
`check --connect`, and `group = "old"`."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from processes import wait_until

if "KAFKA_DIRECT" not in os.environ:
    sys.exit("run me through tests/integration/run")
HERE = Path(__file__).resolve().parent
PIPERUN = os.environ.get("PIPERUN") or str(HERE.parent.parent / "build" / "tests" / "piperun")
SLOW = 40  # seconds; a command may wait for the session of a process that has just ended

FILE = """
pipeline {name} {{
  delivery        = {delivery}
  commit_interval = 50ms
  on error {{ dead_letter = keep }}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
param least: decimal(12, 2) = 0.00
type Order {{ id: string, amount: decimal(12, 2), weight: float64? }}
source orders: Order = bus {{ topic = "{name}.in", partitioned_by = id }}
sink lines = {sink}
flow booked {{
  from orders
  dedup id within 1h
  set amount = if amount < $least then fail("too little: {{id}}") else amount
  to lines
}}
"""
SINKS = {"kafka": 'bus {{ topic = "{name}.out" }}', "postgres": 'shop {{ table = "{name}_lines", key = id, create = true }}'}


def order(number, amount="1.00", weight=None):
    return json.dumps({"id": f"o{number}", "amount": float(amount), "weight": weight})


def rows_of(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class Commands(unittest.TestCase):
    """One pipeline, three orders of which one is too little and one is no JSON, in two partitions."""
    sink = None

    def setUp(self):
        self.name = f"cmd{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-commands-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ, NO_COLOR="1")
        self.write(SINKS[self.sink].format(name=self.name))
        for topic in ["in", "out"] if self.sink == "kafka" else ["in"]:
            done = subprocess.run([HERE / "servers", "topic", "create", f"{self.name}.{topic}", "2"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.unit = "bus.bus" if self.sink == "kafka" else "bus.shop"
        self.put(0, order(1), order(2, "-5.00"))
        self.put(1, "{broken", order(3, weight=0.30000000000000004))

    def write(self, sink, delivery="exactly_once"):
        (self.folder / "p.pipe").write_text(FILE.format(name=self.name, sink=sink, delivery=delivery))

    def piperun(self, *words, text="", code=0, **environment):
        done = subprocess.run([PIPERUN, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False,
                              env=self.environment | environment)
        self.assertIn(done.returncode, [0, 3] if code is None else [code], f"piperun {' '.join(words)}\n{done.stdout}{done.stderr}")
        self.assertNotIn("secret@", done.stdout + done.stderr)
        return done

    def put(self, partition, *lines):
        return self.piperun("topic", "put", "orders", "p.pipe", "--partition", str(partition), text="\n".join(lines) + "\n")

    def drain(self, *words):
        return rows_of(self.piperun("p.pipe", "--drain", "--json", *words).stdout)

    def positions(self):
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json").stdout)
        return {each["partition"]: each["next_offset"] for each in shown if each["topic"] == f"{self.name}.in"}

    def lag(self):
        return rows_of(self.piperun("lag", "p.pipe", "--json").stdout)[-1]["lag"]

    def letters(self, *words):
        return rows_of(self.piperun("dlq", "show", "p.pipe", *words).stdout)

    def stored_ids(self):
        """Of every row that was written, with repeats where the sink has no key."""
        if self.sink == "kafka":
            return sorted(json.loads(each["value"])["id"] for each in rows_of(self.piperun("topic", "peek", "lines", "p.pipe", "--all").stdout))
        return sorted(each["id"] for each in rows_of(self.piperun("table", "peek", "lines", "p.pipe", "--json", "--limit", "1000").stdout))

    def start(self):
        child = subprocess.Popen([PIPERUN, "p.pipe"], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child


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

    def test_reset_to_the_beginning_without_keys_reads_all_again(self):
        self.drain()
        refused = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", code=2)
        self.assertIn("say `--state keep`", refused.stderr)
        said = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "clear", "--dry-run").stdout
        self.assertIn(f"{self.name}.in/0: 2 -> 0", said)
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
        self.drain("--param", "least=-10.00")
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"])
        self.assertEqual([each["code"] for each in self.letters()], ["P1001"])
        self.drain("--param", "least=-10.00")
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"], "once")
        self.piperun("audit", "p.pipe")

    def test_a_letter_that_fails_again_and_again_is_refused(self):
        self.drain()
        one = ["--where", 'code == "P1105"']
        for _ in range(3):
            self.piperun("dlq", "replay", "p.pipe", *one)
            self.drain()
        refused = self.piperun("dlq", "replay", "p.pipe", *one, code=3)
        self.assertIn("P1301", refused.stderr)
        self.assertIn("1 letters will be read again", self.piperun("dlq", "replay", "p.pipe", "--force", *one).stdout)

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

    def test_audit_counts_what_is_there(self):
        self.drain()
        said = self.piperun("audit", "p.pipe").stdout
        self.assertIn("lines: 2 rows were written, 2 are there", said)
        self.assertNotIn("FAIL", said)
        if self.sink == "kafka":
            self.piperun("topic", "put", "lines", "p.pipe", text="{}\n")
            self.assertIn("FAIL lines: 2 rows were written, 3 are there", self.piperun("audit", "p.pipe", code=3).stdout)

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
        self.assertIn("there is no unit `other` here", self.piperun("offsets", "reset", "p.pipe", "--to", "latest", "--unit", "other", code=3).stderr)

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


class Environment(Commands):
    """`check --connect`"""
    def findings(self, code=0, **environment):
        """`code`: None if it may be either."""
        return rows_of(self.piperun("check", "p.pipe", "--connect", "--json", code=code, **environment).stdout)

    def words(self, **arguments):
        return "\n".join(each["message"] for each in self.findings(**arguments))

    def sql(self, text):
        done = subprocess.run([HERE / "servers", "sql", text], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def topic(self, name, *settings):
        done = subprocess.run([HERE / "servers", "topic", "create", name, "1", *settings], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_one_broker_is_one_copy(self):
        said = self.piperun("check", "p.pipe", "--connect")
        self.assertIn("exactly_once holds for lines\n  as long as no broker of bus loses its disk\n", said.stdout)
        self.assertIn(f"weaker: `{self.name}.in` has one copy", said.stderr)
        self.assertRegex(said.stderr, r"--> p.pipe:\d+:\d+")
        self.assertIn("remembers keys for 1h", said.stderr, "the topic keeps its records for a week")

    def test_a_missing_topic_is_an_error_with_its_place(self):
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}.none"))
        found = [each for each in self.findings(code=3) if each["severity"] == "error"]
        self.assertEqual([each["code"] for each in found], ["P2006"])
        self.assertEqual(found[0]["span"]["file"], "p.pipe")
        self.assertIn("kafka-topics --create", found[0]["help"])
        self.assertIn("cannot run like this: 1 error", self.piperun("check", "p.pipe", "--connect", code=3).stdout)

    def test_settings_of_a_source(self):
        self.topic(f"{self.name}.weak", "cleanup.policy=compact,delete", "unclean.leader.election.enable=true", "retention.ms=60000")
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}.weak"))
        words = self.words()
        for part in ("is compacted", "a leader that has not seen all", "keeps records for 1m"):
            self.assertIn(part, words)

    def test_what_expires_in_our_own_topics_is_an_error(self):
        if self.sink != "kafka":
            return
        self.topic(f"{self.name}.dead-letters", "cleanup.policy=delete")
        self.assertIn("what is stored in it expires", self.words(code=3))

    def test_rights_in_the_cluster(self):
        text = (self.folder / "p.pipe").read_text()
        login = """env("KAFKA_SASL"), security = {
  "mechanism" = "SCRAM-SHA-512", "username" = env("KAFKA_USER"), "password" = secret("KAFKA_PASSWORD"), "ca" = env("TLS_CA") }"""
        (self.folder / "p.pipe").write_text(text.replace('env("KAFKA_BOOTSTRAP")', login))
        self.findings()
        for rule in (["--operation", "read", "--topic", f"{self.name}.in"], ["--operation", "read", "--group", f"{self.name}.{self.unit}"]):
            done = subprocess.run([HERE / "servers", "tool", "kafka-acls", "--add", "--deny-principal", f"User:{os.environ['KAFKA_USER']}", *rule],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_until(lambda: "may not read the topic" in self.words(code=None), 20, "the rule is not in force")
        words = self.words(code=3)
        self.assertIn(f"this user may not read the topic `{self.name}.in` of bus", words)
        self.assertIn(f"this user may not join the group `{self.name}.{self.unit}` of bus", words)
        wrong = self.piperun("check", "p.pipe", "--connect", code=3, KAFKA_PASSWORD="wrong")
        self.assertNotIn("wrong", wrong.stdout + wrong.stderr)

    def test_nobody_answers(self):
        self.assertIn("no broker of the cluster answers", self.words(code=3, KAFKA_BOOTSTRAP="127.0.0.1:1"))

    def test_local_has_no_servers(self):
        self.piperun("check", "p.pipe", "--connect", "--local", code=2)


class Database(Environment):
    def test_a_wrong_password(self):
        self.assertIn("password authentication failed", self.words(code=3, POSTGRES_URL=os.environ["POSTGRES_URL"].replace(":secret@", ":wrong@")))

    def test_what_the_server_calls_durable_and_read_only(self):
        url = os.environ["POSTGRES_URL"]
        self.assertIn("synchronous_commit=off", self.words(POSTGRES_URL=url + "?options=-c%20synchronous_commit%3Doff"))
        self.assertIn("read-only", self.words(code=3, POSTGRES_URL=url + "?options=-c%20default_transaction_read_only%3Don"))

    def test_a_table_without_an_index_on_the_key(self):
        self.sql(f"create table public.{self.name}_lines (id text not null, amount numeric(12, 2) not null, weight float8)")
        self.assertIn(f'CREATE UNIQUE INDEX ON "{self.name}_lines" ("id")', self.words(code=3))
        self.sql(f"create unique index on public.{self.name}_lines (id)")
        self.assertNotIn("INDEX", self.words())
        self.sql(f"alter table public.{self.name}_lines drop column amount")
        self.assertIn("amount", self.words(code=3))

    def test_triggers_and_late_constraints(self):
        self.sql(f"create table public.{self.name}_lines (id text primary key, amount numeric(12, 2) not null, weight float8, unique (weight) deferrable initially deferred)")
        self.sql(f"create trigger t before insert on public.{self.name}_lines for each row execute function suppress_redundant_updates_trigger()")
        words = self.words()
        self.assertIn("has triggers (t)", words)
        self.assertIn("at COMMIT", words)

    def test_rights(self):
        self.drain()
        self.sql(f"create role {self.name} login password 'secret'")
        self.addCleanup(self.sql, f"drop owned by {self.name}; drop role {self.name}")
        user = os.environ["POSTGRES_URL"].replace("//piperun:", f"//{self.name}:")
        words = self.words(code=3, POSTGRES_URL=user)
        self.assertIn("may not use what piperun keeps in shop", words)
        self.assertIn(f"{self.name}_lines", words)
        self.sql(f"grant usage on schema piperun to {self.name}; grant all on all tables in schema piperun to {self.name}; grant all on public.{self.name}_lines to {self.name}")
        self.findings(POSTGRES_URL=user)


class OldGroup(Commands):
    """`group = "old"`: positions of a consumer group that is none of ours."""
    def setUp(self):
        super().setUp()
        text = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(text.replace("partitioned_by = id }", f'partitioned_by = id, group = "{self.name}.old" }}'))

    def commit(self, partition, offset):
        tool = subprocess.run([HERE / "servers", "tool", "kafka-consumer-groups", "--group", f"{self.name}.old", "--topic", f"{self.name}.in:{partition}",
                               "--reset-offsets", "--to-offset", str(offset), "--execute"], capture_output=True, text=True, check=False)
        self.assertEqual(tool.returncode, 0, tool.stdout + tool.stderr)

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
    """Each class for each sink that it is about."""
    suite = unittest.TestSuite()
    both, one = list(SINKS), ["postgres"]
    for base, sinks in ((Positions, both), (Letters, both), (Stored, both), (Tables, one), (Environment, ["kafka"]), (Database, one), (OldGroup, both)):
        for sink in sinks:
            suite.addTests(loader.loadTestsFromTestCase(type(f"{base.__name__}_{sink}", (base,), {"sink": sink})))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
