"""Python's multiprocessing, by fork: objects.py METRIC PERCENT KIND prints the metric in its unit, or none.

KIND is Queue or SimpleQueue, of which a program has to choose one; all else is measured with Queue.
"""

import multiprocessing
import os
import sys
import time

LARGE = 64 << 20
MESSAGE = 1 << 20

context = multiprocessing.get_context("fork")


def start(function, *args):
    process = context.Process(target=function, args=args, daemon=True)
    process.start()
    return process


def seconds(function):
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def small(number):
    return (number, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)


def one_way(count, send, receive, messages, take=lambda message: None):
    """So many a second, from this process to a child."""
    told, tell = context.Pipe(False)

    def child():
        tell.send(None)
        for _ in range(count):
            take(receive())
        tell.send(None)

    start(child)
    told.recv()

    def run():
        for message in messages:
            send(message)
        told.recv()

    return count / seconds(run)


def channel(count, _):
    receive, send = context.Pipe(False)
    return one_way(count(50_000), send.send, receive.recv, map(small, range(count(50_000)))) / 1e6


def large(count, _):
    ours, its = context.Pipe()
    message = b"\1" * MESSAGE
    # isascii reads every byte
    return one_way(count(300), ours.send_bytes, its.recv_bytes, [message] * count(300), bytes.isascii) / 1e3


def ping_pong(count, _):
    ours, its = context.Pipe()

    def echo():
        while True:
            its.send(its.recv())

    start(echo)
    message, times = small(1), []
    for _ in range(count(2000) + 1):
        begun = time.perf_counter()
        ours.send(message)
        ours.recv()
        times.append(time.perf_counter() - begun)
    return sorted(times[1:])[len(times) // 2] * 1e6


def queue(count, kind):
    items = getattr(context, kind)()
    return one_way(count(50_000), items.put, items.get, range(count(50_000))) / 1e6


def at_once(children):
    """The time that the children take, each from the moment that all are told to go on."""
    told, tell = context.Pipe(False)
    go = context.Semaphore(0)

    def child(function):
        tell.send(None)
        go.acquire()
        function()
        tell.send(None)

    for function in children:
        start(child, function)
        told.recv()

    def run():
        for _ in children:
            go.release()
        for _ in children:
            told.recv()

    return seconds(run)


def queue_2_2(count, kind):
    items, each = getattr(context, kind)(), count(25_000)

    def put():
        for i in range(each):
            items.put(i)
        if kind == "Queue":  # a thread writes what was put
            items.close()
            items.join_thread()

    def get():
        for _ in range(each):
            items.get()

    return 2 * each / at_once([put, put, get, get]) / 1e6


def pairs(lock, count):
    acquire, release = lock.acquire, lock.release
    for _ in range(count):
        acquire()
        release()


def uncontended(count, _):
    lock, each = context.Lock(), count(300_000)
    return seconds(lambda: pairs(lock, each)) / each * 1e9


def contended(count, _):
    lock, duration = context.Lock(), count(500) / 1e3
    told, tell = context.Pipe(False)

    def contend():
        done, end = 0, time.perf_counter() + duration
        while time.perf_counter() < end:
            pairs(lock, 100)
            done += 100
        tell.send(done)

    at_once([contend] * 2)
    return (told.recv() + told.recv()) / duration / 1e6


def event(rounds, pause):
    there, back = context.Event(), context.Event()
    told, tell = context.Pipe(False)

    def wait():
        woken = []
        for _ in range(rounds + 1):
            there.wait()
            woken.append(time.monotonic_ns())
            there.clear()
            back.set()
        tell.send(woken)

    start(wait)
    begun = []
    for _ in range(rounds + 1):
        if pause:
            time.sleep(pause)
        begun.append(time.monotonic_ns())
        there.set()
        if pause:
            time.sleep(pause / 10)
        back.wait()
        back.clear()
    delays = sorted(woken - begun for woken, begun in list(zip(told.recv(), begun))[1:])
    return delays[len(delays) // 2] / 1e3


def slice_(count, _):
    import numpy
    from multiprocessing.shared_memory import SharedMemory

    ours, its = context.Pipe()

    def total():
        while True:
            # The name as the handle that a task gets; the mapping is made for it.
            memory = SharedMemory(its.recv())
            its.send(int(numpy.frombuffer(memory.buf, dtype=numpy.uint64).sum()))
            memory.close()

    numbers = numpy.arange(LARGE // 8, dtype=numpy.uint64)
    memory = SharedMemory(create=True, size=LARGE)
    try:
        numpy.frombuffer(memory.buf, dtype=numpy.uint64)[:] = numbers
        start(total)
        wanted = int(numbers.sum())

        def turn():
            ours.send(memory.name)
            assert ours.recv() == wanted

        turn()
        return LARGE / 2**30 / min(seconds(turn) for _ in range(count(10)))
    finally:
        memory.unlink()


def share(count, _):
    from multiprocessing.shared_memory import SharedMemory

    data = b"\1" * LARGE

    def turn():
        memory = SharedMemory(create=True, size=LARGE)
        memory.buf[:] = data
        memory.close()
        memory.unlink()

    turn()
    return LARGE / 2**30 / min(seconds(turn) for _ in range(count(8)))


def dictionary(count, clients):
    """Thousands of gets and sets a second of a manager's dict, by so many clients."""
    calls = count(10_000)
    manager = context.Manager()
    shared = manager.dict({key: 0 for key in range(1000)})
    ends = []

    def use(calls):
        for call in range(calls):
            if call % 2 == 0:
                shared[call % 1000] = call
            else:
                shared[call % 1000]

    def client(told, tell):
        use(calls // 10)
        tell.send(None)
        told.recv()
        use(calls)
        tell.send(None)

    for _ in range(clients):
        ours, its = context.Pipe()
        start(client, its, its)
        ends.append(ours)
    for end in ends:
        end.recv()

    def together():
        for end in ends:
            end.send(None)
        for end in ends:
            end.recv()

    return clients * calls / seconds(together) / 1e3


METRICS = {
    "channel": channel,
    "ping-pong": ping_pong,
    "large": large,
    "queue": queue,
    "queue-2-2": queue_2_2,
    "lock": uncontended,
    "contended": contended,
    "event": lambda count, _: event(count(1000), 0),
    "event-idle": lambda count, _: event(count(100), 0.01),
    "slice": slice_,
    "share": share,
    "dict": lambda count, _: dictionary(count, 1),
    "dict-2": lambda count, _: dictionary(count, 2),
}


if __name__ == "__main__":
    metric, percent, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    known = metric in METRICS and (kind == "Queue" or metric.startswith("queue"))
    value = METRICS[metric](lambda usual: max(1, usual * percent // 100), kind) if known else None
    print("none" if value is None else value, flush=True)
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)
