with newcomer as (
    select *,
        exists(
            select 1 from spoken() as later
            where
                later.source_key = newcomer.source_key and later.member_id = newcomer.member_id
                and later.sent_at >= date_trunc('day', newcomer.first_at) + interval 1 day
                and later.sent_at <= newcomer.first_at + interval 28 days
        ) as is_back
    from newcomers() as newcomer
    where first_at <= ends_at() - interval 28 days
)
select week, is_welcomed, avg(is_back::integer) as share, count(*) as newcomers
from newcomer
group by week, is_welcomed
order by week, is_welcomed
