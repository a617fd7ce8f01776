"""What visitors of the benchmark say, and how times are told."""

SAID = (
    ("zh", "你好"), ("zh", "我想买一部手机"), ("zh", "3000以内的"), ("zh", "第一个多少钱"), ("zh", "运费怎么算"),
    ("zh", "有什么优惠券"), ("zh", "换一批"), ("zh", "谢谢"), ("en", "hello"), ("en", "I need a phone under 3000"),
    ("en", "something cheaper?"), ("en", "the second one"), ("en", "how much is shipping?"), ("en", "do I have any coupons?"),
    ("en", "show me laptops"), ("en", "thanks"),
)  # fmt: skip


def percentiles(name: str, values: list[float]) -> dict[str, float]:
    ranked = sorted(values) or [float("nan")]
    at = {share: ranked[min(len(ranked) - 1, len(ranked) * share // 100)] for share in (50, 95, 99)}
    return {f"{name}_p{share}_ms": round(1000 * value, 1) for share, value in at.items()}
