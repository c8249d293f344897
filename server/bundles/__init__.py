"""Bundles: large sealed blobs by resumable upload, as files of ciphertext."""
