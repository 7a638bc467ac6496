#!/usr/bin/env python3
"""Makes the image of the example from files of this machine, for Docker engines that can pull nothing.

    python3 make-image.py [--name distributo/image-inference] [--cache DIR] [--tar FILE]

Takes the Python that prepare.py used, its standard library, the packages of the virtual environment and the shared
libraries all of them need (as ldd names them), and hands them to `docker import`. Does nothing if the engine already has
the image and none of these changed. --tar writes the file system to FILE instead. Linux only; elsewhere use the Dockerfile.
"""

import argparse
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABEL = "distributo.example.made-from"
PACKAGES = "/opt/packages"
CHANGES = (
    "ENV PATH=/opt/python/bin:/usr/bin:/bin",
    f"ENV PYTHONPATH={PACKAGES}",
    "ENV PYTHONUNBUFFERED=1",
    "ENV PYTHONDONTWRITEBYTECODE=1",
    "ENV LANG=C.UTF-8",
    "WORKDIR /workspace",
    'ENTRYPOINT ["python3","worker.py"]',
)
# Nobody needs these to run the worker.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip"}
SKIPPED_PACKAGES = re.compile(r"(pip|setuptools|pkg_resources|_distutils_hack|distutils-precedence)\b")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class CannotMake(Exception):
    pass


def say(text):
    print(f"image-inference: {text}", file=sys.stderr, flush=True)


def wanted(path):
    return not (path.name in SKIPPED_FOLDERS or path.name.startswith("config-") or path.suffix == ".a")


def walk(folder):
    """Files below the folder in a fixed order, links followed to what they point at."""
    for path in sorted(folder.iterdir()):
        if not wanted(path) or not path.exists():
            continue
        if path.is_dir():
            yield from walk(path)
        elif path.is_file():
            yield path


def collect_files():
    """Every file of the image: its place there, and where it is here. Must run under the prepared Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = Path(sys._base_executable).resolve()
    files = {f"/opt/python/bin/{version}": interpreter}
    library = f"/opt/python/{sys.platlibdir}/{version}"
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix, "installed_base": sys.base_prefix}
    base["installed_platbase"] = sys.base_exec_prefix
    for name in ("stdlib", "platstdlib"):
        folder = Path(sysconfig.get_path(name, vars=base))
        files.update({f"{library}/{path.relative_to(folder)}": path for path in walk(folder)})
    for name in ("purelib", "platlib"):
        folder = Path(sysconfig.get_path(name))
        for path in walk(folder):
            inside = path.relative_to(folder)
            if not SKIPPED_PACKAGES.match(inside.parts[0]):
                files[f"{PACKAGES}/{inside}"] = path
    files.update(collect_libraries([interpreter, *(path for path in files.values() if ".so" in path.suffixes)]))
    return files


def collect_libraries(binaries):
    """Shared libraries outside the packages that the binaries load, at the place where the loader looks for them."""
    listing = subprocess.run(["ldd", *map(str, binaries)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    packages = tuple(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    found = re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", listing, re.MULTILINE)
    if not found:
        raise CannotMake("ldd named no shared library. Next: use the Dockerfile.")
    return {path: Path(path) for path in found if not path.startswith(packages)}


def fingerprint(files):
    """Changes when a file that goes into the image does (by size and time), or this script."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for place, path in sorted(files.items()):
        status = path.stat()
        digest.update(f"{place} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def write_tar(files, stream):
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        folders = {"/workspace": 0o777, "/tmp": 0o1777, "/etc": 0o755}
        for place in files:
            folders.update({str(parent): 0o755 for parent in Path(place).parents if str(parent) not in ("/", "/tmp")})
        for place, mode in sorted(folders.items()):
            add(archive, place, mode, type=tarfile.DIRTYPE)
        for place, path in sorted(files.items()):
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                mode = 0o755 if status.st_mode & 0o111 else 0o644
                add(archive, place, mode, file, size=status.st_size, mtime=int(status.st_mtime))
        interpreter = next(place for place in sorted(files) if place.startswith("/opt/python/bin/"))
        for name in ("python3", "python"):
            add(archive, f"/opt/python/bin/{name}", 0o777, type=tarfile.SYMTYPE, linkname=Path(interpreter).name)
        for place, text in (("/etc/passwd", "root:x:0:0:root:/:/bin/false\n"), ("/etc/group", "root:x:0:\n")):
            add(archive, place, 0o644, io.BytesIO(text.encode()), size=len(text))


def add(archive, place, mode, file=None, **fields):
    entry = tarfile.TarInfo(place.lstrip("/"))
    entry.mode = mode
    for name, value in fields.items():
        setattr(entry, name, value)
    archive.addfile(entry, file)


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMake(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def look_up(name):
    """Id and fingerprint of the image that has this name, or two empty strings."""
    template = '{{.Id}} {{with index .Config.Labels "' + LABEL + '"}}{{.}}{{end}}'
    try:
        identity, _, mark = docker("image", "inspect", "--format", template, name).partition(" ")
    except CannotMake:
        return "", ""
    return identity, mark


def import_image(name, files, mark):
    changes = [part for change in (*CHANGES, f"LABEL {LABEL}={mark}") for part in ("--change", change)]
    with subprocess.Popen(
        ["docker", "import", *changes, "-", name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as importing:
        try:
            write_tar(files, importing.stdin)
            importing.stdin.close()
        except BrokenPipeError:
            pass  # docker says why below
        problem = importing.stderr.read().decode(errors="replace").strip()
    if importing.returncode != 0:
        raise CannotMake(f"docker import {name}: {problem}")


def make_image(name):
    if shutil.which("docker") is None:
        raise CannotMake("the docker command is not on PATH. Next: install it (Debian: docker.io), or use --tar FILE.")
    here, there = ARCHITECTURES.get(platform.machine(), platform.machine()), docker("version", "--format", "{{.Server.Arch}}")
    if here != there:
        raise CannotMake(f"the Docker engine runs {there}, this machine {here}: files of one do not run on the other.")
    files = collect_files()
    mark = fingerprint(files)
    before, mark_before = look_up(name)
    if mark == mark_before:
        say(f"image {name} is up to date")
        return
    say(f"making image {name} from {len(files)} local files")
    import_image(name, files, mark)
    if before:
        subprocess.run(["docker", "image", "rm", before], capture_output=True)  # kept if anything still uses it


def main():
    parser = argparse.ArgumentParser(description="Makes the image of the example from files of this machine.")
    parser.add_argument("--name", default="distributo/image-inference", help="default: %(default)s")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", metavar="DIR", help="what prepare.py made")
    parser.add_argument("--tar", type=Path, metavar="FILE", help="write the file system to FILE instead of importing it")
    options = parser.parse_args()
    if platform.system() != "Linux":
        say("only Linux files make a Linux image. Next: docker build -t distributo/image-inference " + str(HERE))
        return 1
    venv = options.cache.resolve() / "venv"
    if Path(sys.prefix) != venv:
        if not (options.cache / "prepared.json").exists():
            say(f"{options.cache} is not prepared. Next: python3 {HERE / 'prepare.py'}")
            return 1
        os.execv(venv / "bin/python3", [str(venv / "bin/python3"), *sys.argv])
    try:
        if options.tar:
            with open(options.tar, "wb") as stream:
                write_tar(collect_files(), stream)
        else:
            make_image(options.name)
    except (CannotMake, OSError) as problem:
        say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
