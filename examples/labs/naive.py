#!/usr/bin/env python3
"""naive.py GROUP TOPIC TABLE SECONDS: the consumer loop of beginners. Positions are committed every 5 seconds (the client's default),
whatever has become of the records; each payment takes SECONDS of work and is then stored."""
import json
import os
import subprocess
import sys
import time

group, topic, table, seconds = sys.argv[1:]
# A static member, so that the one that is started again gets its partitions at once.
settings = ["auto.offset.reset=earliest", f"group.instance.id={group}", "session.timeout.ms=6000"]
options = [word for setting in settings for word in ["-X", setting]]
kcat = ["kcat", "-q", "-u", "-b", os.environ["KAFKA_BOOTSTRAP"], *options, "-G", group, topic]
consumer = subprocess.Popen(kcat, stdout=subprocess.PIPE, text=True)
database = subprocess.Popen(["psql", "-qX", os.environ["POSTGRES_URL"]], stdin=subprocess.PIPE, text=True)
for line in consumer.stdout:
    payment = json.loads(line)
    print(f"    received {payment['payment_id']}", flush=True)
    time.sleep(float(seconds))
    database.stdin.write(f"insert into {table} values ('{payment['payment_id']}', '{payment['account']}', {payment['amount']});\n")
    database.stdin.flush()
