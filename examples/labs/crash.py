"""The crash of exercises 4, 5 and 6: half of the orders are done, the next are in the middle of it, and then kill -9."""
from lab import await_that, orders


def crash(lab, delivery, count, table):
    """Leaves tables `orders` and `shipments`: all orders were sent; the process was killed while it wrote into `table`, and started again."""
    lab.sql("create table public.RUN_orders (order_id text, customer_id text, total numeric); create table public.RUN_shipments (like public.RUN_orders)")
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
