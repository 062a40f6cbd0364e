#!/usr/bin/env python3
"""Rebalancing. Processes share the partitions of a topic; one joins, one leaves, one sleeps longer than the group waits for it and wakes
up as the owner of what others own now. Nobody loses a payment, nobody books one twice.
"""
import signal
import time

from lab import PAYMENTS_TABLES, Lab, await_that, payments

STEP = 100

with Lab(__doc__) as lab:
    lab.sql(PAYMENTS_TABLES)
    first, second, third = (lab.pipeline("payments.pipe", "exactly_once", commit_interval="20ms") for _ in range(3))
    first.put("paid", payments(1, 4), partitions=4)
    sent = 4

    def work():
        """Payments arrive, and are booked by whoever is there."""
        global sent
        first.put("paid", payments(sent + 1, sent + STEP))
        sent += STEP
        await_that(lambda: lab.number("select count(distinct payment_id) from RUN_bookings") == sent, "all payments")

    first.start()
    work()
    lab.say("A second and a third one join:")
    second.start()
    third.start()
    work()
    lab.say("The first one is told to leave:")
    first.stop()
    work()
    lab.say("The second one sleeps in the middle of a batch:")
    with lab.locked("notices", ends_waiters=False) as await_writer:
        first.put("paid", payments(sent + 1, sent + STEP))
        sent += STEP
        await_writer()
        second.process.send_signal(signal.SIGSTOP)
    work()
    lab.say("It wakes up; the others have done its work meanwhile:")
    second.process.send_signal(signal.SIGCONT)
    work()
    second.stop()
    third.stop()
    ledger, *_ = first.drain()
    lab.expect("payments read", sent, ledger["read"])
    lab.expect("lost", 0, sent - lab.number("select count(distinct payment_id) from RUN_bookings"))
    lab.expect("booked twice", 0, lab.repeated("bookings", "payment_id"))
