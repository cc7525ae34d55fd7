"""The audit log: who scored what, when, with which hashes and why; every change to it is found."""

from oral_lesion.io.audit.entries import AuditEntry
from oral_lesion.io.audit.log import LOG_NAME, AuditLog
from oral_lesion.io.audit.runs import AuditedRun, audited, find_log
from oral_lesion.io.audit.verify import Finding, LogVerdict, verify_log, verify_results

__all__ = [
    "LOG_NAME",
    "AuditEntry",
    "AuditLog",
    "AuditedRun",
    "Finding",
    "LogVerdict",
    "audited",
    "find_log",
    "verify_log",
    "verify_results",
]
