with said as (
    select
        source_key, member_id, message_id, week, sent_at,
        coalesce(lead(sent_at) over (partition by source_key, member_id order by sent_at), ends_at())
        - sent_at >= interval 28 days as is_last
    from spoken()
    where not is_staff
),
asker as (
    select distinct source_key, member_id from openers()
)
select
    said.week, count(*) as lapsed,
    count(*) filter (
        where asked.message_id is not null and not coalesce(asked.hours <= 28 * 24, false)
    ) as lost
from said
inner join asker on said.source_key = asker.source_key and said.member_id = asker.member_id
left join answered() as asked on said.source_key = asked.source_key and said.message_id = asked.message_id
where said.is_last
group by said.week
order by said.week
