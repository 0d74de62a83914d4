"""Collections of any size, one answer a file: `assay scan`.

A scan is planned once, into shards of files. Each shard is answered as a whole and gets its
name in one rename, so that a scan that was killed goes on where it stopped and ends with the
same bytes.
"""

from assay.reports.scanning.scan import scan
from assay.reports.scanning.summary import ScanSummary

__all__ = ["ScanSummary", "scan"]
