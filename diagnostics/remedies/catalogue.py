"""Every remedy there is, by id. Adding one touches its own file, this list and the line in `offers.py`; then
`python -m diagnostics.remedies.profile` writes down what is known of it without loading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diagnostics.remedies import (
    arm_timer,
    clean_crash_dumps,
    clean_old_journal,
    clean_package_cache,
    clean_rotated_logs,
    clean_small_cache_files,
    clean_temporary_files,
    clean_user_cache,
    clear_print_queue,
    disable_startup_item,
    empty_trash,
    enable_firewall,
    end_program,
    finish_package_setup,
    fix_password_file_permissions,
    fix_ssh_permissions,
    flush_dns_cache,
    keep_clock_right,
    limit_crash_dumps,
    limit_journal_size,
    look_for_updates,
    plan_restart,
    reconnect_interface,
    renew_address,
    restart_failed_service,
    restart_print_spooler,
    resume_printer,
    resync_clock,
    set_dead_proxy_aside,
    stop_restart_loop,
    update_virus_signatures,
)
from diagnostics.remedies.profile import risk_here
from diagnostics.remedies.remedy import Remedy

_ALL = (
    # --- room ---
    clean_user_cache,
    clean_small_cache_files,
    empty_trash,
    clean_temporary_files,
    clean_rotated_logs,
    clean_old_journal,
    clean_package_cache,
    clean_crash_dumps,
    # --- settings ---
    set_dead_proxy_aside,
    limit_journal_size,
    limit_crash_dumps,
    disable_startup_item,
    fix_ssh_permissions,
    fix_password_file_permissions,
    # --- services and programs ---
    restart_failed_service,
    stop_restart_loop,
    end_program,
    arm_timer,
    flush_dns_cache,
    renew_address,
    reconnect_interface,
    resync_clock,
    keep_clock_right,
    enable_firewall,
    resume_printer,
    restart_print_spooler,
    clear_print_queue,
    finish_package_setup,
    look_for_updates,
    update_virus_signatures,
    plan_restart,
)

REMEDIES: Mapping[str, Remedy[Any]] = {
    module.REMEDY.id: replace(module.REMEDY, risk=risk_here(module.REMEDY.risk)) for module in _ALL
}
