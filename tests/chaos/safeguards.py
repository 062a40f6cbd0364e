"""Runs with a safeguard taken out, in which the same checks must find a fault, and the same runs with it, in which there is none."""
import base64
import concurrent.futures
import json
import pathlib
import shutil
import signal
import time

import world as surroundings
from controlled import AT_ONCE, Scene, await_that, end, is_stopped
from readers import TableReader
from world import PARTITIONS


def paused_owner(world, victim, folder, pipe, seed, database, step, *options, patience=40):
    """An owner is paused right before it commits, another one takes over and finishes, and the first goes on. What is there then.
    `patience`: seconds until the first goes on in any case; the other one may have to wait for it."""
    scene = Scene(world, victim, folder, pipe, "exactly_once", seed, database=database)
    paused = scene.start("--pause-after", step, "--at", "3", *options)
    await_that(lambda: is_stopped(paused), 60, f"{pipe}: the pause after {step}")
    other = scene.start(*options)
    try:
        until = time.monotonic() + patience
        while not scene.is_used_up() and time.monotonic() < until:
            time.sleep(0.1)
        paused.send_signal(signal.SIGCONT)
        await_that(scene.is_used_up, 40, f"{pipe}: the other process finishing")
        await_ends([paused, other])
    finally:
        end([paused, other])
    return scene.outcome()


def await_ends(processes, seconds=15):
    until = time.monotonic() + seconds
    while any(process.poll() is None for process in processes) and time.monotonic() < until:
        time.sleep(0.05)


