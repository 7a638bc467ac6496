#!/usr/bin/env python3
"""Writes pictures.csv: 1,000 lines, the same ones every time. The file is committed; run this only to change it.

    python3 make-pictures.py > pictures.csv

The first lines are the originals as they are, the others a crop, flip and scale of one of them. Five are broken on
purpose, each in its own way, to show that a picture that fails is skipped and counted and the batch goes on.
"""

import csv
import random
import sys

LINES = 1000
ORIGINALS = {  # name: (width, height)
    "astronaut.png": (512, 512),
    "brick.png": (512, 512),
    "chelsea.png": (451, 300),
    "china.jpg": (640, 427),
    "clock_motion.png": (400, 300),
    "coffee.png": (600, 400),
    "coins.png": (384, 303),
    "flower.jpg": (640, 427),
    "grass.png": (512, 512),
    "hubble_deep_field.jpg": (1000, 872),
    "motorcycle_left.png": (741, 500),
    "motorcycle_right.png": (741, 500),
    "rocket.jpg": (640, 427),
}
SCALES = ("0.5", "0.75", "", "1.25", "1.5")
BROKEN = {  # line: source, left, top, width, height
    73: ("lost.png", 0, 0, 100, 100),  # no such file
    248: ("truncated.jpg", "", "", "", ""),  # a JPEG that ends too early
    415: ("orb_descriptor_positions.txt", "", "", "", ""),  # not a picture at all
    830: ("coffee.png", 500, 100, 200, 200),  # 100 pixels beyond the right edge
    877: ("chelsea.png", 120, 80, 0, 200),  # no pixel wide
}


def make_rows():
    dice = random.Random(2016)

    def below(limit):
        return int(dice.random() * limit)  # random() alone is promised to stay the same in every Python

    names = sorted(ORIGINALS)
    for line in range(LINES):
        if line in BROKEN:
            yield (line, *BROKEN[line], "", "")
        elif line < len(names):
            yield (line, names[line], "", "", "", "", "", "")
        else:
            name = names[below(len(names))]
            full_width, full_height = ORIGINALS[name]
            share = 0.55 + 0.4 * dice.random()
            width, height = int(full_width * share), int(full_height * share)
            left, top = below(full_width - width + 1), below(full_height - height + 1)
            flip = ("", "horizontal")[below(2)]
            yield (line, name, left, top, width, height, flip, SCALES[below(len(SCALES))])


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("id", "source", "left", "top", "width", "height", "flip", "scale"))
    for row in make_rows():
        writer.writerow((f"picture-{row[0]:04d}", *row[1:]))
