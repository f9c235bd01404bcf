-- Reservations whose process died between the call and its end, oldest first.
select reservation_id, provider, day, amount_cents, fingerprint, run_id, correlation_id
from leadflow.reservations
where org_id = :org_id and state = 'reserved' and created_at < :before
order by created_at
for update skip locked
