"""What is done to a unit at work. Each function returns when the fault is over; recovery is measured from there."""
import signal
import time

from controlled import SESSION


def kill(run, rng):
    """kill -9 of one process, sometimes of all, and a new start at once."""
    chosen = run.members if rng.random() < 0.2 else [rng.choice(run.members)]
    for member in chosen:
        member.kill()
        run.deaths += 1
    for member in chosen:
        member.start()


def pause(run, rng):
    """One process stands still until the group has given its partitions away, and then goes on as if nothing had been."""
    member = rng.choice(run.members)
    member.process.send_signal(signal.SIGSTOP)
    time.sleep(SESSION + rng.uniform(1.0, 3.0))
    member.process.send_signal(signal.SIGCONT)


def blink(run, rng):
    """One process stands still for less than the session timeout."""
    member = rng.choice(run.members)
    member.process.send_signal(signal.SIGSTOP)
    time.sleep(rng.uniform(0.2, 4.0))
    member.process.send_signal(signal.SIGCONT)


def broker(run, rng):
    """kill -9 of a broker that leads something of the unit, and a new start; it answers again when this returns. Of several, the others
    take over first, two times out of three; all replicas are in sync before the next fault, for two that lag would be an outage."""
    world = run.world
    name = world.leader(*rng.choice(run.led()))
    world.servers("kill", name)
    if len(world.brokers) > 1 and rng.random() < 0.67:
        run.recovery["broker killed, others lead"].append(run.await_work())
    else:
        time.sleep(rng.uniform(0.0, 2.0))
    try:
        world.servers("start", name)
    except RuntimeError as error:  # of a busy machine: the broker's own timeouts ran out while it started
        print(f"     the broker is started once more: {str(error)[:200]}", flush=True)
        world.servers("kill", name)
        world.servers("start", name)
    if len(world.brokers) > 1:
        world.await_in_sync()


def cut(run, rng):
    """The network between the processes and all servers: refused, or silent."""
    run.world.servers("proxy", "all", rng.choice(["cut", "hang"]))
    time.sleep(rng.uniform(0.5, 9.0))
    run.world.servers("proxy", "all", "pass")


def lost_answer(run, rng):
    """A request that ends or prepares a commit takes effect, and its answer is lost."""
    if (run.combination.database or run.combination.outbox) and rng.random() < 0.7:
        run.world.servers("proxy", "postgres", "lose", "commit")
    else:
        name = rng.choice(list(run.world.brokers.values()))
        run.world.servers("proxy", name, "lose", rng.choice(["api:26", "api:26", "api:28", "api:24", "api:0", "api:8", "api:11"]))
    time.sleep(rng.uniform(0.3, 1.5))
    run.world.servers("proxy", "all", "pass")


def slow(run, rng):
    """Every byte comes late, in both directions; the unit moves all the same."""
    run.world.servers("proxy", "all", "delay", str(rng.choice([20, 60, 150])))
    try:
        run.recovery["slow network, meanwhile"].append(run.await_work())
    finally:
        run.world.servers("proxy", "all", "pass")


def unanswered(run, rng):
    """Half-open: requests get through and take effect, their answers do not, to the middle of one."""
    run.world.servers("proxy", "all", "replies", str(rng.choice([0, 100, 2000])))
    time.sleep(rng.uniform(0.5, 9.0))
    run.world.servers("proxy", "all", "pass")


def storm(run, rng):
    """For ten seconds a member joins or leaves every two seconds."""
    guest = run.new_member()
    for _ in range(3):
        guest.start()
        time.sleep(2)
        if rng.random() < 0.5:
            guest.kill()
        else:
            run.note_exit(guest, guest.stop())
        time.sleep(rng.uniform(0.0, 2.0))


def database(run, rng):
    """kill -9 of PostgreSQL, all of its processes, and a new start."""
    run.world.servers("kill", "postgres")
    time.sleep(rng.uniform(0.0, 2.0))
    run.world.servers("start", "postgres")


def backend(run, _rng):
    """The database ends the connections of the workers."""
    try:
        run.world.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where pid <> pg_backend_pid() and backend_type = 'client backend'")
    except RuntimeError:
        pass  # its own connection may be among them


BY_NAME = {f.__name__: f for f in [kill, pause, blink, broker, cut, lost_answer, slow, unanswered, storm, database, backend]}
OF_THE_DATABASE = {"database", "backend"}
OF_PROCESSES = {"kill", "pause", "blink", "storm"}
