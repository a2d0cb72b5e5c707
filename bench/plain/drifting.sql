-- Left out: coverage, the community's own gap, depth, the last ask.
with visit as (
    select
        source_key, member_id, sent_at::date as day, max(sent_at) as last_at,
        sent_at::date - lag(sent_at::date) over (partition by source_key, member_id order by sent_at::date) as gap
    from spoken()
    where not is_staff and sent_at > ends_at() - interval 180 days
    group by source_key, member_id, sent_at::date
),
regular as (
    select source_key, member_id, count(*) as active_days, max(last_at) as last_at
    from visit
    group by source_key, member_id
    having count(*) >= 5 and ends_at()::date - max(day) >= greatest(14, 3 * median(gap))
    order by active_days desc, last_at, member_id
    limit $limit
)
select regular.member_id, regular.active_days, regular.last_at, said.text
from regular
inner join spoken() as said
    on
        regular.source_key = said.source_key and regular.member_id = said.member_id
        and regular.last_at = said.sent_at
order by regular.active_days desc, regular.last_at, regular.member_id
