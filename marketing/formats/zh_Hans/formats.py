"""Months without a leading nought, and figures in thousands as shops write them: 12,345."""

MONTH_DAY_FORMAT = "n月j日"
NUMBER_GROUPING = 3
THOUSAND_SEPARATOR = ","
