"""What a page's plots are drawn from: its numbers, unpacked as the page's program does it."""

import base64
import json
import re

import numpy as np

KINDS = {"f4": "<f4", "u1": "u1", "u2": "<u2", "u4": "<u4", "i4": "<i4"}


def numbers(one):
    """The array that a page has packed."""
    found = np.frombuffer(base64.b64decode(one["bdata"]), KINDS[one["dtype"]])
    return np.full(one["same"], found[0]) if "same" in one else found


def words(column):
    """What a column of words says of each point."""
    return [column["words"][index] for index in numbers(column)]


def data_of(html):
    """The whole of a page's numbers."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    return json.loads(text)


def table_of(html, name):
    """The columns of a table of a page, by their titles."""
    columns = data_of(html)["tables"][name]["columns"].values()
    return {one["title"]: words(one) if "words" in one else numbers(one) for one in columns}
