"""Every format that can be imported, by the name it has on the command line."""

from crm.loaders import online_retail
from crm.loading import Loader

LOADERS: dict[str, Loader] = {
    "online-retail": online_retail.load,
}
