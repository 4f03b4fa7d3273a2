"""The four rules of the peers as policies of Cloud Custodian (c7n), beside whole checks of the same file with Reprieve.

    cargo build --release && python3 benches/peers/custodian.py [RESOURCES ...]

The resources are in a file, which Cloud Custodian reads itself with its resource `c7n.data` and the source `disk`: it
calls no cloud, and nothing in it is replaced. `custodian run` reads the file once for each policy. As a library, c7n
loads the same policies, the file is read once, and `filter_resources` of the manager of each policy gets that list.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

from processes import HERE, environment, reprieve, run

PACKAGE = "c7n==0.9.53"  # It requires exact versions of what it depends on.
RULES = ["kind-mismatch", "too-many-tenants", "bad-ids", "count-mismatch"]
SIZES = [1, 10, 1_000, 100_000, 1_000_000]
RUNS = 3
TENANTS = 50
MAX_TENANTS = {"hard": 60, "soft": 500}
PROBES = [
    ("nothing wrong", {}, set()),
    ("a wrong kind", {"kind": "site"}, {"kind-mismatch"}),
    ("a wrong count", {"extra": 1}, {"count-mismatch"}),
    ("an empty id", {"id": ""}, {"bad-ids"}),
    ("a duplicated id", {"id": "first"}, {"bad-ids"}),
    ("60 tenants, hard", {"rows": 60, "tenants": 60}, set()),
    ("61 tenants, hard", {"rows": 61, "tenants": 61}, {"too-many-tenants"}),
    ("500 tenants, soft", {"rows": 500, "tenants": 500, "mode": "soft"}, set()),
    ("501 tenants, soft", {"rows": 501, "tenants": 501, "mode": "soft"}, {"too-many-tenants"}),
]


def scramble(number):
    """A different number for each number: the finalizer of SplitMix64."""
    mask = (1 << 64) - 1
    mixed = (number + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return mixed ^ (mixed >> 31)


def write(folder, rows=10, mode="hard", tenants=TENANTS, extra=0, **last):
    """Writes the resources, the request, and the policies. `last` replaces members of the last resource."""
    first = f"app-{scramble(0):016x}"
    with open(folder / "resources.json", "w") as file:
        for row in range(rows):
            resource = {"id": f"app-{scramble(row):016x}", "kind": "app", "tenant": f"t-{row % tenants}"}
            if row + 1 == rows:
                resource.update(last)
                resource["id"] = first if last.get("id") == "first" else resource["id"]
            file.write(("[" if row == 0 else ",\n") + json.dumps(resource))
        file.write("]\n")
    request = {"id": "peers/1", "mode": mode, "environment": "production", "target_kind": "app"}
    request |= {"provenance": {"row_count": rows + extra}, "targets": {"path": "resources.json"}}
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "policies.json").write_text(json.dumps({"policies": policies(request)}))


def policies(request):
    """The rules. What they need of the request becomes constants, because a policy does not see the request."""

    def count(op, number):
        return {"type": "value", "value_type": "resource_count", "op": op, "value": number}

    one = {"type": "reduce", "limit": 1}  # All resources are left or none, and what is left is written.
    filters = {
        "kind-mismatch": [{"type": "value", "key": "kind", "op": "ne", "value": request["target_kind"]}],
        "too-many-tenants": [one | {"group-by": "tenant"}, count("gt", MAX_TENANTS[request["mode"]]), one],
        "bad-ids-empty": [{"type": "value", "key": "id", "value": "empty"}],
        "bad-ids-duplicate": [{"type": "reduce", "group-by": "id", "discard": 1}],
        "count-mismatch": [count("ne", request["provenance"]["row_count"]), one],
    }
    source = {"resource": "c7n.data", "source": "disk", "query": [{"path": "resources.json"}]}
    return [{"name": name, **source, "filters": filters} for name, filters in filters.items()]


def decide():
    """What a process of c7n as a library does. Prints the policies that leave resources, and the seconds of filters."""
    from c7n.config import Config
    from c7n.policy import load

    loaded = list(load(Config.empty(), "policies.json"))
    for policy in loaded:
        policy.validate()
    resources = json.loads(pathlib.Path("resources.json").read_text())
    start = time.monotonic()
    left = {policy.name: policy.resource_manager.filter_resources(resources) for policy in loaded}
    seconds = time.monotonic() - start
    print(json.dumps({"left": [name for name, resources in left.items() if resources], "seconds": seconds}))


def broken(policies):
    """The rules of policies that left a resource."""
    return {name.removesuffix("-empty").removesuffix("-duplicate") for name in policies}


def by_files(folder, _):
    """The rules that `custodian run` found violated. Its exit status does not tell."""
    left = {path.parent.name: json.loads(path.read_text()) for path in (folder / "out").glob("*/resources.json")}
    if len(left) != 5:
        sys.exit(f"{len(left)} of 5 policies wrote resources")
    return broken(name for name, resources in left.items() if resources)


class Side(NamedTuple):
    """A process that is measured."""

    name: str
    command: list[str]
    statuses: tuple[int, ...]
    rules: Callable | None  # The four rules that it found violated, of its folder and its output.


def sides(folder):
    python, check = environment(PACKAGE), [reprieve(), "check", "request.json"]
    reader = ["--from", "custodian", "--kind", "app", "--id-column", "id"]
    reader += ["--mode", "hard", "--environment", "production"]
    custodian = [python, "-m", "c7n.cli", "run", "--cache-period", "0", "-s", "out", "policies.json"]
    library = [python, str(HERE / "custodian.py"), "decide"]

    def named(_, output):
        return {rule for rule in RULES if f"peers/{rule}".encode() in output}

    return [
        Side("`reprieve check`, the four rules", [*check, "--config", "peers.toml"], (0, 1), named),
        Side("`reprieve check`, its nine policies", check, (1,), None),
        Side("`reprieve check --from custodian`", [reprieve(), "check", "resources.json", *reader], (1,), None),
        Side("`custodian run`", custodian, (0,), by_files),
        Side("c7n as a library", library, (0,), lambda _, output: broken(json.loads(output)["left"])),
    ]


def once(side, folder, expected):
    """Runs a process and checks its verdict. Returns its seconds, its memory in MiB, and its output."""
    seconds, memory, output = run(side.command, folder, side.statuses)
    if side.rules and (found := side.rules(folder, output)) != expected:
        sys.exit(f"{side.name}: {sorted(found)}, but {sorted(expected)} is right")
    return seconds, memory, output


def measure(folder, rows):
    """The medians of the runs of each side, of a request that is denied: seconds, memory, seconds of the filters."""
    write(folder, rows=rows, kind="site", extra=1)
    measured = {side.name: [] for side in sides(folder)}
    for turn in range(RUNS + 1):
        for side in sides(folder):
            seconds, memory, output = once(side, folder, {"kind-mismatch", "count-mismatch"})
            filters = json.loads(output)["seconds"] if "decide" in side.command else 0
            if turn > 0:  # The first run only fills caches.
                measured[side.name].append((seconds, memory, filters))
    return {name: [statistics.median(of) for of in zip(*runs, strict=True)] for name, runs in measured.items()}


def shown(seconds):
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def main():
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([reprieve(), "policy", "build", HERE / "policy"], check=True, stdout=sys.stderr)
        shutil.copy(HERE / "policy/build/policy.wasm", folder / "peers.wasm")
        (folder / "peers.toml").write_text('[[policy]]\nuse = "peers.wasm"\n')
        for what, recipe, expected in PROBES:
            print(f"checking {what}", file=sys.stderr)
            write(folder, **recipe)
            for side in sides(folder):
                if side.rules:
                    once(side, folder, expected)
        columns = [measure(folder, rows) for rows in sizes]
    print(f"{PACKAGE.replace('==', ' ')}, Python {sys.version.split()[0]}\n")
    print("| denied | " + " | ".join(f"{rows:,}" for rows in sizes) + " |\n|---|" + "---:|" * len(sizes))
    firsts = [next(iter(column.values())) for column in columns]
    for name in columns[0]:
        cells = [column[name] for column in columns]
        ratios = [f"{shown(cell[0])} ({cell[0] / first[0]:.3g})" for cell, first in zip(cells, firsts, strict=True)]
        print(f"| {name} | " + " | ".join(ratios) + " |")
        print("| its memory | " + " | ".join(f"{memory:,.0f} MiB" for _, memory, _ in cells) + " |")
    print("| its filters only | " + " | ".join(shown(filters) for *_, filters in cells) + " |")


if __name__ == "__main__":
    decide() if sys.argv[1:] == ["decide"] else main()
