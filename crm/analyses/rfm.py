"""RFM values, quintiles and labels of orders."""

import argparse
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crm.analyses.purchases import Orders, day_number
from crm.analysis import Subject


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", required=True, help="customer,date,amount")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat)
    parser.add_argument("--output", required=True)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml import rfm

    orders = Orders(options.orders, until=day_number(options.as_of))
    values = rfm.values(
        orders.customers, orders.days, orders.amounts, today=orders.today, count=len(orders.ids)
    )
    buyers = values.frequency > 0
    values = rfm.Values(values.recency[buyers], values.frequency[buyers], values.monetary[buyers])
    scores = rfm.score(values)
    labels = np.array(rfm.SLUGS)[scores.label]
    table = pd.DataFrame(
        {
            "customer": orders.ids[buyers],
            "recency": values.recency,
            "frequency": values.frequency,
            "monetary": values.monetary.round(2),
            "r": scores.r,
            "f": scores.f,
            "m": scores.m,
            "score": scores.score,
            "label": labels,
        }
    )
    table.to_csv(options.output, index=False)
    names, counts = np.unique(labels, return_counts=True)
    return {
        "customers": int(buyers.sum()),
        "without_purchase": int((~buyers).sum()),
        "orders_after_date": orders.later,
        "labels": dict(zip(names.tolist(), counts.tolist(), strict=True)),
    }


RFM = Subject("RFM values, quintiles and labels of orders", _arguments, _run)
