#!/usr/bin/env python3
"""How long verdicts on hostile programs take, beside the time limit: at most twice the limit and 50 ms.

usage: tests/bench/hostile.py BUILD [LIMIT_MS...]     (default 50 500 2000)
"""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import hostile  # noqa: E402

SMALL = ("--set", "height=3,rounds=3,batch=8")


def by_command(sheaf, path, arguments):
    start = time.monotonic()
    done = subprocess.run([sheaf, "judge", path, "--json", *arguments], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout), 1000 * (time.monotonic() - start)


class Server:
    """One process for the arguments that a request cannot carry."""
    def __init__(self, sheaf, arguments):
        self.process = subprocess.Popen([sheaf, "judge", "--serve", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, text, limit, inputs):
        line = b'{"inputs":%d,"time_limit":%d,"program":%s}\n' % (inputs, limit, text)
        start = time.monotonic()
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer, 1000 * (time.monotonic() - start)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    sheaf = os.path.join(sys.argv[1], "sheaf")
    limits = [int(x) for x in sys.argv[2:]] or [50, 500, 2000]
    late = count = 0
    print(f"{'program':38} {'limit':>6} {'inputs':>6}   {'command':>8} {'serve':>8}  verdict")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.json")
        for name, (text, arguments) in hostile.programs().items():
            arguments = arguments if "--set" in arguments else (*SMALL, *arguments)
            with open(path, "wb") as file:
                file.write(text)
            server = Server(sheaf, arguments)
            server(b"[]", 60000, 1) if "large problem" not in name else None
            for limit in limits:
                for inputs in (1, 100):
                    verdict, first = by_command(sheaf, path, (*arguments, "--time-limit", str(limit), "--inputs", str(inputs)))
                    _, second = server(text, limit, inputs)
                    bad = max(first, second) > 2 * limit + 50
                    late, count = late + bad, count + 1
                    print(f"{name:38} {limit:6} {inputs:6}   {first:8.0f} {second:8.0f}  {verdict['verdict']}"
                          f" {verdict['limit'] or ''}{'  LATE' if bad else ''}", flush=True)
            server.close()
    print(f"{count - late} of {count} in time")
    return late > 0


if __name__ == "__main__":
    sys.exit(main())
