-- Gives back what was let through and not sent: the brand's day has room for it again.
update leadflow.brand_days
set messages = greatest(0, brand_days.messages - :unsent)
where brand_days.org_id = :org_id and brand_days.brand = :brand and brand_days.day = :day
