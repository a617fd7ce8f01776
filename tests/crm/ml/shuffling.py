"""Baskets shuffled with their sizes and the sales of every item kept (curveball, Strona 2014)."""


def shuffled(baskets, rng, *, trades=3):
    """Pairs of baskets put what only one of them has together and deal it out again."""
    held = [set(basket) for basket in baskets]
    for _ in range(trades):
        order = rng.permutation(len(held)).tolist()
        for one, other in zip(order[::2], order[1::2], strict=False):
            mine, theirs = sorted(held[one] - held[other]), sorted(held[other] - held[one])
            pool = mine + theirs
            if not mine or not theirs:
                continue
            rng.shuffle(pool)
            same = held[one] & held[other]
            held[one] = same | set(pool[: len(mine)])
            held[other] = same | set(pool[len(mine) :])
    return [sorted(basket) for basket in held]
