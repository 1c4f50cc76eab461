"""Runs kzstance and its peers on the same texts, in turn, and writes what they took: see run.sh and README.md."""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import settings
import texts
from sklearn_fit import polar_f1

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GRID = "0.0625,0.125,0.25,0.5,1,2,4,8,16"  # kzstance's default
SECTIONS = ["scoring", "process", "training", "start", "growth"]
PEERS = ["scikit-learn", "fastText", "Vowpal Wabbit"]


class Bench:
    """What every section needs: the programs, the folder of work, how often to repeat."""

    def __init__(self, args):
        self.args = args
        self.work = ROOT / "target" / "peers" / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.kzstance = ROOT / "target" / "release" / "kzstance"
        self.runs = 1 if args.quick else args.runs
        self.chosen = settings.read()

    def has(self, peer):
        return peer not in self.args.skip

    def path(self, name):
        return str(self.work / name)

    def measure(self, command, cores=1):
        """Runs a command on the first `cores` cores: wall and CPU seconds, peak bytes, and what it printed."""
        report = self.path("measured.json")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": str(cores)}
        launcher = [sys.executable, "-I", "-S", str(HERE / "measure.py"), report, f"0-{cores - 1}" if cores > 1 else "0"]
        done = subprocess.run(launcher + [str(part) for part in command], env=environment, stdout=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"this failed: {' '.join(map(str, command))}")
        with open(report, encoding="utf-8") as file:
            return {**json.load(file), "printed": done.stdout.decode()}

    def in_turn(self, commands, runs=None):
        """Runs `{name: (command, cores)}` in turn, several times over; for each name a list of what was measured."""
        found = {name: [] for name in commands}
        for _ in range(runs or self.runs):
            for name, (command, cores) in commands.items():
                found[name].append(self.measure(command, cores))
                told = name if isinstance(name, str) else " ".join(map(str, name))
                tell(f"  {told}: {found[name][-1]['wall']:.2f} s")
        return found

    def peer(self, script, *rest):
        return [sys.executable, HERE / f"{script}_peer.py", *rest]

    def train_ours(self, data, model, cores):
        return [self.kzstance, "train", data, "--axis", "sentiment", "-o", model, "--force", "--quiet", "--threads", cores]

    def score_ours(self, data, model, out, cores):
        return [self.kzstance, "score", data, "-m", model, "--format", "jsonl", "-o", out, "--quiet", "--threads", cores]


def tell(what):
    print(what, file=sys.stderr, flush=True)


def middle(found, key):
    return statistics.median(one[key] for one in found)


def summary(found):
    """Median and least of wall seconds, median of CPU seconds and of peak bytes."""
    return {"wall": middle(found, "wall"), "wall_min": min(one["wall"] for one in found), "cpu": middle(found, "cpu"),
            "rss": middle(found, "rss"), "runs": len(found)}


