with active as (
    select distinct source_key, member_id, date_trunc('month', sent_at)::date as month from spoken() where not is_staff
),
joined as (
    select month, min(month) over (partition by source_key, member_id) as cohort from active
)
select
    cohort, datediff('month', cohort, month) as month,
    count(*) / first_value(count(*)) over (partition by cohort order by joined.month) as share
from joined
group by cohort, joined.month
order by cohort, joined.month
