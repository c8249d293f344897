#!/bin/sh
# Prints the folder for what a test run writes. Thousands of small databases, each synced to its disk: in memory, where
# there is plenty of it and programs may run from it, that is a third of the time. TMPDIR, where it is set, decides.
memory=/dev/shm
free_kib=$(df -Pk "$memory" 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ -n "$TMPDIR" ]; then
  echo "$TMPDIR"
elif [ -w "$memory" ] && [ "${free_kib:-0}" -gt 4000000 ] && ! grep -q " $memory .*noexec" /proc/mounts; then
  echo "$memory"
else
  echo /tmp
fi
