#!/usr/bin/env python3
"""Classifies the pictures of lines START..END of pictures.csv and writes one line for each.

    python3 worker.py START:END OUTPUT

Reads from the working directory: pictures.csv, pictures/, model/model.onnx, model/labels.txt.
Writes to OUTPUT, once everything is done: id,source,[(label, score), ... five of them]
A picture that fails is skipped, counted and named on stderr. OMP_NUM_THREADS (default 1) is the number of threads.
"""

import os

THREADS = max(1, int(os.environ.setdefault("OMP_NUM_THREADS", "1")))  # numpy reads the variable when it is imported

import csv
import resource
import sys
import time
from collections import OrderedDict
from pathlib import Path

import numpy
import onnxruntime
from PIL import Image

SIDE = 224  # pixels the model looks at
SHORT_SIDE = 256  # what a picture is resized to before the centre is cut out: 224 / 0.875
DECODED_CACHE_BYTES = 64 * 1024 * 1024


class Skip(Exception):
    """This picture cannot be classified; the others can."""


class Originals:
    """Decoded originals, the latest used first to stay: most lines of a batch are crops of the same few files."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.decoded = OrderedDict()
        self.bytes = 0

    def read(self, source):
        if source in self.decoded:
            self.decoded.move_to_end(source)
            return self.decoded[source]
        try:
            with Image.open(self.folder / source) as file:
                picture = file.convert("RGB")
        except FileNotFoundError:
            raise Skip("no such file") from None
        except Exception as error:  # Pillow raises many kinds for damaged files
            raise Skip(f"cannot be decoded: {error}") from None
        self.decoded[source] = picture
        self.bytes += size_of(picture)
        while self.bytes > DECODED_CACHE_BYTES and len(self.decoded) > 1:
            self.bytes -= size_of(self.decoded.popitem(last=False)[1])
        return picture


def size_of(picture):
    return picture.width * picture.height * 3


def number(row, name, default):
    text = (row.get(name) or "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        raise Skip(f"{name} is not a number: {text!r}") from None


def cut(original, row):
    """The crop, flip and scale that the line asks for. Empty fields mean: the whole picture, as it is."""
    left, top = int(number(row, "left", 0)), int(number(row, "top", 0))
    width, height = int(number(row, "width", original.width - left)), int(number(row, "height", original.height - top))
    if width < 1 or height < 1:
        raise Skip(f"crop of {width} x {height} pixels is empty")
    if left < 0 or top < 0 or left + width > original.width or top + height > original.height:
        raise Skip(f"crop {left},{top} + {width} x {height} leaves the picture of {original.width} x {original.height}")
    picture = original.crop((left, top, left + width, top + height))
    if row.get("flip") == "horizontal":
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scale = number(row, "scale", 1.0)
    if not 0.05 <= scale <= 4:
        raise Skip(f"scale {scale} is not between 0.05 and 4")
    if scale != 1.0:
        picture = picture.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BICUBIC)
    return picture


def to_input(picture):
    """Short side to 256 pixels, the middle 224 x 224 of it, values about -1..1: what the model was trained on."""
    ratio = SHORT_SIDE / min(picture.size)
    size = (max(SIDE, round(picture.width * ratio)), max(SIDE, round(picture.height * ratio)))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    pixels = numpy.asarray(picture.crop((left, top, left + SIDE, top + SIDE)), dtype=numpy.float32)
    return ((pixels - 127) / 128).transpose(2, 0, 1)[numpy.newaxis]


class Classifier:
    def __init__(self, folder):
        self.labels = (Path(folder) / "labels.txt").read_text(encoding="utf-8").splitlines()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(Path(folder) / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def top(self, pixels, count=5):
        scores = self.session.run(None, {"input": numpy.ascontiguousarray(pixels)})[0][0]
        best = numpy.argsort(-scores, kind="stable")[:count]
        return [(self.labels[i], round(float(scores[i]), 4)) for i in best]


def read_rows(path, start, end):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if not {"id", "source"} <= set(reader.fieldnames or ()):
        raise SystemExit(f"worker: {path} needs the columns id and source, its first line is {reader.fieldnames}")
    if start >= len(rows):
        raise SystemExit(f"worker: {path} has {len(rows)} lines, nothing at {start}:{end}")
    return rows[start:end]


def classify(rows, classifier, originals, lines):
    """Appends a line for each picture that could be classified. Returns the number skipped and the seconds of both halves."""
    skipped, decoding, inferring = 0, 0.0, 0.0
    for row in rows:
        began = time.perf_counter()
        try:
            pixels = to_input(cut(originals.read(row["source"]), row))
        except Skip as reason:
            skipped += 1
            print(f"skipped {row['id']} ({row['source']}): {reason}", file=sys.stderr, flush=True)
            continue
        finally:
            decoding += time.perf_counter() - began
        began = time.perf_counter()
        lines.append(f"{row['id']},{row['source']},{classifier.top(pixels)}\n")
        inferring += time.perf_counter() - began
    return skipped, decoding, inferring


def write_atomically(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def parse_range(text):
    start, separator, end = text.partition(":")
    if separator and start.isdecimal() and end.isdecimal() and int(start) < int(end):
        return int(start), int(end)
    return None


def main(arguments):
    chosen = parse_range(arguments[0]) if len(arguments) == 2 else None
    if chosen is None:
        print("usage: worker.py START:END OUTPUT    (lines START up to, not including, END of pictures.csv)", file=sys.stderr)
        return 1
    began = time.perf_counter()
    rows = read_rows("pictures.csv", *chosen)
    classifier = Classifier("model")
    loading = time.perf_counter() - began
    lines = []
    skipped, decoding, inferring = classify(rows, classifier, Originals("pictures"), lines)
    if not lines:
        print(f"worker: none of the {len(rows)} pictures could be classified", file=sys.stderr)
        return 1
    write_atomically(Path(arguments[1]), lines)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{len(lines)} of {len(rows)} pictures classified, {skipped} skipped; "
        f"load {loading:.2f} s, decode {decoding:.2f} s, inference {inferring:.2f} s, peak memory {peak_mib} MiB, threads {THREADS}"
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:  # an input that is not there, an output that cannot be written
        sys.exit(f"worker: {error}")