def machine():
    """The processor, its cores here, the memory."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*:\s*(.*)", file.read())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = found.group(1).strip() if found else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def prepare(bench):
    """Labelled rows with kzstance's folds, unseen texts, and one model of each system."""
    args = bench.args
    rows = texts.labelled(args.data)
    tweets = texts.unseen(args.data, [row["text"] for row in rows])
    if args.quick:
        rows = rows[::4]
    texts.write_json(bench.path("train.jsonl"), rows)
    plain = [text for text, _ in tweets]
    most = 600_000 if args.quick else 1 << 40
    kinds = {"tweets": texts.first_bytes(plain, most), "articles": texts.first_bytes(texts.articles(plain), most)}
    bench.sizes = {}
    for kind, found in kinds.items():
        unlabelled = [{"id": str(at), "text": text} for at, text in enumerate(found)]
        bench.sizes[kind] = {"documents": len(found), "bytes": sum(len(text.encode()) for text in found)}
        texts.write_json(bench.path(f"{kind}.jsonl"), unlabelled)
        texts.write_fasttext(bench.path(f"{kind}.txt"), unlabelled)
        for name, chosen in bench.chosen["Vowpal Wabbit"].items():
            texts.write_vw(bench.path(f"{kind}.{name}.vw"), unlabelled, chosen["chars"])
    texts.write_json(bench.path("one.jsonl"), [{"id": "one", "text": (HERE / "article.txt").read_text("utf-8")}])
    texts.write_fasttext(bench.path("one.txt"), texts.read_json(bench.path("one.jsonl")))
    for name, chosen in bench.chosen["Vowpal Wabbit"].items():
        texts.write_vw(bench.path(f"one.{name}.vw"), texts.read_json(bench.path("one.jsonl")), chosen["chars"])
    bench.rows, bench.tweets = rows, tweets

    tell("kzstance: folds, and predictions of each by the others")
    command = [bench.kzstance, "evaluate", bench.path("train.jsonl"), "--folds", "5", "--brief", "--json", "--quiet",
               "--axis", "sentiment", "--seed", "2022"]
    axis = json.loads(subprocess.check_output(command))["axes"][0]
    made = {one["id"]: one for one in axis["predictions"]}
    for row in rows:
        row["fold"] = made[row["id"]]["fold"]
    bench.ours_f1 = polar_f1([row["sentiment"] for row in rows], [made[row["id"]]["predicted"] for row in rows],
                             ["positive", "negative"])
    texts.write_json(bench.path("folds.jsonl"), rows)
    bench.models = {"kzstance": bench.path("model.kzm")}
    bench.measure(bench.train_ours(bench.path("train.jsonl"), bench.models["kzstance"], 1))
    if bench.has("scikit-learn"):
        bench.models["scikit-learn"] = bench.path("model.joblib")
        if "training" not in args.only:  # else it is trained there first
            bench.measure(bench.peer("sklearn", "train", bench.path("folds.jsonl"), bench.models["scikit-learn"], 2, "0.5"), 2)
    for peer, script, suffix in (("fastText", "fasttext", "bin"), ("Vowpal Wabbit", "vw", "vw")):
        for name, chosen in bench.chosen[peer].items() if bench.has(peer) else ():
            data = bench.path(f"train.{name}.{suffix}.in")
            if peer == "fastText":
                texts.write_fasttext(data, rows, chosen["even"])
            else:
                texts.write_vw(data, rows, chosen["chars"], chosen["even"])
            bench.models[f"{peer}, {name}"] = bench.path(f"{name}.{suffix}")
            bench.measure(bench.peer(script, "train", data, bench.path(f"{name}.{suffix}"), json.dumps(chosen)))


def variants(bench, peer):
    """The names of the settings of a peer, unless it is skipped."""
    return bench.chosen[peer] if bench.has(peer) else {}


def scoring(bench):
    """Megabytes of text a second, in process, one core."""
    program = next(line["executable"] for line in map(json.loads, subprocess.check_output(
        ["cargo", "bench", "--quiet", "--locked", "--bench", "scoring", "--no-run", "--message-format=json"],
        cwd=ROOT).splitlines()) if line.get("executable") and line["target"]["name"] == "scoring")
    found = {}
    for kind, size in bench.sizes.items():
        tell(f"scoring in process, {kind}")
        commands = {"kzstance": ([program, bench.models["kzstance"], bench.path(f"{kind}.jsonl"), 5], 1)}
        if bench.has("scikit-learn"):
            commands["scikit-learn"] = (bench.peer(
                "sklearn", "inprocess", bench.models["scikit-learn"], bench.path(f"{kind}.jsonl"), 1), 1)
        for name in variants(bench, "fastText"):
            key = f"fastText, {name}"
            commands[key] = (bench.peer("fasttext", "inprocess", bench.models[key], bench.path(f"{kind}.txt"), 5), 1)
        for name in variants(bench, "Vowpal Wabbit"):
            key = f"Vowpal Wabbit, {name}"
            commands[key] = (bench.peer("vw", "inprocess", bench.models[key], bench.path(f"{kind}.{name}.vw"), 5), 1)
        for name, measured in bench.in_turn(commands).items():
            printed = [json.loads(one["printed"]) for one in measured]
            passes = {name: [s for one in printed for s in one["seconds"]]} if name != "kzstance" else {
                f"kzstance, {cache}": [s for one in printed for s in one[cache]["seconds"]] for cache in ("cold", "warm")}
            for system, seconds in passes.items():
                found.setdefault(system, {})[kind] = {
                    "best": size["bytes"] / min(seconds) / 1e6, "median": size["bytes"] / statistics.median(seconds) / 1e6}
    return {"sizes": bench.sizes, "systems": found}


