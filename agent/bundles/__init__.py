"""Evidence on its way out: collected and redacted in a child, shown to the customer, sealed, and only then sent.

prepare ──► worker (child, idle priority): collect → redact → plan in its memory ──► preview
the customer unticks, reads single files, says yes or goes away (then the child ends and nothing ever existed)
write ──► tar → zstd → age into STATE/bundles, the root of the hashes signed by the service ──► upload queue
"""
