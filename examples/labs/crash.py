"""The crash of exercises 4, 5 and 6: half of the orders are done, the next are in the middle of it, and then kill -9."""
from lab import await_that, orders


def crash(lab, delivery, count, table):
    """Sends all orders, kills the process while it writes into `table`, starts it again; leaves tables `orders` and `shipments`."""
    lab.sql("create table public.RUN_orders (order_id text, customer_id text, total numeric)")
    lab.sql("create table public.RUN_shipments (like public.RUN_orders)")
    pipeline = lab.pipeline("orders.pipe", delivery)
    pipeline.put("placed", orders(1, count // 2))
    pipeline.start()
    await_that(lambda: lab.rows("shipments") == count // 2, "half of the orders")
    lab.say(f"{count // 2} orders are done. The next {count // 2} arrive; the database is busy just now:")
    with lab.locked(table) as await_writer:
        pipeline.put("placed", orders(count // 2 + 1, count))
        await_writer()
        pipeline.kill()
    pipeline.drain()
