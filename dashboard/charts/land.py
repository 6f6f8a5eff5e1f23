"""Where the land is, as dots: drawn without asking anybody for outlines.

A cell of 2.5° holds a dot where some airport of the world lies in it (`airportsdata`), or where nearly all of its neighbours do.
"""

from __future__ import annotations

from collections.abc import Iterator

STEP = 2.5  # [degrees]
NORTH = 75.0  # upper edge of the first row
COLUMNS = 144  # from 180° W on

# One row of cells each, from north to south; the highest bit is the westernmost cell.
ROWS: tuple[str, ...] = (
    "000000002480400000000000008000000000",
    "01fe0480000820020800f808380084121000",
    "87fee24469023000000ffe458630080520a8",
    "9ffffe8574043043e00fffffefb008404880",
    "3ffffff872481003e03ffffe678085c24809",
    "07ffffff20f80c00053ffffc771e9d9403b0",
    "07f5ffffe0cc0000073ffffe387f7c204900",
    "1fa07ffff8c180000f3ffffca57cf9410260",
    "0e001ffffdffc0001fffffffd5787ca7c104",
    "60000fffffffc0000ffffffb2ab47ff3c000",
    "000007ffffffe00007fffff11599efff8000",
    "000003ffffffc00007fffffcc3fac7ffc000",
    "000003fffffe80000ffffffdfffc6ffff000",
    "000003fffff800000ffffffffffcfff18000",
    "000003ffffe0001c0ffffffffff1fff18000",
    "000001ffffc000040fffffffff87ffff8000",
    "000001ffffc000004fffffffff03ffff0000",
    "0000007fff0200000fffffffff83ff880000",
    "4000007fff000000fdffffffffefff900000",
    "0000001fc3c0000070febffffffffff80000",
    "0400001f83e0000070345fff3fffffe08400",
    "00c00007cff0000070828fff1feffc800000",
    "00400013ffff000078f51fff07c7f8802020",
    "00000000ff0300067ff89ffc0787f9802000",
    "000000001f1380027ffffffc0787f0c06000",
    "0000000007ff00007ffffff80b07f1e10098",
    "0000000007ff80003ffffff00387e1e10038",
    "0100000000ffe0001ffffff00587e3e40958",
    "0180000000fff0000d3fffe00403ffe00004",
    "0040000001fff000003fffe00403fff00004",
    "0000000019fffe00001fff800401ffff2026",
    "1000000001ffff90001fff820000ffffcc02",
    "0000000001ffffe0000fff0608003fffff00",
    "0081800000ffffe02007ff2000001fffff81",
    "0100000000ffffc00007fffa000220fffda2",
    "f80d8000007fff800007fff80000007fe030",
    "f01f8000007fff80040ffff00000007fe031",
    "e88bc000001fff800007fe70400000ffe07b",
    "e0d0c000001fff000007fe73000007fff870",
    "00082000001fff000007fe70000007fff820",
    "00000008011ff8000003fc20000007fffc00",
    "00000000001ff8000003f800000007fffc10",
    "00000000001ff0000001f800000003fffd00",
    "00000000009fe0000001f000000003c7f800",
    "00000000003fc0000000000000000003f806",
    "00000000003f80000000000000000000f007",
    "00000000003e00000000000000000000700e",
    "40000000003c00000000000000000000301c",
    "00000000003c000000000000000000000018",
    "00000000003c000000000000000000000000",
    "000000000038800000000000000000000000",
    "00000000001c000000000000000000000000",
    "000000000000000000000000000000000000",
)


def dots() -> Iterator[tuple[float, float]]:
    """Yield longitude and latitude of each dot."""
    for down, row in enumerate(ROWS):
        bits = int(row, 16)
        for across in range(COLUMNS):
            if bits >> (COLUMNS - 1 - across) & 1:
                yield -180 + (across + 0.5) * STEP, NORTH - (down + 0.5) * STEP
