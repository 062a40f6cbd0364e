#!/usr/bin/env python3
"""Commits after the work. at_least_once commits the position when every effect of the batch is confirmed.

Three ends of one payment: all goes well; the work fails before anything is stored; the work is done and the commit is not.
Nothing is lost in any of them. In the third the payment comes again: without a key it is booked twice, with its id as key once.
"""
from lab import PAYMENTS_TABLES, Lab, await_that, payments

with Lab(__doc__) as lab:
    lab.sql(PAYMENTS_TABLES)
    pipeline = lab.pipeline("payments.pipe", "at_least_once", commit_records=1)
    pipeline.put("paid", payments(1, 1))

    lab.say("1. Work, commit: safe.")
    pipeline.start()
    await_that(lambda: lab.rows("notices") == 1, "the first payment")
    pipeline.stop()
    lab.expect("bookings", 1, lab.rows("bookings"))

    lab.say("2. The work cannot be done, and the process dies with it: no commit, the next process does it.")
    with lab.locked("bookings") as await_writer:
        pipeline.put("paid", payments(2, 2))
        pipeline.start()
        await_writer()
        pipeline.kill()
    lab.expect("bookings after the crash", 1, lab.rows("bookings"))
    pipeline.drain()
    lab.expect("bookings after the restart", 2, lab.rows("bookings"))

    lab.say("3. The payment is booked, the notice is not, and the process dies: no commit, the payment comes again.")
    with lab.locked("notices") as await_writer:
        pipeline.put("paid", payments(3, 3))
        pipeline.start()
        await_writer()
        pipeline.kill()
    lab.expect("bookings after the crash", 3, lab.rows("bookings"))
    pipeline.drain()
    lab.expect("bookings of 3 payments, after the restart", 4, lab.rows("bookings"))
    lab.expect("receipts, whose key is the payment", 3, lab.rows("receipts"))
    lab.expect("notices", 3, lab.rows("notices"))
