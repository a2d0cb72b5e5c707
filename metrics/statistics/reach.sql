-- Do the sources reach equally far into both periods? Those that cover one and not the other make a difference that
-- nobody caused. One row a split; the sources are weighed by what was said in them, and the largest is named.
with scoped as (
    select distinct source_key, source_name, as_of, split_of($by, platform, source, channel_label) as split
    from scope($platforms, $sources, $channels)
),
covered as (
    select
        source_key, sum(messages) filter (where is_now or is_before) as messages,
        count(*) filter (where is_covered and is_now) / ($until::date - $since::date) as share_now,
        count(*) filter (where is_covered and is_before) / ($before_until::date - $before_since::date) as share_before
    from (
        select
            *, day >= $since and day < $until as is_now, day >= $before_since and day < $before_until as is_before
        from source_days
    )
    group by source_key
),
judged as (
    select
        scoped.split, scoped.source_name, scoped.as_of, covered.messages,
        covered.messages > 0 and least(covered.share_now, covered.share_before) < 0.9 as is_uneven
    from scoped
    inner join covered on scoped.source_key = covered.source_key
)
select
    split,
    sum(messages) filter (where is_uneven) > 0.1 * sum(messages) as is_uneven,
    arg_max(source_name, messages) filter (where is_uneven) as source_name,
    arg_max(as_of, messages) filter (where is_uneven) as as_of
from judged
group by split
