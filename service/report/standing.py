"""Values of many patients in, where each stands among them out: place, percentile, and whether it lies far above."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine

FAR = 3.5  # Iglewicz and Hoaglin 1993
NORMAL = 0.6745  # the MAD of a standard normal distribution
WHISKER = 1.5  # Tukey 1977
MODIFIED_Z, FENCE = "modified-z-log1p", "iqr-fence"


def placed(rows: ir.Table, *group: str) -> ir.Table:
    """`place`: from the top, equal values share it. `percentile`: midrank, (below + 0.5 x equal and itself) / n."""
    below = ibis.rank().over(ibis.window(group_by=group, order_by="value"))
    above = ibis.rank().over(ibis.window(group_by=group, order_by=ibis.desc("value")))
    equal = rows.count().over(ibis.window(group_by=[*group, "value"]))
    n = rows.count().over(ibis.window(group_by=group))
    return rows.mutate(place=above + 1, percentile=((below * 2 + equal) / (n * 2)).cast("float64").round(6))


def spread(rows: ir.Table, engine: Engine, *group: str) -> ir.Table:
    """One row a group: n, median, mad_raw, q1 and q3 (inclusive quartiles, for Tukey's fence); on log1p centre and mad.

    Money below zero counts as none: log1p knows no debts.
    """
    value = rows.value.cast("float64")
    logged = rows.mutate(value=value, logged=(value.clip(lower=0) + 1).ln())
    stated = engine.materialise(
        logged.group_by(*group).agg(
            n=logged.count(),
            median=logged.value.quantile(0.5),
            q1=logged.value.quantile(0.25),
            q3=logged.value.quantile(0.75),
            centre=logged.logged.quantile(0.5),
        )
    )
    joined = logged.inner_join(stated.select(*group, "centre", "median"), list(group))
    away = joined.mutate(away=(joined.logged - joined.centre).abs(), off=(joined.value - joined.median).abs())
    spreads = away.group_by(*group).agg(mad=away.away.quantile(0.5), mad_raw=away.off.quantile(0.5))
    return engine.materialise(stated.inner_join(spreads, list(group)))


def judged(rows: ir.Table, spreads: ir.Table, *group: str) -> ir.Table:
    """`statistic` names what was used, `score` is its value here, `bound` where outliers begin.

    Upper side only. The modified z 0.6745 (x - median) / MAD on log1p, beyond 3.5; where the MAD is 0 the value itself
    beyond Tukey's fence; where half of all are equal, too, nobody can tell: `outlier` is null.
    """
    joined = rows.inner_join(spreads, list(group))
    value = joined.value.cast("float64")
    z = NORMAL * ((value.clip(lower=0) + 1).ln() - joined.centre) / joined.mad.nullif(0)
    fence = joined.q3 + WHISKER * (joined.q3 - joined.q1)
    by_z, by_fence = joined.mad > 0, joined.q3 > joined.q1
    score = ibis.cases((by_z, z), (by_fence, value))
    bound = ibis.cases((by_z, FAR), (by_fence, fence))
    return joined.mutate(
        statistic=ibis.cases((by_z, MODIFIED_Z), (by_fence, FENCE)),
        score=score.round(2),
        bound=bound,
        outlier=score > bound,
    ).drop("n", "median", "q1", "q3", "centre", "mad", "mad_raw")
