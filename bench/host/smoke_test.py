"""Runs every host benchmark for a moment: none is missing, none fails, and the document is what Google Benchmark's compare.py reads.

    smoke_test.py PROGRAM"""
import json
import os
import subprocess
import sys

FORMS = {
    "lookup": {"shoal", "shoal_lock", "std_map"},
    "fault": {"shoal", "shoal_big_lock", "naive"},
    "map": {"shoal", "shoal_big_lock", "naive"},
    "unmap": {"shoal", "shoal_big_lock", "naive"},
    "map_touch_unmap": {"shoal", "shoal_big_lock", "naive"},
    "frames": {"shoal", "one_lock"},
    "frames_bulk": {"shoal", "one_lock"},
    "frames_huge": {"shoal"},
    "slab": {"shoal", "malloc", "malloc_one_lock"},
    "slab_remote": {"shoal", "malloc"},
    "quota": {"shoal", "one_counter"},
}
FIELDS = {"name": str, "run_name": str, "run_type": str, "iterations": int, "real_time": float, "cpu_time": float,
          "time_unit": str, "threads": int, "items_per_second": float}


def expected_names() -> set[str]:
    threads = sorted({1, min(os.cpu_count() or 1, 256)})
    return {f"{suite}/{form}/real_time/threads:{n}" for suite, forms in FORMS.items() for form in forms for n in threads}


def faults_of(entry: dict) -> list[str]:
    if entry.get("error_occurred"):
        return [f"{entry['name']}: {entry.get('error_message')}"]
    found = [f"{entry.get('name')}: no {field} of type {kind.__name__}"
             for field, kind in FIELDS.items() if not isinstance(entry.get(field), (kind, int) if kind is float else kind)]
    if not found and not entry["items_per_second"] > 0:
        found.append(f"{entry['name']}: {entry['items_per_second']} operations a second")
    return found


def main(program: str) -> int:
    done = subprocess.run([program, "--benchmark_min_time=0.001", "--benchmark_format=json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"{program} ended with status {done.returncode}")
        return 1
    document = json.loads(done.stdout)
    names = {entry["name"] for entry in document["benchmarks"]}
    found = [f"missing: {name}" for name in sorted(expected_names() - names)]
    found += [f"not expected: {name}" for name in sorted(names - expected_names())]
    found += [fault for entry in document["benchmarks"] for fault in faults_of(entry)]
    found += [f"context: no {field}" for field in ("date", "host_name", "num_cpus") if field not in document["context"]]
    print("\n".join(found) or f"{len(names)} benchmarks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