def score_commands(bench, kind, cores):
    """Whole processes that read a file of texts and write their probabilities."""
    out = bench.path("scored")
    commands = {"kzstance": bench.score_ours(bench.path(f"{kind}.jsonl"), bench.models["kzstance"], out, cores)}
    if bench.has("scikit-learn"):
        commands["scikit-learn"] = bench.peer(
            "sklearn", "score", bench.models["scikit-learn"], bench.path(f"{kind}.jsonl"), out, cores)
    if cores == 1:  # fastText scores on one
        for name in variants(bench, "fastText"):
            key = f"fastText, {name}"
            commands[key] = bench.peer("fasttext", "score", bench.models[key], bench.path(f"{kind}.txt"), out)
    for name in variants(bench, "Vowpal Wabbit"):
        key = f"Vowpal Wabbit, {name}"
        commands[key] = [sys.executable, "-m", "vowpalwabbit", "--quiet", "-t", "-i", bench.models[key], "-d",
                         bench.path(f"{kind}.{name}.vw"), "-p", out, "--probabilities"]
    return commands


def process(bench):
    """Whole processes on one core and on two."""
    found = {}
    for kind in bench.sizes:
        tell(f"scoring, whole processes, {kind}")
        commands = {(name, cores): (command, cores) for cores in (1, 2)
                    for name, command in score_commands(bench, kind, cores).items()}
        for (name, cores), measured in bench.in_turn(commands).items():
            found.setdefault(name, {}).setdefault(str(cores), {})[kind] = summary(measured)
    return {"sizes": bench.sizes, "systems": found}


def training(bench):
    """Training with the choice of C against scikit-learn's; one fit of the others at settings found before."""
    tell("training")
    commands = {}
    for cores in (1, 2):
        commands["kzstance", cores] = (
            bench.train_ours(bench.path("train.jsonl"), bench.path(f"again{cores}.kzm"), cores), cores)
        if bench.has("scikit-learn"):
            commands["scikit-learn", cores] = (bench.peer("sklearn", "train", bench.path("folds.jsonl"),
                                                          bench.models["scikit-learn"], cores, GRID), cores)
        for peer, script, suffix in (("fastText", "fasttext", "bin"), ("Vowpal Wabbit", "vw", "vw")):
            for name, chosen in variants(bench, peer).items():
                key = f"{peer}, {name}"
                chosen = {**chosen, "thread": cores} if peer == "fastText" else chosen
                commands[key, cores] = (bench.peer(script, "train", bench.path(f"train.{name}.{suffix}.in"),
                                                   bench.models[key], json.dumps(chosen)), cores)
    found = {}
    for (name, cores), measured in bench.in_turn(commands).items():
        found.setdefault(name, {})[str(cores)] = summary(measured)
        if name == "scikit-learn":
            found[name].update(json.loads(measured[-1]["printed"]))
    found["kzstance"]["f1"] = bench.ours_f1
    for peer, script in (("fastText", "fasttext"), ("Vowpal Wabbit", "vw")):
        for name, chosen in variants(bench, peer).items():
            tell(f"  {peer}, {name}: five folds")
            printed = bench.measure(bench.peer(
                script, "validate", bench.path("folds.jsonl"), json.dumps(chosen), bench.work))["printed"]
            found[f"{peer}, {name}"]["f1"] = json.loads(printed)["f1"]
    for name, one in found.items():
        one["model"] = os.path.getsize(bench.models[name])
    return {"rows": len(bench.rows), "bytes": sum(len(row["text"].encode()) for row in bench.rows),
            "systems": found, "tried": bench.chosen["tried"]}


def start(bench):
    """From nothing to the scores of one article."""
    tell("start-up")
    commands = {name: (command, 1) for name, command in score_commands(bench, "one", 1).items()}
    shipped = ROOT / "models" / "kz-intervention.kzm"
    ours = {"kzstance, shipped model": (bench.score_ours(bench.path("one.jsonl"), shipped, bench.path("scored"), 1), 1)}
    found = bench.in_turn({**ours, **commands}, runs=3 if bench.args.quick else 20)
    return {name: summary(measured) for name, measured in found.items()}


