#!/usr/bin/env python3
"""Builds tree_hash:best for many sizes without a tuning record and prints cycles over
bound for each, and their geometric mean.

usage: tests/bench/sizes.py SHEAF [CONTRACT]
"""
import json
import math
import subprocess
import sys
import time


def main() -> int:
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    contract = sys.argv[2] if len(sys.argv) > 2 else "values"
    logs, wrong = [], 0
    print(f"{'height':>6} {'batch':>6} {'rounds':>6} {'cycles':>7} {'bound':>7} {'ratio':>6} {'seconds':>8}")
    for height in (8, 10, 12):
        for batch in (64, 256, 1024):
            for rounds in (8, 16, 32):
                begun = time.monotonic()
                done = subprocess.run(
                    [sys.argv[1], "run", "tree_hash:best", "--contract", contract, "--json",
                     "--set", f"height={height},batch={batch},rounds={rounds}"],
                    capture_output=True, text=True)
                seconds = time.monotonic() - begun
                if done.returncode:
                    wrong += 1
                    print(f"{height:6} {batch:6} {rounds:6} failed: {done.stderr.strip()}")
                    continue
                report = json.loads(done.stdout)
                logs.append(math.log(report["ratio"]))
                print(f"{height:6} {batch:6} {rounds:6} {report['cycles']:7} {max(report['bounds'].values()):7} "
                      f"{report['ratio']:6.3f} {seconds:8.1f}", flush=True)
    if logs:
        print(f"geometric mean of cycles over bound: {math.exp(sum(logs) / len(logs)):.4f}")
    return 1 if wrong or not logs else 0


if __name__ == "__main__":
    sys.exit(main())
