#!/usr/bin/env python3
"""Exercise 7. What a guarantee costs: the time from an order to its confirmation, one order after the other.

exactly_once opens and commits a transaction for each batch, and a reader sees the batch when that is done. at_most_once moves the
position and sends, without waiting for an answer.
"""
import json
import statistics
import subprocess
import time

from lab import Lab, kill, orders

ORDERS = 40

with Lab(__doc__) as lab:
    median = {}
    for delivery in ["at_most_once", "at_least_once", "exactly_once"]:
        lab.begin(delivery)
        pipeline = lab.pipeline("confirmed.pipe", delivery)
        pipeline.put("placed", orders(1, 1))
        pipeline.put("confirmations", [{}])
        pipeline.start()
        reader = lab.follow("confirmations")
        sender = lab.start(*pipeline.command("topic", "put", "placed"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        reader.readline()
        reader.readline()  # the first order: the pipeline is at work

        taken = []
        for order in orders(2, ORDERS + 1):
            begun = time.monotonic()
            sender.stdin.write(json.dumps(order) + "\n")
            sender.stdin.flush()
            reader.readline()
            taken.append((time.monotonic() - begun) * 1000)
        pipeline.kill()
        median[delivery] = statistics.median(taken)
        lab.say(f"{delivery:14} median {median[delivery]:6.1f} ms, longest {max(taken):6.1f} ms, of {ORDERS} orders")
    lab.expect("the faster one", "at_most_once", min(median, key=median.get), median["at_most_once"] < median["exactly_once"])
