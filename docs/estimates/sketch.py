#!/usr/bin/env python3
"""Security of commitment scheme 2: the cost of finding two blocks of bytes with one sketch.

    python3 docs/estimates/sketch.py            # the table of docs/security.md
    python3 docs/estimates/sketch.py --json

Needs nothing but Python. Two blocks x != x' with the same sketch are a solution d = x - x' of

    sum_i a_i d_i = 0 in Z_q[X]/(X^n + 1),    d_i with coefficients in -255..255,

a Ring-SIS instance, estimated as the SIS instance of n rows that it is without its structure (no attack is known that gains
from the structure of a power-of-two cyclotomic ring here; see docs/security.md). The attacker chooses how many columns d
of the matrix it uses, reduces the lattice { v in Z^d : S v = 0 mod q } of volume q^n with BKZ of block size b, which gives
vectors of length delta(b)^d q^(n/d), and pays 2^(c b):

    core-SVP    c = 0.292 classically (Becker et al. 2016), 0.257 with a quantum computer (Chailloux and Loyer 2021), 0.2075
                for the memory that sieving cannot do without ("paranoid"); "free" is the classical figure for the block that
                remains with dimensions for free, b - b ln(4/3) / ln(b / (2 pi e)) (Ducas 2018)
    euclidean   it succeeds as soon as the length is at most 255 sqrt(d), the length of the longest solution there can be.
                That is pessimistic: such a vector still has coefficients beyond 255 with overwhelming probability.
    infinity    it gets 2^(0.2075 b) vectors of that length, coefficients normal, and needs one whose coefficients are all
                within 255 (the method of the Dilithium specification, appendix C.3).

The third attack is combinatorial: Wagner's generalised birthday over 2^a lists, 2^(n log2 q / (a + 1)) work, where a list's
columns must have as many combinations as it has entries. The ring helps it: 64513 = 132^2 + 217^2, so one of
+-132 X^256 +- 217 vanishes in half of the ring's 512 slots, and multiples of it solve half of the equations for nothing. The
figure is for the half that is left, n / 2 rows, with a trit a coefficient of degree below 256; it stays far above lattice reduction.
"""

import argparse
import json
import math

CLASSICAL, QUANTUM, PARANOID = 0.292, 0.257, 0.2075

# The scheme's own parameters: jobs/program/src/commitment/sketch.rs.
RING, MODULUS, BOUND, MOST_CELLS = 512, 64513, 255, 1 << 21


def log2_delta(b):
    """log2 of the root Hermite factor of BKZ with block size b (Chen 2013)."""
    return math.log2((math.pi * b) ** (1 / b) * b / (2 * math.pi * math.e)) / (2 * (b - 1))


def log2_inside(sigma):
    """log2 of the probability that a normal variable of deviation sigma is within BOUND + 1/2."""
    outside = math.erfc((BOUND + 0.5) / (sigma * math.sqrt(2)))
    return math.log1p(-outside) / math.log(2) if outside < 1 else -math.inf


def euclidean(n, q):
    """Smallest block size that solves the instance, and the number of columns."""
    return min((block(lambda b, d: log2_norm(n, q, b, d) <= math.log2(BOUND) + math.log2(d) / 2, d), d) for d in columns(n))


def log2_norm(n, q, b, d):
    return d * log2_delta(b) + n * math.log2(q) / d


def columns(n):
    return range(n + 64, 6 * n, 16)


def block(solves, d):
    """Smallest block size up to d with which `solves`, by bisection: a larger block is never worse."""
    low, high = 60, d
    if not solves(high, d):
        return math.inf
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if solves(middle, d) else (middle + 1, high)
    return low


def infinity(n, q, exponent):
    """Least log2 cost, with block size and columns."""
    best = (math.inf, 0, 0)
    for d in columns(n):
        for b in range(60, d, 4):
            sigma = 2 ** (log2_norm(n, q, b, d) - math.log2(d) / 2)
            hit = min(0.0, PARANOID * b + d * log2_inside(sigma))
            best = min(best, (exponent * b - hit, b, d))
            if hit == 0.0:
                break
    return best


def birthday(n, q, cells):
    """Least log2 cost of Wagner's attack on blocks of `cells` cells."""
    bits = n * math.log2(q) / 2
    # Half of the coefficients, and three values of each.
    most = max(a for a in range(1, 64) if cells / 2 / 2**a * math.log2(3) >= bits / (a + 1))
    return bits / (most + 1), most


def estimate(n, q):
    b, d = euclidean(n, q)
    classical, quantum = infinity(n, q, CLASSICAL), infinity(n, q, QUANTUM)
    wagner, a = birthday(n, q, MOST_CELLS)
    return {
        "ring": n,
        "modulus": q,
        "bits": round(n * math.log2(q)),
        "euclidean": {"block": b, "columns": d, "classical": round(CLASSICAL * b), "quantum": round(QUANTUM * b),
                      "free": round(CLASSICAL * (b - b * math.log(4 / 3) / math.log(b / (2 * math.pi * math.e)))),
                      "paranoid": round(PARANOID * b)},
        "infinity": {"block": classical[1], "columns": classical[2], "classical": round(classical[0]),
                     "quantum": round(quantum[0])},
        "birthday": {"log2_lists": a, "classical": round(wagner)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    arguments = parser.parse_args()
    # The scheme, then what it would be with other parameters.
    chosen = [(RING, MODULUS), (512, 12289), (256, MODULUS), (1024, 12289)]
    results = [estimate(n, q) for n, q in chosen]
    if arguments.json:
        print("\n".join(map(json.dumps, results)))
        return
    print("| ring, modulus | bits | euclidean: block, columns, classical, quantum, free, paranoid | infinity: block, columns, "
          "classical, quantum | birthday |")
    print("|---|---|---|---|---|")
    for r in results:
        e, i, w = r["euclidean"], r["infinity"], r["birthday"]
        print(f"| {r['ring']}, {r['modulus']} | {r['bits']} | {e['block']}, {e['columns']}, {e['classical']}, "
              f"{e['quantum']}, {e['free']}, {e['paranoid']} | {i['block']}, {i['columns']}, {i['classical']}, {i['quantum']} | "
              f"{w['classical']} |")


if __name__ == "__main__":
    main()
