#!/usr/bin/env python3
"""Writes the public names of multiprocessing and concurrent.futures, one a line: MODULE NAME[.MEMBER].

Its output is kept in python_names.txt, so that checking docs/python.md needs no Python:
    python3 tests/tidy/python_names.py > tests/tidy/python_names.txt
"""

import concurrent.futures
import concurrent.futures.process
import concurrent.futures.thread
import importlib
import inspect
import multiprocessing
import multiprocessing.managers
import threading

MODULES = [
    "multiprocessing",
    "multiprocessing.pool",
    "multiprocessing.queues",
    "multiprocessing.connection",
    "multiprocessing.synchronize",
    "multiprocessing.sharedctypes",
    "multiprocessing.shared_memory",
    "multiprocessing.managers",
    "multiprocessing.context",
    "multiprocessing.process",
    "multiprocessing.dummy",
    "concurrent.futures",
    "concurrent.futures.process",
    "concurrent.futures.thread",
]

# Made by functions, so that only an object of each shows its members.
OBJECTS = {
    "Lock": multiprocessing.Lock(),
    "RLock": multiprocessing.RLock(),
    "Semaphore": multiprocessing.Semaphore(),
    "BoundedSemaphore": multiprocessing.BoundedSemaphore(),
    "Condition": multiprocessing.Condition(),
    "Event": multiprocessing.Event(),
    "Barrier": multiprocessing.Barrier(2),
    "Queue": multiprocessing.Queue(),
    "JoinableQueue": multiprocessing.JoinableQueue(),
    "SimpleQueue": multiprocessing.SimpleQueue(),
    "Value": multiprocessing.Value("i"),
    "Array": multiprocessing.Array("c", 1),
}

PACKAGES = ("multiprocessing", "concurrent", "_multiprocessing")

# Classes whose members were listed: what is inherited stands once, at the class that has it.
seen = set()


def public(names):
    return sorted(name for name in names if not name.startswith("_"))


def is_ours(module, name, value):
    """Whether the name belongs to these packages, and is not something a module has imported."""
    if inspect.ismodule(value):
        return False
    if name in getattr(module, "__all__", ()):
        return True
    if inspect.isclass(value) or inspect.isroutine(value):
        home = getattr(value, "__module__", None) or ""
        # These two are fronts: what they import from their own package is theirs.
        front = module.__name__ in ("multiprocessing", "concurrent.futures")
        inside = home.split(".")[0] in PACKAGES or inspect.ismethod(value)
        return inside if front else home == module.__name__
    return True


def members(module, name, value):
    found = set()
    if module.__name__ == "multiprocessing" and name in OBJECTS:
        found.update(vars(OBJECTS[name]))
        value = type(OBJECTS[name])
    if not inspect.isclass(value) or issubclass(value, Exception):
        return []
    for base in value.__mro__:
        # Barrier is that of `threading` on shared memory.
        ours = base.__module__.split(".")[0] in PACKAGES or base is threading.Barrier
        if ours and base not in seen:
            seen.add(base)
            found.update(vars(base))
    return public(found)


def bases_first(module, name):
    value = getattr(module, name)
    value = type(OBJECTS[name]) if name in OBJECTS else value
    return (len(value.__mro__) if inspect.isclass(value) else 0, name)


for path in MODULES:
    module = importlib.import_module(path)
    # `dir` of a module that has a `__dir__` of its own is not the whole.
    names = public({*dir(module), *vars(module), *getattr(module, "__all__", ())})
    lines = []
    for name in sorted(names, key=lambda name: bases_first(module, name)):
        value = getattr(module, name)
        if is_ours(module, name, value):
            lines.append(name)
            lines.extend(f"{name}.{member}" for member in members(module, name, value))
    for line in sorted(lines):
        print(path, line)
