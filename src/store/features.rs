//! Which methods of the store come with which feature: each of these lines compiles with it and not without it.

/// A doctest for each method.
macro_rules! comes_with {
    ($feature:tt: $($method:ident)*) => { $(
        #[cfg_attr(feature = $feature, doc = "```")]
        #[cfg_attr(not(feature = $feature), doc = "```compile_fail")]
        #[doc = concat!("let _ = lamplighter::store::Store::", stringify!($method), ";")]
        #[doc = "```"]
        mod $method {}
    )* };
}

// Sessions and repositories.
comes_with!("agents":
    session sessions find_sessions session_now sessions_ahead begin_session session_started meter_session name_session append_transcript
    finish_session last_answer keep_changes session_changes session_patch transcript open_runs close_run orphaned_places spent spend_since reserve wake_sessions
    repositories repository add_repository remove_repository request_description describe_repository
);

// Scans, issues and the tracker.
comes_with!("monitor":
    scan_history issue_list issues_in_order issue_record issues_of_codes issues_of_templates issue_days scan_now scan issue issues_of_scan committed_scan log_watermark log_marks log_templates issue_hours known_issues recent_issues
    duplicates change_issue commit_scan meet_limit
    wake_filing next_filing filing save_filing tracker_reading take_tracker_news open_tracker_issues
    filed_markers tracker_refused doubt_tracker_issues
    refile_offer open_elsewhere ask_refiling leave_elsewhere refile
    waiting_filings filings_to_approve rejected_filings filings_on_show filing_text decide_filings edit_filing
);

// People, and what they do to many jobs.
comes_with!("web":
    has_admin set_setup_code setup_code_is_valid redeem_setup_code create_first_admin account accounts add_account
    set_role disable_account enable_account remove_account set_password login renew_login login_by_id logout logins
    end_logins deeds find_deeds job_maker add_token tokens token token_by_hash rotate_token revoke_token
    run_again_once retries preview act_slice act_slice_of failing_schedules free_disk put_off_needs put_off_need views save_view remove_view
    split_series series_by_kind series_by_queue
);
