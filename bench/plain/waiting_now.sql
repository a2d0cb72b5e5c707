select
    count(*) as asks, count(distinct member_id) as people,
    count(*) filter (where sent_at < ends_at() - interval 24 hours) as past_target, min(sent_at) as longest_since
from answered()
where answered_at is null
