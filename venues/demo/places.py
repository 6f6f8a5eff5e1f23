"""The stations of the demo world, with its own constants: nothing is shared with the registry it will be compared to."""

from __future__ import annotations

from venues.demo.stations import Climate, Station

Row = tuple[str, float, float, int, str, str, int, tuple[int, ...], bool, float, tuple[float, float, float], Climate]

_NY, _CHICAGO, _DENVER, _PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_HALF, _TWENTY = (0, 30), (20, 50)
_AIR = {"KNYC": "KLGA", "KMDW": "KORD", "VHHH": "HKO", "KDFW": "KDAL"}  # a few kilometres apart: one weather

_DEFAULT: tuple[Row, ...] = (
    ("EGLC", 51.505, 0.055, 5, "London City Arpt, EN, GB", "Europe/London", 0, _TWENTY, False, 0.004, (51.5, 0.0, 5.0),
     Climate((13.0, -6.3, -2.8), 6.2, (3.0, 3.2), 3.0, 0.05, 14.6, 0.9)),
    ("KLGA", 40.7795, -73.8803, 9, "New York/La Guardia Arpt, NY, US", _NY, -5, (51,), True, 0.06, (40.76809, -73.862785, 1.0),
     Climate((14.6, -10.8, -4.8), 6.0, (4.4, 3.1), 4.5, 0.10, 14.6, 1.05)),
    ("KMIA", 25.788, -80.3169, 4, "Miami Intl, FL, US", _NY, -5, (53,), True, 0.06, (25.786118, -80.3125, 3.0),
     Climate((26.1, -3.7, -1.7), 5.8, (2.8, 1.5), 1.5, 0.50, 12.6, 0.75)),
    ("KORD", 41.9602, -87.9316, 202, "Chicago/O'Hare Intl, IL, US", _CHICAGO, -6, (51,), True, 0.07, (41.96836, -87.91709, 203.0),
     Climate((11.9, -12.6, -4.8), 7.4, (5.4, 3.9), 6.0, 0.15, 14.4, 1.2)),
    ("RJTT", 35.553, 139.781, 8, "Tokyo/Haneda Intl, TY, JP", "Asia/Tokyo", 9, _HALF, False, 0.03, (35.55, 139.8125, 5.0),
     Climate((18.0, -9.6, -5.4), 5.4, (2.4, 2.5), 2.5, 0.12, 13.2, 0.95)),
    ("RKSI", 37.469, 126.45, 7, "Seoul/Incheon Intl, IN, KR", "Asia/Seoul", 9, _HALF, False, 0.005, (37.5, 126.4375, 6.0),
     Climate((13.4, -12.8, -5.8), 6.2, (3.6, 2.4), 3.5, 0.06, 13.8, 1.05)),
    ("EDDM", 48.348, 11.813, 446, "Munich Arpt, BY, DE", "Europe/Berlin", 1, _TWENTY, False, 0.005, (48.36, 11.78, 449.0),
     Climate((9.8, -9.8, -4.0), 8.4, (4.0, 3.7), 4.0, 0.20, 14.9, 1.05)),
    ("LFPB", 48.968, 2.428, 66, "Paris/Le Bourget Arpt, IF, FR", "Europe/Paris", 1, _HALF, False, 0.005, (48.96, 2.44, 51.0),
     Climate((12.4, -7.8, -3.4), 8.0, (3.5, 3.6), 3.5, 0.10, 15.4, 1.0)),
    ("ZSPD", 31.143, 121.805, 4, "Shanghai/Pudong Intl, SH, CN", "Asia/Shanghai", 8, _HALF, False, 0.01, (31.125, 121.8125, 4.0),
     Climate((17.0, -11.3, -6.0), 6.4, (3.5, 2.7), 4.0, 0.15, 13.4, 1.0)),
    ("WSSS", 1.368, 103.982, 16, "Singapore/Changi Intl, SG", "Asia/Singapore", 8, _HALF, False, 0.03, (1.375, 104.0, 9.0),
     Climate((28.1, -0.7, 0.2), 6.0, (0.9, 0.8), 0.4, 0.45, 14.2, 0.65)),
    ("NZWN", -41.327, 174.805, 12, "Wellington Intl, WG, NZ", "Pacific/Auckland", 12, _HALF, False, 0.004, (-41.3125, 174.8125, 8.0),
     Climate((13.4, 3.9, 1.7), 5.2, (2.3, 2.2), 3.0, 0.06, 13.8, 1.0)),
    ("LTFM", 41.262, 28.727, 99, "Istanbul New Arpt, IB, TR", "Europe/Istanbul", 3, _TWENTY, False, 0.01, (41.25, 28.75, 87.0),
     Climate((14.6, -9.4, -5.0), 6.4, (3.5, 2.4), 3.5, 0.08, 14.8, 1.0)),
    ("HKO", 22.302, 114.174, 32, "Hong Kong Observatory, HK", "Asia/Hong_Kong", 8, (), False, 0.0, (22.25, 114.125, 40.0),
     Climate((23.7, -5.8, -3.4), 4.6, (2.4, 1.3), 2.5, 0.30, 13.8, 0.75)),
    ("KNYC", 40.7789, -73.9692, 47, "New York City/Central Park, NY, US", _NY, -5, (51,), True, 0.05, (40.78, -73.97, 33.0),
     Climate((13.9, -11.2, -4.7), 7.4, (4.4, 3.1), 4.5, 0.11, 14.4, 1.05)),
    ("KMDW", 41.7841, -87.7551, 188, "Chicago/Midway Intl, IL, US", _CHICAGO, -6, (53,), True, 0.07, (41.78, -87.75, 186.0),
     Climate((12.2, -12.6, -4.8), 7.6, (5.4, 3.9), 6.0, 0.15, 14.4, 1.2)),
    ("KAUS", 30.1831, -97.6799, 148, "Austin/Bergstrom Intl, TX, US", _CHICAGO, -6, (53,), True, 0.04, (30.19, -97.67, 145.0),
     Climate((20.8, -9.2, -3.4), 11.2, (5.2, 2.0), 6.0, 0.20, 15.4, 1.0)),
    ("KDEN", 39.8466, -104.6562, 1646, "Denver Intl, CO, US", _DENVER, -7, (53,), True, 0.05, (39.85, -104.66, 1655.0),
     Climate((10.9, -11.4, -4.6), 13.6, (6.0, 3.8), 6.0, 0.25, 14.2, 1.3)),
    ("KLAX", 33.9382, -118.3866, 32, "Los Angeles Intl, CA, US", _PACIFIC, -8, (53,), True, 0.02, (33.94, -118.4, 33.0),
     Climate((17.5, -3.0, -2.6), 6.4, (2.2, 1.9), 0.8, 0.01, 12.6, 0.8)),
)  # fmt: skip
_FURTHER: tuple[Row, ...] = (
    ("LEMD", 40.467, -3.568, 609, "Madrid/Barajas Arpt, MD, ES", "Europe/Madrid", 1, _HALF, False, 0.01, (40.48, -3.56, 600.0),
     Climate((15.2, -9.8, -4.2), 12.4, (3.0, 3.1), 3.0, 0.05, 16.0, 0.95)),
    ("EHAM", 52.315, 4.790, -3, "Amsterdam/Schiphol Arpt, NH, NL", "Europe/Amsterdam", 1, (25, 55), False, 0.004,
     (52.3, 4.76, -3.0), Climate((11.2, -6.6, -3.4), 6.6, (3.2, 3.3), 3.0, 0.08, 15.0, 1.0)),
    ("LIMC", 45.630, 8.723, 234, "Milan/Malpensa Arpt, LM, IT", "Europe/Rome", 1, _TWENTY, False, 0.01, (45.64, 8.72, 230.0),
     Climate((13.0, -10.6, -4.0), 10.0, (2.8, 2.6), 2.5, 0.20, 15.2, 1.0)),
    ("EPWA", 52.163, 20.961, 110, "Warsaw/Chopin Arpt, MZ, PL", "Europe/Warsaw", 1, _HALF, False, 0.005, (52.17, 20.96, 107.0),
     Climate((9.6, -10.8, -4.2), 8.0, (4.4, 3.6), 4.0, 0.15, 14.6, 1.05)),
    ("CYYZ", 43.677, -79.631, 173, "Toronto/Pearson Intl, ON, CA", "America/Toronto", -5, (0,), False, 0.08, (43.68, -79.63, 170.0),
     Climate((9.4, -12.4, -5.0), 8.4, (5.0, 3.6), 5.0, 0.12, 14.8, 1.15)),
    ("SAEZ", -34.822, -58.536, 20, "Buenos Aires/Ezeiza Intl, BA, AR", "America/Argentina/Buenos_Aires", -3, (0,), False, 0.02,
     (-34.8125, -58.5, 18.0), Climate((17.2, 6.8, 2.4), 10.4, (3.4, 3.2), 4.5, 0.12, 15.6, 1.05)),
    ("SBGR", -23.432, -46.470, 750, "Sao Paulo/Guarulhos Intl, SP, BR", "America/Sao_Paulo", -3, (0,), False, 0.03,
     (-23.4375, -46.5, 743.0), Climate((20.2, 3.0, 1.2), 9.0, (2.6, 2.6), 3.5, 0.30, 14.2, 1.0)),
    ("ZBAA", 40.080, 116.585, 35, "Beijing/Capital Intl, BJ, CN", "Asia/Shanghai", 8, _HALF, False, 0.01, (40.0625, 116.5625, 34.0),
     Climate((13.2, -14.6, -4.6), 10.4, (3.4, 2.8), 4.0, 0.15, 14.8, 1.0)),
    ("RKPK", 35.180, 128.938, 2, "Busan/Gimhae Intl, KB, KR", "Asia/Seoul", 9, _HALF, False, 0.01, (35.1875, 128.9375, 3.0),
     Climate((15.6, -10.6, -5.2), 7.6, (3.0, 2.2), 3.0, 0.08, 13.6, 1.0)),
    ("LTAC", 40.124, 32.999, 950, "Ankara/Esenboga Arpt, AN, TR", "Europe/Istanbul", 3, _TWENTY, False, 0.02, (40.125, 33.0, 953.0),
     Climate((11.8, -11.0, -4.6), 12.6, (3.8, 2.8), 3.5, 0.15, 15.2, 1.05)),
    ("KATL", 33.640, -84.427, 307, "Atlanta/Hartsfield-Jackson Intl, GA, US", _NY, -5, (52,), True, 0.05, (33.64, -84.43, 306.0),
     Climate((17.6, -9.4, -3.4), 9.6, (4.6, 2.2), 4.5, 0.25, 15.0, 1.0)),
    ("KDAL", 32.8385, -96.8358, 148, "Dallas/Love Fld, TX, US", _CHICAGO, -6, (53,), True, 0.04, (32.85, -96.85, 146.0),
     Climate((20.0, -10.6, -3.8), 10.4, (5.6, 2.4), 6.0, 0.18, 15.4, 1.0)),
    ("KSEA", 47.4447, -122.3144, 132, "Seattle-Tacoma Intl, WA, US", _PACIFIC, -8, (53,), True, 0.03, (47.45, -122.31, 130.0),
     Climate((11.8, -6.8, -3.0), 8.4, (2.6, 3.0), 2.5, 0.04, 15.4, 0.95)),
    ("KSFO", 37.6196, -122.3656, 3, "San Francisco Intl, CA, US", _PACIFIC, -8, (56,), True, 0.02, (37.62, -122.37, 4.0),
     Climate((14.6, -3.2, -2.0), 7.8, (2.2, 2.4), 1.2, 0.01, 13.8, 0.95)),
    ("KHOU", 29.6382, -95.2821, 14, "Houston/Hobby Arpt, TX, US", _CHICAGO, -6, (53,), True, 0.06, (29.65, -95.28, 13.0),
     Climate((21.8, -8.2, -3.0), 9.0, (5.0, 1.6), 5.5, 0.35, 14.6, 0.9)),
    ("KPHL", 39.8733, -75.2268, 8, "Philadelphia Intl, PA, US", _NY, -5, (54,), True, 0.05, (39.87, -75.24, 6.0),
     Climate((14.2, -11.4, -4.2), 9.0, (4.4, 3.0), 4.5, 0.15, 14.8, 1.05)),
    ("KBOS", 42.3606, -71.0097, 6, "Boston/Logan Intl, MA, US", _NY, -5, (54,), True, 0.06, (42.36, -71.01, 5.0),
     Climate((11.8, -11.0, -5.0), 7.6, (4.6, 3.8), 4.5, 0.10, 14.0, 1.15)),
    ("KPHX", 33.4277, -112.0038, 337, "Phoenix/Sky Harbor Intl, AZ, US", "America/Phoenix", -7, (51,), True, 0.02,
     (33.43, -112.01, 339.0), Climate((24.4, -10.4, -4.2), 12.4, (3.4, 2.0), 2.5, 0.10, 16.0, 0.8)),
    ("KDFW", 32.8978, -97.0189, 172, "Dallas-Ft Worth Intl, TX, US", _CHICAGO, -6, (53,), True, 0.05, (32.90, -97.04, 170.0),
     Climate((19.8, -10.6, -3.8), 10.6, (5.6, 2.4), 6.0, 0.18, 15.4, 1.0)),
    ("VHHH", 22.309, 113.922, 9, "Hong Kong Intl, HK", "Asia/Hong_Kong", 8, _HALF, False, 0.02, (22.3125, 113.9375, 7.0),
     Climate((24.0, -5.6, -3.3), 4.8, (2.4, 1.3), 2.5, 0.30, 14.0, 0.75)),
)  # fmt: skip

STATIONS: tuple[Station, ...] = tuple(
    Station(index, *row, air=_AIR.get(row[0], row[0])) for index, row in enumerate((*_DEFAULT, *_FURTHER))
)
BY_CODE = {station.code: station for station in STATIONS}
DEFAULT: tuple[str, ...] = tuple(row[0] for row in _DEFAULT)
