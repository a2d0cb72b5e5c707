with load as (
    select week, answered_by, count(*) as replies
    from answered()
    where answered_by is not null
    group by week, answered_by
),
ranked as (
    select
        week, replies, row_number() over busiest as place, sum(replies) over busiest as so_far,
        sum(replies) over (partition by week) as of_all
    from load
    window busiest as (partition by week order by replies desc, answered_by)
)
select
    week, max(so_far) filter (where place = 1) / any_value(of_all) as top1_share,
    max(so_far) filter (where place <= 3) / any_value(of_all) as top3_share,
    min(place) filter (where 2 * so_far >= of_all) as people_for_half
from ranked
group by week
order by week
