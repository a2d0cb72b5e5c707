-- The next message in the thread, if somebody else wrote it. Left out: Kaplan and Meier, courtesies.
with said as (
    select
        said.week, said.sent_at, said.member_id = asked.member_id as is_asker,
        lag(said.member_id) over thread as before_by, said.member_id,
        case when lead(said.member_id) over thread <> said.member_id then lead(said.sent_at) over thread end as reply_at
    from openers() as asked
    inner join spoken() as said
        on asked.source_key = said.source_key and asked.message_id = said.conversation_id
    window thread as (partition by said.source_key, said.conversation_id order by said.sent_at)
),
waits as (
    select week, coalesce(epoch(reply_at - sent_at) / 3600, 1e6) as hours
    from said
    where is_asker and before_by <> member_id
)
select week, quantile_cont(hours, 0.5) as hours_p50, quantile_cont(hours, 0.9) as hours_p90, count(*) as turns
from waits
group by week
order by week
