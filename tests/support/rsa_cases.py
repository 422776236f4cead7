"""RSA key pairs with auxiliary primes, by FIPS 186-5 A.1.6 and B.9 to the letter, slowly and on Python's integers.

Nothing here knows how keywell searches: each member of the progression is looked at, one after the other. Cases have the
form of the file that build/tests/rsa_a16 reads. The same seed makes the same cases.
"""

import functools
import math
import random

# How a search for a prime ends: what rsa_a16 says for it is in its source.
FOUND, OVERFLOW, FAILURE, UNFIT = "found", "left its range (B.9 step 6)", "failed (B.9 step 9)", "failed (B.9 step 1)"


@functools.lru_cache(None)
def primorial(bound):
    """The product of all odd primes below the bound."""
    composite = bytearray(bound)
    product = 1
    for number in range(3, bound, 2):
        if not composite[number]:
            product *= number
            composite[number * number::2 * number] = b"\1" * len(range(number * number, bound, 2 * number))
    return product


def miller_rabin(number, base):
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def is_prime(number, rounds=12):
    """For numbers above 2^16. The bases are fixed: they were not chosen by who chose the number."""
    if number % 2 == 0 or math.gcd(primorial(1 << 16), number) != 1:
        return False
    bases = random.Random(number)
    return miller_rabin(number, 2) and all(miller_rabin(number, bases.randrange(3, number - 1)) for _ in range(rounds))


def auxiliary(start):
    """A.1.6 steps 4.2 and 5.2: the first prime among the odd numbers from the start on."""
    number = start | 1
    while not is_prime(number):
        number += 2
    return number


def progression(x, r1, r2):
    """B.9 steps 2 and 4: Y and what to add to it; None if step 1 forbids it."""
    if math.gcd(2 * r1, r2) != 1:
        return None
    r = pow(r2, -1, 2 * r1) * r2 - pow(2 * r1, -1, r2) * 2 * r1
    assert r % (2 * r1) == 1 and r % r2 == r2 - 1
    y = x + (r - x) % (2 * r1 * r2)
    assert (y - 1) % (2 * r1) == 0 and (y + 1) % r2 == 0 and y >= x
    return y, 2 * r1 * r2


def search(x, r1, r2, e, skip=0):
    """B.9: (how it ends, the prime). skip: so many primes are taken for composite."""
    begun = progression(x, r1, r2)
    if begun is None:
        return UNFIT, None
    y, step = begun
    half = x.bit_length()
    i = 0
    while True:
        if y >= 1 << half:  # step 6
            return OVERFLOW, None
        if math.gcd(y - 1, e) == 1 and is_prime(y):  # step 7
            if skip == 0:
                return FOUND, y
            skip -= 1
        i += 1  # step 8
        if i >= 20 * half:  # step 9
            return FAILURE, None
        y += step  # step 10


def start_in_range(rng, half):
    """B.9 step 3."""
    while True:
        x = rng.getrandbits(half) | 1 << (half - 1)
        if x * x >= 1 << (2 * half - 1):
            return x


def number_of(rng, bits):
    return rng.getrandbits(bits) | 1 << (bits - 1)


def exponent(rng, kind):
    """An odd e, 2^16 < e < 2^256. Those with many small factors divide most of the numbers p - 1."""
    if kind == "usual":
        return 65537
    if kind == "least":
        return 65539
    if kind == "most":
        return 2**256 - 1  # 3, 5, 17, 257, 641, 65537 ...
    if kind == "smooth":
        factors = 3 * 5 * 7
        return (number_of(rng, rng.randrange(20, 256 - factors.bit_length())) | 1) * factors
    if kind == "odd primes":
        e = primorial(53)
        return e * (rng.randrange(3, 1000) | 1)
    return number_of(rng, rng.randrange(18, 257)) | 1


KINDS = ("usual", "least", "most", "smooth", "odd primes", "any")


def half_of(rng, letter, half, bits1, bits2, e):
    """The part of a case for one prime that the search finds. Even starts come up by themselves."""
    while True:
        x = start_in_range(rng, half)
        x1, x2 = number_of(rng, bits1), number_of(rng, bits2)
        r1, r2 = auxiliary(x1), auxiliary(x2)
        end, prime = search(x, r1, r2, e)
        if end == FOUND:
            return {f"x{letter}1": x1, f"x{letter}2": x2, f"x{letter}": x, f"{letter}1": r1, f"{letter}2": r2,
                letter: prime}


def derived(p, q, e):
    lcm = (p - 1) * (q - 1) // math.gcd(p - 1, q - 1)
    return {"n": p * q, "d": pow(e, -1, lcm)}


def pair(rng, half, lengths, e, with_q=True, with_n=True):
    """A case that holds. lengths: those of xp1, xp2, xq1, xq2."""
    case = {"e": e, **half_of(rng, "p", half, *lengths[:2], e)}
    if with_q:
        case.update(half_of(rng, "q", half, *lengths[2:], e))
        if with_n:
            case.update(derived(case["p"], case["q"], e))
    return case


def ending(rng, half, bits, e, wanted):
    """A case whose search for p does not find a prime: (case, how it ends). What it says of p is X, which is none."""
    while True:
        x1, x2 = number_of(rng, bits), number_of(rng, bits)
        x = start_in_range(rng, half)
        if wanted == OVERFLOW:
            # So near to the end that some members are left, of which none is prime.
            x = (1 << half) - rng.randrange(1, 8) * (x1 * x2)
        elif wanted == UNFIT:
            x2 = x1
        r1, r2 = auxiliary(x1), auxiliary(x2)
        exponent_ = e * r1 if wanted == FAILURE else e  # r1 divides p - 1
        if search(x, r1, r2, exponent_)[0] == wanted:
            return {"e": exponent_, "xp1": x1, "xp2": x2, "xp": x, "p1": r1, "p2": r2, "p": x}


def as_text(case):
    return {name: f"{number:x}" for name, number in case.items()}
