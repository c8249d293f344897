"""The last day of free security fixes of each Windows, by kind and build: what check 22 judges by.

By the makers' lifecycle pages (learn.microsoft.com/lifecycle/products: "Windows 11 Home and Pro", "Windows 11
"Windows 11 Enterprise and Education", "Windows 10 …", "Windows Server …"). Paid or enrolled extensions (ESU) do not
count. For servers and long-term editions it is the end of extended support, which is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

WINDOWS_LAST_DAY: Mapping[tuple[str, str], date] = {
    ("windows", "10240"): date(2017, 5, 9),  # 10 1507
    ("windows", "10586"): date(2017, 10, 10),  # 1511
    ("windows", "14393"): date(2018, 4, 10),  # 1607
    ("windows", "15063"): date(2018, 10, 9),  # 1703
    ("windows", "16299"): date(2019, 4, 9),  # 1709
    ("windows", "17134"): date(2019, 11, 12),  # 1803
    ("windows", "17763"): date(2020, 11, 10),  # 1809
    ("windows", "18362"): date(2020, 12, 8),  # 1903
    ("windows", "18363"): date(2021, 5, 11),  # 1909
    ("windows", "19041"): date(2021, 12, 14),  # 2004
    ("windows", "19042"): date(2022, 5, 10),  # 20H2
    ("windows", "19043"): date(2022, 12, 13),  # 21H1
    ("windows", "19044"): date(2023, 6, 13),  # 21H2
    ("windows", "19045"): date(2025, 10, 14),  # 22H2
    ("windows", "22000"): date(2023, 10, 10),  # 11 21H2
    ("windows", "22621"): date(2024, 10, 8),  # 22H2
    ("windows", "22631"): date(2025, 11, 11),  # 23H2
    ("windows", "26100"): date(2026, 10, 13),  # 24H2
    ("windows", "26200"): date(2027, 10, 12),  # 25H2
    ("windows-enterprise", "19044"): date(2024, 6, 11),
    ("windows-enterprise", "19045"): date(2025, 10, 14),
    ("windows-enterprise", "22000"): date(2024, 10, 8),
    ("windows-enterprise", "22621"): date(2025, 10, 14),
    ("windows-enterprise", "22631"): date(2026, 11, 10),
    ("windows-enterprise", "26100"): date(2027, 10, 12),
    ("windows-enterprise", "26200"): date(2028, 10, 10),
    ("windows-ltsc", "14393"): date(2026, 10, 13),
    ("windows-ltsc", "17763"): date(2029, 1, 9),
    ("windows-ltsc", "19044"): date(2027, 1, 12),
    ("windows-ltsc", "26100"): date(2029, 10, 9),
    ("windows-server", "9600"): date(2023, 10, 10),  # 2012 R2
    ("windows-server", "14393"): date(2027, 1, 12),  # 2016
    ("windows-server", "17763"): date(2029, 1, 9),  # 2019
    ("windows-server", "20348"): date(2031, 10, 14),  # 2022
    ("windows-server", "26100"): date(2034, 11, 14),  # 2025
}
