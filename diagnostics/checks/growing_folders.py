"""Check 8: which folders grow, and how fast?

It only shows: whether the disk will be full is foretold elsewhere, here stands by what. Folders are compared with
themselves a day to a week ago; one that was not walked to its end is not compared.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.filesystems import FILESYSTEMS, lies_below
from diagnostics.collectors.folder_sizes import FOLDER_SIZES
from diagnostics.findings import Finding, Severity
from diagnostics.observations import Filesystem
from diagnostics.system_observations import FolderSizes
from diagnostics.wording import Language, Words, show_bytes

CODE = "folder-growing"
# Each watched folder is a series of the history.
WATCHED_MAX = 20
WATCHED_LEAST_BYTES = 100_000_000
LEAST_GROWTH_BYTES = 1_000_000_000
DAY_S = 86_400
WEEK_S, LEAST_SPAN_S = 7 * DAY_S, DAY_S
# Told when, going on like this, it would take all that is free within this time.
SOON_S = 30 * DAY_S
SHOWN_MAX = 3
_METRIC = "folder.bytes"


def _free_at(path: str, filesystems: tuple[Filesystem, ...]) -> int | None:
    """Of the filesystem with the longest mount point above `path`."""
    above = [it for it in filesystems if lies_below(path, it.mount)]
    return max(above, key=lambda it: len(it.mount)).available_bytes if above else None


def check_growing_folders(sizes: FolderSizes, filesystems: tuple[Filesystem, ...], context: Context) -> Outcome:
    largest = sorted(
        (it for it in sizes.folders if it.complete and it.allocated_bytes >= WATCHED_LEAST_BYTES),
        key=lambda it: (-it.allocated_bytes, it.path),
    )[:WATCHED_MAX]
    metrics: list[Metric] = []
    found: list[tuple[float, Finding]] = []
    compared = False
    for folder in largest:
        instance = f"folder:{folder.path}"
        metrics.append(Metric(_METRIC, folder.allocated_bytes, instance))
        points = context.history.series(_METRIC, instance, since_unix_s=context.now - WEEK_S)
        if not points or context.now - points[0].unix_s < LEAST_SPAN_S:
            continue
        compared = True
        span_s = context.now - points[0].unix_s
        growth = folder.allocated_bytes - points[0].value
        free = _free_at(folder.path, filesystems)
        # What rose once and fell again in between is a working folder, not a growing one.
        middle = points[len(points) // 2].value
        steady = points[0].value <= middle <= folder.allocated_bytes
        if growth < LEAST_GROWTH_BYTES or not steady or free is None or free > growth / span_s * SOON_S:
            continue
        shown = f"{folder.path}: {show_bytes(growth, Language.ENGLISH)} more in {span_s // DAY_S} days"
        finding = raised(
            CODE,
            instance,
            Severity.INFO,
            rule=SPEC.rule,
            now=context.now,
            facts={
                "path": folder.path,
                "bytes": folder.allocated_bytes,
                "growth_bytes": round(growth),
                "span_s": span_s,
                "files": folder.files,
            },
            proof=(evidence("folder-sizes", folder.path, shown),),
        )
        found.append((growth / span_s, finding))
    found.sort(key=lambda pair: (-pair[0], pair[1].instance))
    skipped = "" if compared or not largest else "needs a day between two looks at the folders"
    return Outcome(tuple(finding for _, finding in found[:SHOWN_MAX]), tuple(metrics), skipped)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_growing_folders(seen.of(FOLDER_SIZES), seen.of(FILESYSTEMS).filesystems, context)


SPEC = CheckSpec(
    id="growing-folders",
    number=8,
    version=1,
    title="Folders that grow",
    needs=(FOLDER_SIZES, FILESYSTEMS),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A folder grows fast",
                "{path} has grown by {growth_bytes:bytes} within {span_s:duration} and now takes {bytes:bytes}. If "
                "that goes on, the disk will be full within a month.",
            ),
            Words(
                "Папка быстро растёт",
                "Папка {path} выросла на {growth_bytes:bytes} за {span_s:duration} и занимает {bytes:bytes}. Если "
                "так продолжится, место на диске закончится в течение месяца.",
            ),
            after_s=6 * 3600,
            looks=2,
            why="6 h: a film that is being cut comes and goes within a day",
        )
    },
    # Seconds of disk: four times a day is enough for what takes a day to be seen.
    interval_s=6 * 3600,
    cost=Cost.COSTLY,
    timeout_s=15,
)
