-- Every id under which a property was ever named, with the id it has now, its ZIP and address, and its latest recorded
-- sale. An id that was given up leads on only where all its records went to one property.
with current_ones as (
    select property_id, zip, address, sale_date, sale_price_cents
    from {{ source('lake', 'properties') }}
    where valid_to is null
),

given_up as (
    select previous_property_id as named, any_value(property_id) as property_id
    from {{ source('lake', 'property_links') }}
    where previous_property_id is not null
    group by previous_property_id
    having count(distinct property_id) = 1
)

select property_id as named, *
from current_ones
union all
select given_up.named, current_ones.*
from given_up
inner join current_ones using (property_id)
where given_up.named not in (select property_id from current_ones)
