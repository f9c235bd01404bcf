-- What each step of each campaign did. Shares are left to the reader: a share of few messages says little, and sums of
-- counts can be divided over any selection of rows. held_out is of the campaign: take it once, not per step.
select
    ledger.org_slug() as org,
    campaign,
    state,
    step,
    channel,
    queued,
    waiting,
    blocked,
    blocked_by,
    cancelled,
    sent,
    delivered,
    failed,
    unknown,
    segments,
    replies,
    interested,
    not_interested,
    wrong_numbers,
    opt_outs,
    clicked,
    held_out,
    held_out_interested
from {{ source('outreach', 'campaign_counts') }}
