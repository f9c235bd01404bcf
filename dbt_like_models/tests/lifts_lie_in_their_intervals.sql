-- A lift lies within its interval, and no group has more successes than leads.
select org, zip, month
from {{ ref('mart_lead_outcomes') }}
where
    not (responded_lift between responded_lift_low and responded_lift_high)
    or not (deals_lift between deals_lift_low and deals_lift_high)
    or not (sold_lift between sold_lift_low and sold_lift_high)
    or contact_group_responded > contact_group
    or contact_group_sold > contact_group
    or held_out_responded > held_out
    or held_out_sold > held_out
    or contact_group_deals > contact_group_sold
    or held_out_deals > held_out_sold
