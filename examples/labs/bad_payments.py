#!/usr/bin/env python3
"""What cannot be processed. A bad record never stops the good ones and is never lost: it becomes a dead letter with its reason, and is
processed again when the reason is gone. A system that fails is another matter: it is tried again, and no good record dies of it.
"""
from lab import PAYMENTS_TABLES, Lab, await_that, payments

with Lab(__doc__) as lab:
    lab.sql(PAYMENTS_TABLES + "; alter table public.RUN_bookings add constraint most check (amount < 1000)")
    pipeline = lab.pipeline("payments.pipe", "exactly_once")
    large = payments(4, 4)[0] | {"amount": 5000}
    broken = {"payment_id": "payment-00005", "account": "account-5", "amount": "ten"}

    lab.say("Three good payments, one that the database refuses, one that is no payment:")
    pipeline.put("paid", payments(1, 3) + [large, broken])
    ledger, *_ = pipeline.drain()
    pipeline.tell("dlq", "list")
    lab.expect("read = used + dead", (5, 3, 2), tuple(ledger[name] for name in ["read", "used", "dead"]))
    for table in ["bookings", "receipts", "notices"]:
        lab.expect(f"rows in {table}: all of a payment, or nothing", 3, lab.rows(table))

    lab.say("The database allows large payments now; the letter that it refused is processed again, the other is given up:")
    lab.sql("alter table RUN_bookings drop constraint most")
    pipeline.tell("dlq", "replay", "--where", 'sqlstate == "23514"')
    pipeline.drain()
    pipeline.tell("dlq", "drop", "--all")
    lab.expect("bookings", 4, lab.rows("bookings"))
    lab.expect("dead letters", 0, len(pipeline.tell("dlq", "show").splitlines()))

    lab.say("The database ends the connection in the middle of a batch:")
    pipeline.start()
    with lab.locked("notices") as await_writer:  # ends the connections that wait
        pipeline.put("paid", payments(6, 10))
        await_writer()
    await_that(lambda: lab.rows("notices") == 9, "the payments after another attempt")
    pipeline.stop()
    lab.expect("bookings", 9, lab.rows("bookings"))
    lab.expect("repeated bookings", 0, lab.repeated("bookings", "payment_id"))
    lab.expect("dead letters", 0, len(pipeline.tell("dlq", "show").splitlines()))
