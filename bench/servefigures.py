"""What bench/serve makes of its blocks: medians with confidence intervals, and the search for the highest rate."""

import random
import statistics


def interval(values, estimate=statistics.median, draws=2000):
    """The 95 % bootstrap interval of the estimate, or None of fewer than three values."""
    if len(values) < 3:
        return None
    chance = random.Random(1)
    drawn = sorted(estimate(chance.choices(values, k=len(values))) for _ in range(draws))
    return [drawn[int(draws * 0.025)], drawn[int(draws * 0.975)]]


def figure(values, estimate=statistics.median):
    """The median of the blocks and its interval; both None if no block has the value."""
    values = [value for value in values if value is not None]
    return {"value": estimate(values) if values else None, "interval": interval(values, estimate), "blocks": len(values)}


def ratio(over, under):
    """Of two figures whose blocks took turns: the ratio of the medians, resampled by pairs."""
    pairs = [pair for pair in zip(over, under) if None not in pair]

    def estimate(drawn):
        return statistics.median(one for one, _ in drawn) / statistics.median(other for _, other in drawn)

    if not pairs:
        return {"value": None, "interval": None, "blocks": 0}
    return {"value": estimate(pairs), "interval": interval(pairs, estimate), "blocks": len(pairs)}


class Ladder:
    """Up a step after a block that met the objective, down a step after one that did not. First steps are wide, and half as wide
    after each turn, down to a least step. What it found is the median rate of the blocks on least steps that met the objective:
    it was met there, half of the time at more."""

    def __init__(self, rate, step=0.5, least=0.025):
        self.rate, self.step, self.least, self.up, self.blocks = rate, step, least, None, []

    def add(self, block):
        """Takes the block at .rate, and sets .rate for the next one."""
        met = block.met()
        if self.up is not None and met != self.up:
            self.step = max(self.step / 2, self.least)
        self.up = met
        self.blocks.append((block, self.step <= self.least))
        self.rate *= 1 + self.step if met else 1 / (1 + self.step)

    def settled(self):
        return self.step <= self.least

    def met(self):
        """The blocks that count: if it never settled, the highest that met the objective, if any did."""
        counted = [block for block, fine in self.blocks if fine and block.met()]
        every = sorted((block for block, _ in self.blocks if block.met()), key=lambda block: block.rate)
        return counted or every[-1:]

    def found(self):
        return figure([block.good for block in self.met()])
