"""Bundles: redacted evidence in one file that plain ``age``, ``zstd`` and ``tar`` open, read here as hostile.

`plan` redacts and weighs, `write` streams ``tar → zstd → age``, `read` opens in memory under limits, `manifest` says
what is in it and gives the root to sign, `encrypt` seals, `compare` tells what changed between two. Signing and
verifying is done by the programs above.
Chosen: ustar written and read by our own few lines instead of ``tarfile`` on hostile input; redacted parts held
compressed in memory instead of in temporary files. Not chosen: zip (names, ratio and encryption are worse), a
database file, detached encrypted parts (their sizes would tell what is inside).
"""

from diagnostics.bundle.compare import BundleDifferences, compare_bundles
from diagnostics.bundle.encrypt import check_recipients, new_identity, open_sealed, recipient_of, seal
from diagnostics.bundle.manifest import FileEntry, FileStatus, Manifest, Window, bundle_root, parse_manifest
from diagnostics.bundle.parts import Heading
from diagnostics.bundle.plan import SOFT_CAP_BYTES, Plan, Preview, PreviewFile, plan_bundle
from diagnostics.bundle.read import OpenedBundle, ReadLimits, read_bundle, read_bundle_bytes, visible
from diagnostics.bundle.refusal import BundleRefusedError, Refusal
from diagnostics.bundle.write import BundleSummary, write_bundle

__all__ = [
    "SOFT_CAP_BYTES",
    "BundleDifferences",
    "BundleRefusedError",
    "BundleSummary",
    "FileEntry",
    "FileStatus",
    "Heading",
    "Manifest",
    "OpenedBundle",
    "Plan",
    "Preview",
    "PreviewFile",
    "ReadLimits",
    "Refusal",
    "Window",
    "bundle_root",
    "check_recipients",
    "compare_bundles",
    "new_identity",
    "open_sealed",
    "parse_manifest",
    "plan_bundle",
    "read_bundle",
    "read_bundle_bytes",
    "recipient_of",
    "seal",
    "visible",
    "write_bundle",
]