def growth(bench):
    """Seconds and peak memory of whole processes against the number of texts, one core."""
    most = {"score": 10**4 if bench.args.quick else 10**6, "train": 10**3 if bench.args.quick else 10**5}
    peer_most = {"score": most["score"] if bench.args.quick else 10**5, "train": 10**3 if bench.args.quick else 10**4}
    if bench.args.full:
        most["train"], peer_most["train"] = 10**6, 10**5
    found = {}
    for exponent in range(3, 7):
        n = 10**exponent
        if n > max(most.values()):
            break
        tell(f"growth, {n} texts")
        rows = [{"id": str(at), "text": text, "sentiment": label}
                for at, (text, label) in enumerate(texts.grown(bench.tweets, n))]
        data, out = bench.path("grown.jsonl"), bench.path("scored")
        texts.write_json(data, rows)
        size = sum(len(row["text"].encode()) for row in rows)
        types = len({word for row in rows for word in row["text"].split()})
        del rows
        commands = {}
        if n <= most["score"]:
            commands["kzstance", "score"] = (bench.score_ours(data, bench.models["kzstance"], out, 1), 1)
        if n <= peer_most["score"] and bench.has("scikit-learn"):
            commands["scikit-learn", "score"] = (
                bench.peer("sklearn", "score", bench.models["scikit-learn"], data, out, 1), 1)
        if n <= most["train"]:
            train = bench.train_ours(data, bench.path("grown.kzm"), 1)
            train[train.index("sentiment")] = "sentiment=positive,negative"
            commands["kzstance", "train"] = (train, 1)
        if n <= peer_most["train"] and bench.has("scikit-learn"):
            commands["scikit-learn", "train"] = (bench.peer("sklearn", "train", data, bench.path("grown.joblib"), 1, GRID), 1)
        measured = bench.in_turn(commands, bench.runs if n <= 10**4 else 1)
        for (name, what), each in measured.items():
            one = {"n": n, "bytes": size, "types": types, **summary(each)}
            found.setdefault(name, {}).setdefault(what, []).append(one)
        os.remove(data)
    return found


def check_peers(args):
    """Stops where a peer is missing, unless it is to be left out."""
    for peer, module in (("scikit-learn", "sklearn"), ("fastText", "fasttext"), ("Vowpal Wabbit", "vowpalwabbit")):
        if peer not in args.skip:
            done = subprocess.run([sys.executable, "-c", f"import {module}"], stderr=subprocess.PIPE)
            if done.returncode:
                sys.exit(f"{peer} does not load: {done.stderr.decode().strip().splitlines()[-1]}; "
                         f"mend target/peers-venv, or leave it out by --skip '{peer}'")


def versions(args):
    """What is compared, with versions."""
    kzstance = subprocess.check_output([ROOT / "target" / "release" / "kzstance", "--version"]).decode().split()[1]
    packages = {"scikit-learn": "scikit-learn", "fastText": "fasttext-wheel", "Vowpal Wabbit": "vowpalwabbit"}
    return {"kzstance": kzstance, **{peer: version(packages[peer]) for peer in PEERS if peer not in args.skip},
            "Python": platform.python_version()}


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("data", nargs="?", default=str(ROOT.parent / "data"),
                        help="folder with arsarcasm/train.csv and motaz/*.tsv (default: data beside the checkout)")
    parser.add_argument("--quick", action="store_true", help="few texts, one run: to see that it works")
    parser.add_argument("--full", action="store_true", help="also train on 10^6 texts, scikit-learn on 10^5")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--skip", action="append", default=[], choices=PEERS, help="leave a peer out; may be repeated")
    parser.add_argument("--only", type=lambda names: names.split(","), default=SECTIONS,
                        help=f"some of {','.join(SECTIONS)}: the others stay as they were measured last")
    parser.add_argument("--tune", action="store_true",
                        help="try all settings of fastText and Vowpal Wabbit again, and keep the best in settings.json")
    parser.add_argument("--results", default=str(ROOT / "target" / "peers" / "results.json"))
    parser.add_argument("--report", default=str(ROOT / "BENCHMARKS.md"), help="the file with the two markers")
    args = parser.parse_args()
    if unknown := set(args.only) - set(SECTIONS):
        parser.error(f"--only: there is no {unknown.pop()}; there are {', '.join(SECTIONS)}")
    if not Path(args.data, "arsarcasm", "train.csv").exists() or not list(Path(args.data, "motaz").glob("*.tsv")):
        parser.error(f"{args.data}: no arsarcasm/train.csv or no motaz/*.tsv; name the folder that has them")
    return args


def main():
    args = arguments()
    check_peers(args)
    bench = Bench(args)
    prepare(bench)
    if args.tune:
        settings.tune(bench)
        bench = Bench(args)
        prepare(bench)
    results = {}
    if args.only != SECTIONS and os.path.exists(args.results):
        with open(args.results, encoding="utf-8") as file:
            results = json.load(file)
    results.update(machine=machine(), versions=versions(args), quick=args.quick, runs=bench.runs)
    order = sorted(args.only, key=["training", "scoring", "process", "start", "growth"].index)
    for section in order:
        results[section] = globals()[section](bench)
        with open(args.results, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    shutil.rmtree(bench.work)
    subprocess.run([sys.executable, HERE / "section.py", args.results, args.report], check=True)


main()
