"""Every format that can be imported, by the name it has on the command line."""

from chatbot.loading import load_dialogue_store
from crm.loaders import (
    customers_csv,
    events_jsonl,
    movielens,
    online_retail,
    orders_csv,
    products_csv,
)
from crm.loading import Loader

LOADERS: dict[str, Loader] = {
    "customers": customers_csv.load,
    "dialogue-store": load_dialogue_store,
    "events": events_jsonl.load,
    "movielens": movielens.load,
    "online-retail": online_retail.load,
    "orders": orders_csv.load,
    "products": products_csv.load,
}
