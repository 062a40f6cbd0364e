#!/usr/bin/env python3
"""An outbox. The shop stores an order and what is to be published of it in one transaction: both, or neither. A pipeline moves the rows
into a topic, and deletes them: each once, though it is killed, and though a row with a lower id became visible after a higher one.
"""
import json
import subprocess

from lab import Lab, await_that

TABLES = """create table public.RUN_orders (order_id text primary key);
            create table public.RUN_happened (id bigint generated always as identity primary key, number bigint unique,
                                              order_id text, what text)"""


def placed(number):
    """What the shop does with an order, within its transaction."""
    return f"insert into RUN_orders values ('{number}'); insert into RUN_happened (order_id, what) values ('{number}', 'placed');"


with Lab(__doc__) as lab:
    lab.sql(TABLES)
    pipeline = lab.pipeline("outbox.pipe")
    pipeline.put("published", [{"order_id": "0", "what": "a topic made"}])

    lab.say("The shop places 400 orders, takes one back, and one more is in a transaction that takes its time:")
    lab.sql("".join(placed(number) for number in range(1, 401)))
    lab.sql(f"begin; {placed(401)} rollback")
    slow = lab.start(*lab.psql(), stdin=subprocess.PIPE)
    slow.stdin.write(f"begin; {placed(402)}\n".replace("RUN", lab.run))
    slow.stdin.flush()
    await_that(lambda: lab.number("select last_value from RUN_happened_id_seq") == 402, "the slow transaction")
    lab.sql(placed(403))
    pipeline.start()
    reader = lab.follow("published")
    for _ in range(40):
        reader.readline()
    pipeline.kill()
    lab.say(f"{len(lab.read('published')) - 1} are published.")
    pipeline.drain()
    lab.expect("events, all but that of the open transaction", 401, len(lab.read("published")) - 1)

    lab.say("Now it is committed, with a lower id than one that is published already:")
    slow.stdin.write("commit;\n")
    slow.stdin.close()
    slow.wait()
    pipeline.drain()
    published = sorted(int(json.loads(value)["order_id"]) for value in lab.read("published")[1:])
    stored = sorted(int(order) for order, in lab.sql("select order_id from RUN_orders"))
    lab.expect("orders", 402, len(stored))
    lab.expect("events", 402, len(published))
    lab.expect("events that are one for each order", True, published == stored)
    lab.expect("rows left in the outbox", 0, lab.rows("happened"))
