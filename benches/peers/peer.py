"""Python's pools: peer.py METRIC PERCENT POOL prints the metric in its unit, or none."""

import os
import sys
import time

LARGE = 64 << 20
ITEMS = 1_000_000


def add_100(i):
    return i + 100


def nothing():
    pass


def all_ascii(data):
    return data.isascii()  # reads every byte


def make(length):
    return b"\1" * length


def leave():
    os._exit(3)


class Multiprocessing:
    def __init__(self, workers, method):
        import multiprocessing

        self.pool = multiprocessing.get_context(method).Pool(workers)

    def submit(self, f, *args):
        return self.pool.apply_async(f, args)

    def map(self, f, items):
        return self.pool.map(f, items)

    def result(self, handle):
        return handle.get()

    def end(self):
        self.pool.terminate()


class Executor:
    """concurrent.futures, and loky, which has the same names."""

    def __init__(self, workers, package):
        if package == "loky":
            from loky import ProcessPoolExecutor
        else:
            from concurrent.futures import ProcessPoolExecutor
        self.pool = ProcessPoolExecutor(workers)

    def submit(self, f, *args):
        return self.pool.submit(f, *args)

    def map(self, f, items):
        return list(self.pool.map(f, items, chunksize=len(items) // 16))

    def result(self, handle):
        return handle.result()

    def end(self):
        self.pool.shutdown(wait=False, cancel_futures=True) if "loky" not in sys.argv else self.pool.shutdown()


class Mpire:
    def __init__(self, workers, _):
        from mpire import WorkerPool

        self.pool = WorkerPool(n_jobs=workers, start_method="fork", keep_alive=True)

    def submit(self, f, *args):
        return self.pool.apply_async(f, args)

    def map(self, f, items):
        return self.pool.map(f, items, chunk_size=len(items) // 16)

    def result(self, handle):
        return handle.get()

    def end(self):
        self.pool.terminate()


class Pebble:
    def __init__(self, workers, _):
        from pebble import ProcessPool

        self.pool = ProcessPool(max_workers=workers)

    def submit(self, f, *args):
        return self.pool.schedule(f, args=list(args))

    def map(self, f, items):
        return list(self.pool.map(f, items, chunksize=len(items) // 16).result())

    def result(self, handle):
        return handle.result()

    def end(self):
        self.pool.stop()
        self.pool.join()


class Ray:
    """Its pool, on a cluster of this machine's own that is started for it."""

    def __init__(self, workers, _):
        import logging
        import tempfile

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        sys.stdout = sys.stderr  # it prints what its daemons say
        import ray
        from ray.util.multiprocessing import Pool

        self.directory = tempfile.TemporaryDirectory(prefix="ray-")
        options = dict(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        ray.init(num_cpus=2, object_store_memory=512 << 20, _temp_dir=self.directory.name, **options)
        self.pool = Pool(workers)

    def submit(self, f, *args):
        return self.pool.apply_async(f, args)

    def map(self, f, items):
        return self.pool.map(f, items, chunksize=len(items) // 16)

    def result(self, handle):
        return handle.get()

    def end(self):
        import ray

        self.pool.terminate()
        ray.shutdown()
        self.directory.cleanup()


POOLS = {
    "multiprocessing-fork": (Multiprocessing, "fork"),
    "multiprocessing-spawn": (Multiprocessing, "spawn"),
    "concurrent.futures": (Executor, None),
    "loky": (Executor, "loky"),
    "mpire": (Mpire, None),
    "pebble": (Pebble, None),
    "ray": (Ray, None),
}


def seconds(f):
    begun = time.perf_counter()
    f()
    return time.perf_counter() - begun


def median(count, pause, call):
    call()
    times = []
    for _ in range(count):
        time.sleep(pause)
        times.append(seconds(call))
    return sorted(times)[len(times) // 2]


def measure(metric, percent, name):
    kind, option = POOLS[name]

    def pool(workers):
        return kind(workers, option)

    def count(usual):
        return max(1, usual * percent // 100)

    if metric == "start":
        if kind is not Multiprocessing:
            return None
        import multiprocessing

        context = multiprocessing.get_context(option)

        def life():
            process = context.Process(target=nothing)
            process.start()
            process.join()

        return median(count(20), 0, life) * 1e3
    if metric == "pool":
        pools = []

        def first():
            pools.append(pool(2))
            one = pools[-1]
            assert one.result(one.submit(add_100, 1)) == 101

        # A cluster is too much to have several, or to warm up with one.
        value = (seconds(first) if kind is Ray else median(count(5), 0, first)) * 1e3
        for one in pools:
            one.end()
        return value
    if metric == "death":
        if kind is Multiprocessing:
            return None  # Its handle never has an outcome.

        def die():
            one = pool(1)
            one.result(one.submit(add_100, 1))
            begun = time.perf_counter()
            try:
                one.result(one.submit(leave))
            except BaseException:
                pass
            value = time.perf_counter() - begun
            if kind is Ray:
                one.end()
            return value

        times = sorted(die() for _ in range(1 if kind is Ray else count(5)))
        return times[len(times) // 2] * 1e3
    workers = 2 if metric in ("throughput", "map") else 1
    one = pool(workers)

    def call(f, *args):
        return one.result(one.submit(f, *args))

    call(add_100, 1)
    value = None
    if metric == "throughput":
        tasks = count(10_000)
        value = tasks / seconds(lambda: [one.result(h) for h in [one.submit(add_100, i) for i in range(tasks)]]) / 1e6
    elif metric == "map":
        value = ITEMS / seconds(lambda: one.map(add_100, range(ITEMS))) / 1e6
    elif metric == "apply":
        value = median(count(1000), 0, lambda: call(add_100, 1)) * 1e6
    elif metric == "idle":
        value = median(count(100), 0.01, lambda: call(add_100, 1)) * 1e6
    elif metric == "argument":
        data = make(LARGE)

        def read():
            assert call(all_ascii, data)

        value = LARGE / 2**30 / min(seconds(read) for _ in range(count(3)))
    elif metric == "result":
        value = LARGE / 2**30 / min(seconds(lambda: call(make, LARGE)) for _ in range(count(3)))
    one.end()
    return value


if __name__ == "__main__":
    value = measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    print("none" if value is None else value, file=sys.__stdout__, flush=True)
    os._exit(0)
