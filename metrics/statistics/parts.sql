-- What a share counts in two periods, for each way to group it: one row a group and whatever is drawn together, which
-- is a member or, of the team's own messages, a day.
with grouped as (
    select
        counted.drawn_id, counted.is_now, counted.items, counted.met,
        unnest([
            {dimension: 'channel', label: place.channel_label},
            {dimension: 'source', label: place.source_name},
            {dimension: 'platform', label: place.platform},
            {dimension: 'time', label: case
                when counted.hour_of_week >= 120 then 'at weekends'
                when counted.hour_of_week % 24 between 9 and 17 then 'on weekdays from 9 to 18'
                when counted.hour_of_week is not null then 'on weekdays before 9 and after 18'
            end},
            {dimension: 'newcomer', label: case
                when counted.is_newcomer then 'of newcomers' when not counted.is_newcomer then 'of others'
            end},
            {dimension: 'reason', label: counted.reason}
        ], recursive := true)
    from counted_in_both(
        $since_at, $until_at, $before_since_at, $before_until_at, $zone, $hours, $platforms, $sources, $channels,
        $population, $inferred
    ) as counted
    inner join places as place on counted.place_id = place.place_id
    where counted.is_judged
)
select
    dimension, label as "group", drawn_id,
    coalesce(sum(met) filter (where not is_now), 0)::double as met_before,
    coalesce(sum(items) filter (where not is_now), 0)::double as n_before,
    coalesce(sum(met) filter (where is_now), 0)::double as met,
    coalesce(sum(items) filter (where is_now), 0)::double as n
from grouped
where label is not null
group by all
order by all
