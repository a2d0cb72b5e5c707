with visit as (
    select week, lag(week) over (partition by source_key, member_id order by week) as before
    from active_weeks()
)
select
    week, count(*) as members, count(*) filter (where before is null) as new,
    count(*) filter (where before = week - 7) as retained,
    count(*) filter (where before between week - 56 and week - 8) as "returning",
    count(*) filter (where before < week - 56) as reactivated,
    lag(count(*)) over (order by week) - count(*) filter (where before = week - 7) as lapsed
from visit
group by week
order by week