SABOTAGE = {
    "no comparison": {"check_owner": [("IF FOUND THEN", "IF false THEN")],
                      "advance": [("AND o.epoch = w.epoch", ""), ("AND o.next_offset = w.too_from", "")]},
    "no epoch": {"check_owner": [("IF FOUND THEN", "IF false THEN")], "advance": [("AND o.epoch = w.epoch", "")]},
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


def made_anew(world, victim, folder, seed):
    """While an owner is paused with the first batch in hand, its topic is made anew and the positions are set to the beginning. They are
    what the owner has read, then; its epoch is not. `offsets reset` would see the owner's session in the database and refuse, so what
    it writes is written here: as when the owner's host is gone from the network, and comes back."""
    scene = Scene(world, victim, folder, "kafka_to_postgres", "exactly_once", seed, database=True)
    paused = scene.start("--pause-after", "process", "--at", "1")
    await_that(lambda: is_stopped(paused), 60, "the pause with the first batch in hand")
    try:
        world.servers("topic", "delete", scene.events)
        await_that(lambda: scene.events not in world.described_topics(), 20, "the end of the topic")
        world.servers("topic", "create", scene.events, str(PARTITIONS))
        scene.input = surroundings.Input(world, scene.events, f"{seed}-anew")
        scene.input.add(1600)  # in each partition more than the paused one holds: it is to be found by what it does, not by an offset
        scene.input.close()
        world.sql(f"update piperun.offsets set epoch = epoch + 1, next_offset = 0, cluster_id = '' where pipeline = 'chaos_{scene.name}'")
        paused.send_signal(signal.SIGCONT)
        await_ends([paused])
    finally:
        end([paused])
    scene.finish()
    return scene.outcome()


def restored_keys(world, victim, folder, seed, *options):
    """A transaction of somebody else stays open in the changelogs of keys. What is committed behind it, the next owner must find there,
    for its local store is lost; and all that was accepted comes a second time."""
    scene = Scene(world, victim, folder, "kafka_dedup", "exactly_once", seed)
    owner = scene.start("--pause-after", "commit", "--at", "2")
    await_that(lambda: is_stopped(owner), 60, "the pause after the second commit")
    changelog = next(topic for topic in world.described_topics() if scene.name in topic and topic.endswith(".keys"))
    held = world.peer("hold", changelog, PARTITIONS, 20)
    try:
        if held.stdout.readline() != "held\n":
            raise RuntimeError("no transaction was opened")
        owner.send_signal(signal.SIGCONT)
        if owner.wait(timeout=60) != 0:
            raise RuntimeError(f"{scene.name}: exit code {owner.returncode}")
        if scene.outcome() != (0, 0, 0):
            raise RuntimeError(f"{scene.name}: {scene.outcome()} before the keys were lost")
        for folder_of_keys in (scene.folder / ".piperun").glob("*.keys"):
            shutil.rmtree(folder_of_keys)
        scene.input.write([f"{key}\t{json.dumps({'id': row_id, 'key': key, 'seq': seq, 'amount': '1.00'})}\n"
                           for key, rows in scene.input.expected.items() for row_id, seq in rows])
        scene.input.close()
        scene.finish(*options, within=120)
    finally:
        end([held, owner])
    return scene.outcome()


def late_rows(world, victim, folder, seed, *options):
    """Rows of an outbox whose transaction takes longer than later ones: their ids are the smallest, and they become visible last."""
    scene = Scene(world, victim, folder, "outbox_to_kafka", "exactly_once", seed, outbox=True, records=0)
    table = f"public.{scene.events}"
    world.sql("drop schema if exists piperun_chaos cascade; create schema piperun_chaos; create table piperun_chaos.cursor(last bigint); "
              "insert into piperun_chaos.cursor values (0)")
    world.sql("create function piperun_chaos.move() returns trigger language plpgsql as "
              "'begin update piperun_chaos.cursor set last = greatest(last, new.id); return new; end'; "
              f"create trigger cursor after update of number on {table} for each row execute function piperun_chaos.move()")

    def insert(key, count):
        """Of a key that no other row has."""
        scene.input.expected[key] = [(f"{key}-{seq}", seq) for seq in range(count)]
        rows = ", ".join(f"('{row_id}', {key}, {seq}, '1.00')" for row_id, seq in scene.input.expected[key])
        return f"insert into {table}(event, key, seq, amount) values {rows};"

    late = surroundings.OutboxWriter(world, scene.events, 9)
    late.connect()
    late.execute("begin; " + insert(100, 5))
    world.sql(insert(101, 200))
    scene.finish()
    late.execute("commit;")
    late.todo.put(None)
    late.abandon()
    world.sql(insert(102, 1))
    last = scene.start(*options)
    try:
        await_that(lambda: any(key == 102 for key, _, _ in surroundings.rows_of_topic(world, scene.rows)), 60, "the last row")
    finally:
        end([last])
    return scene.outcome()


def safeguards(tally, world, victim, folder, seed):
    """With each safeguard there is no fault, and without it the same checks find one. Side by side run what does not meet."""
    def holds(words, found):
        tally.check(found == (0, 0, 0), f"{words}: (lost, repeated, out of order) {found}")

    def fails(words, found):
        tally.check(found[0] + found[1] > 0, f"negative control, {words}: {found}")

    def split(pipe, database):
        scene = Scene(world, victim, folder, pipe, "exactly_once", seed, database=database)
        beside = database and TableReader(world, scene.rows, scene.input.expected, "exactly_once", f"chaos_{scene.name}")
        scene.start("--split-transaction", "--kill-after", "commit", "--at", "3").wait(timeout=60)
        scene.finish("--split-transaction")
        fails(f"positions of {pipe} committed outside the transaction", scene.outcome())
        if beside:
            beside.rows()
            sees(tally, beside, "halves", "it sees positions without rows")

    def of_kafka():
        owner = ("kafka_to_kafka", seed, False, "check_membership")
        holds("a paused owner in Kafka", paused_owner(world, victim, folder, *owner))
        fails("membership check off", paused_owner(world, victim, folder, *owner, "--no-membership"))
        split("kafka_to_kafka", False)

    def of_positions():
        between = ("kafka_to_kafka", seed, False, "store_offsets", "--patient")
        holds("an owner that is paused between its positions and the commit", paused_owner(world, victim, folder, *between, patience=15))
        fails("the next owner reads positions plainly", paused_owner(world, victim, folder, *between, "--plain-read"))
        fails("the consumer loop of beginners", (*naive_loop(world, folder, seed), 0))

    def of_postgres():  # alone: other units in the same database would run without their fence
        owner = ("kafka_to_postgres", seed, True, "process")
        holds("a paused owner in PostgreSQL", paused_owner(world, victim, folder, *owner))
        with Sabotaged(world, "no comparison"):
            fails("positions in PostgreSQL set without comparing epoch and offset", paused_owner(world, victim, folder, *owner))
        holds("a topic made anew behind a paused owner", made_anew(world, victim, folder, seed))
        with Sabotaged(world, "no epoch"):
            fails("positions in PostgreSQL compared without the epoch", made_anew(world, victim, folder, seed))
        split("kafka_to_postgres", True)
        reader(tally, world, seed)

    def of_keys_and_outboxes():
        holds("keys restored beside an open transaction", restored_keys(world, victim, folder, seed))
        fails("keys restored to the stable position only", restored_keys(world, victim, folder, seed, "--stable-only"))
        holds("rows of an outbox that become visible late", late_rows(world, victim, folder, seed))
        fails("a cursor by id", late_rows(world, victim, folder, seed, "--cursor-by-id"))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for played in [pool.submit(part) for part in (of_postgres, of_kafka, of_positions, of_keys_and_outboxes)]:
            played.result()


def sees(tally, beside, kind, words):
    found = getattr(beside, kind)
    tally.check(found, f"negative control, the reader beside it: {words}: {found[0] if found else 'it saw nothing'}")


def reader(tally, world, seed):
    """Tables that are written by hand beside the reader: as a sound unit does it, and as none may."""
    def play(number, delivery, *transactions):
        """Each is committed, and seen, before the next one. A number is a row: its place in the input."""
        name = f"reader_{seed}_{number}_{int(time.time() * 1000) % 10**8}"
        surroundings.make_table(world, f"rows_{name}")
        world.sql("insert into piperun.offsets(pipeline, unit, topic, partition, cluster_id, epoch, next_offset) "
                  f"values ('chaos_{name}', 'bus.shop', 'events', 0, '', 1, 0)")
        beside = TableReader(world, f"rows_{name}", {1: [(f"e-{place}", place) for place in range(60)]}, delivery, f"chaos_{name}")
        try:
            for statements in transactions:
                world.sql("begin; " + "; ".join(each.format(rows=f"public.rows_{name}", pipeline=f"'chaos_{name}'") for each in statements)
                          + "; commit")
                looks = beside.looks
                await_that(lambda: beside.looks > looks + 1, 10, "a look at the table", 0.01)
            beside.rows()
        finally:
            beside.close()
        return beside

    def rows(*places):
        return "insert into {rows}(id, key, seq, amount) values " + ", ".join(f"('e-{place}', 1, {place}, 1)" for place in places)

    def moved(count):
        return f"update piperun.offsets set next_offset = next_offset + {count}, used = used + {count} where pipeline = {{pipeline}}"

    whole = [(rows(2 * batch, 2 * batch + 1), moved(2)) for batch in range(6)]
    sound = play(1, "exactly_once", *whole)
    tally.check(not sound.trouble(), f"the reader beside a sound table: {sound.words()}; {sound.trouble()}")
    repeated = play(2, "at_least_once", *whole, (rows(10, 11),), (rows(12),))
    tally.check(not repeated.trouble(), f"the reader beside repeated rows under at_least_once: {repeated.trouble()}")
    missing = play(3, "at_most_once", *whole, (rows(20),), (rows(22),))
    tally.check(not missing.trouble(), f"the reader beside missing rows under at_most_once: {missing.trouble()}")
    delete = "delete from {rows} where id = 'e-7'"
    sees(tally, play(4, "exactly_once", *whole, (delete,)), "vanished", "a row that vanishes")
    sees(tally, play(5, "exactly_once", *whole[:2], (rows(5), moved(1)), (rows(4), moved(1))), "disordered", "a gap that is filled later")
    sees(tally, play(6, "exactly_once", *whole, (rows(12),), (rows(13), moved(2))), "halves", "half a batch")
    sees(tally, play(7, "exactly_once", *whole, (rows(11), moved(1))), "disordered", "a row that is there twice")
    sees(tally, play(8, "at_least_once", *whole, (rows(13),)), "disordered", "a gap under at_least_once")
    sees(tally, play(9, "at_least_once", *whole, (delete,)), "vanished", "a row that vanishes under at_least_once")
    sees(tally, play(10, "at_most_once", *whole, (rows(11),)), "disordered", "a row that comes twice under at_most_once")


def naive_loop(world, folder, seed):
    """What beginners write: automatic commits, and a producer that knows nothing of them."""
    scene = Scene(world, "", folder, "kafka_to_kafka", "exactly_once", seed, records=10000)
    group = f"naive_{scene.name}"

    def start():
        return world.peer("naive", group, scene.events, scene.rows)

    for _ in range(4):
        process = start()
        time.sleep(2.5)
        process.kill()
        process.wait()
    process = start()
    await_that(lambda: all(offset == end for _, offset, end in world.ask("committed", group, scene.events, PARTITIONS)), 60, "naive loop")
    process.kill()
    process.wait()
    return scene.outcome_of_copies()
