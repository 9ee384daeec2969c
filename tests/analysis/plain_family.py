"""Groups of candidates, and the tests of a report as one would first write them, in loops, to hold the fast form to."""

import itertools
import math

import numpy as np
from scipy import special, stats

from descent.analysis.differences import Group

TENTH = math.log(1.1)


def group(means, n=10, spread=0.02, seed=0, margin=TENTH, failed=(), names=None):
    """Return a group of candidates with these mean scores, normal over seeds; `failed` are places (candidate, seed)."""
    rng = np.random.default_rng(seed)
    values = np.array(means)[:, None] + spread * rng.normal(size=(len(means), n))
    lost = np.zeros(values.shape, dtype=bool)
    for place in failed:
        lost[place] = True
    return Group(tuple(names or "abcdefghij"[: len(means)]), np.where(lost, math.nan, values), lost, np.arange(n), margin)


def common(group, i, j):
    """Return the seeds on which both ended, and the differences j - i there, with failures as the largest one."""
    seeds, values = [], []
    for column, seed in enumerate(group.seeds):
        ended = [group.failed[k, column] or not math.isnan(group.scores[k, column]) for k in (i, j)]
        if all(ended):
            seeds.append(int(seed))
            values.append((group.scores[j, column] - group.scores[i, column], group.failed[i, column], group.failed[j, column]))
    whole = [abs(value) for value, first, second in values if not first and not second]
    cap = max(whole, default=0) or 1
    out = [(0.0 if first else cap) if second else (-cap if first else value) for value, first, second in values]
    return dict(zip(seeds, out, strict=True)), [sum(row[side] for row in values) for side in (1, 2)]


def tail(t, n):
    """Return Student's two-sided p-value of T."""
    return float(special.betaincc(0.5, (n - 1) / 2, min(t * t / n, 1)))


def flips(seeds, first):
    """Return all signs of the seeds as dictionaries, the first one +1 if `first`."""
    for rest in itertools.product([1, -1], repeat=len(seeds) - first):
        yield dict(zip(seeds, [1] * first + list(rest), strict=True))


def statistic(d, sign):
    norm = math.sqrt(sum(value * value for value in d.values()))
    return sum(sign[seed] * value for seed, value in d.items()) / norm if norm else 0.0


def adjusted(rows, keys, order):
    """Return step-down p-values: rows[pair] are weighted p-values by flip; the pairs of `order` are judged by `keys`."""
    p, so_far = {}, 0.0
    count = len(rows[order[0]])
    for place, pair in enumerate(order):
        smallest = [min(rows[later][flip] for later in order[place:]) for flip in range(count)]
        so_far = max(so_far, sum(value <= keys[pair] * (1 + 1e-9) for value in smallest) / count)
        p[pair] = so_far
    return p


def better(groups):
    """Return {(group, i, j): p} of the pairs with ten common seeds, adjusted."""
    d = {}
    for g, group in enumerate(groups):
        for i, j in itertools.combinations(range(len(group.candidates)), 2):
            paired, _ = common(group, i, j)
            if len(paired) >= 10 and any(paired.values()):
                d[g, i, j] = paired
    seeds = sorted({int(seed) for group in groups for seed in group.seeds})
    ts = {pair: [abs(statistic(paired, sign)) for sign in flips(seeds, 1)] for pair, paired in d.items()}
    winners = {}
    for g in range(len(groups)):
        own = [pair for pair in d if pair[0] == g]
        judged = {k for pair in own for k in pair[1:]}
        for k in judged:
            ahead = [pair for pair in own if k in pair[1:] and sum(d[pair].values()) * (1 if pair[1] == k else -1) > 0]
            if len(ahead) == len(judged) - 1:
                winners[g] = k, max(ahead, key=lambda pair: tail(ts[pair][0], len(d[pair])))
    hard = [pair for _, pair in winners.values()]
    rest = len(d) - len(hard)
    weight = {pair: (0.5 / len(hard) if pair in hard else 0.5 / rest) if hard and rest else 1 / len(d) for pair in d}
    rows = {pair: [tail(t, len(d[pair])) / weight[pair] for t in ts[pair]] for pair in d}
    keys = {pair: rows[pair][0] for pair in d}
    for g, (k, pair) in winners.items():
        for other in d:
            if other[0] == g and k in other[1:]:
                keys[other] = min(rows[other][0], rows[pair][0])
    return adjusted(rows, keys, sorted(d, key=lambda pair: (keys[pair], pair not in hard)))


def equal(groups):
    """Return {(group, i, j): p} of the pairs without failures, adjusted."""
    d, n = {}, {}
    for g, group in enumerate(groups):
        for i, j in itertools.combinations(range(len(group.candidates)), 2):
            paired, failures = common(group, i, j)
            if len(paired) >= 10 and any(paired.values()) and not any(failures):
                for side in (1, -1):
                    d[g, i, j, side] = {seed: group.margin - side * value for seed, value in paired.items()}
    seeds = sorted({int(seed) for group in groups for seed in group.seeds})
    rows = {}
    for row, paired in d.items():
        n = len(paired)
        rows[row] = []
        for sign in flips(seeds, 0):
            t = statistic(paired, sign)
            rows[row].append(tail(t, n) / 2 if t > 0 else 1 - tail(t, n) / 2)
    keys = {row: rows[row][0] for row in rows}
    p = adjusted(rows, keys, sorted(rows, key=keys.get))
    return {row[:3]: max(p[*row[:3], 1], p[*row[:3], -1]) for row in p}


def interval(d, level):
    """Return mean and half the length of a t interval."""
    values = np.array(list(d.values()))
    return values.mean(), stats.t.isf(level / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))


def simultaneous_level(d, seeds):
    """Return the level of simultaneous t intervals: of the flips of centred differences, the smallest p-value of each."""
    smallest = []
    centred = [{seed: value - np.mean(list(paired.values())) for seed, value in paired.items()} for paired in d]
    for sign in flips(seeds, 1):
        smallest.append(min(tail(statistic(paired, sign), len(paired)) for paired in centred))
    return sorted(smallest)[int(0.05 * len(smallest)) - 1]


def what_follows(groups, p):
    """Return p-values with what follows: the least, over all chains from a winner to a loser, of the largest p-value on it."""
    beats = {}
    for g, i, j in p:
        d, failures = common(groups[g], i, j)
        turn = 1 if sum(d.values()) >= 0 else -1
        winner, loser = (i, j)[::turn]
        if failures[::turn][0] <= failures[::turn][1] and sum(d.values()):
            beats[g, winner, loser] = p[g, i, j]

    def least(g, start, end, passed):
        steps = {other: value for (h, i, other), value in beats.items() if (h, i) == (g, start) and other not in passed}
        rest = {other: 0 if other == end else least(g, other, end, {*passed, other}) for other in steps}
        return min((max(steps[other], rest[other]) for other in steps), default=9)

    follows = {(g, *sorted((i, j))): least(g, i, j, {i}) for g, i, j in beats}
    return {pair: follows.get(pair, value) for pair, value in p.items()}
