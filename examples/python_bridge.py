"""Asks the program in Rust that has started it, and is asked by it then: see python_bridge.rs."""

import json
import sys
from collections import Counter
from multiprocessing.connection import Client, Listener

key = bytes.fromhex(sys.stdin.readline())

with Client(("127.0.0.1", int(sys.argv[1])), authkey=key) as rust:
    rust.send_bytes(json.dumps({"numbers": [3, 4, 5]}).encode())
    print("Python got:", json.loads(rust.recv_bytes()), flush=True)

    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        rust.send_bytes(json.dumps({"port": listener.address[1]}).encode())
        with listener.accept() as client:
            question = json.loads(client.recv_bytes())
            counts = Counter(question["text"].split())
            client.send_bytes(json.dumps(counts).encode())
