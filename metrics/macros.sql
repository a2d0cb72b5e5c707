-- What several metrics share: which rows are meant, and the statistics. Every macro here is a definition with a
-- source.

-- The channels that the filters leave. An empty list means all.
create or replace temp macro scope(platforms, sources, channels) as table
select *
from places
where
    (len(platforms) = 0 or list_contains(platforms, platform))
    and (len(sources) = 0 or list_contains(sources, source) or list_contains(sources, source_name))
    and (len(channels) = 0 or list_contains(channels, channel) or list_contains(channels, channel_name));

create or replace temp macro split_of(by_what, platform, source, channel) as
    case by_what when 'platform' then platform when 'source' then source when 'channel' then channel end;

-- DuckDB's own difference of two moments asks a calendar, row by row: that takes half as long as all the rest.
create or replace temp macro hours_between(earlier, later) as (epoch_us(later) - epoch_us(earlier)) / 3.6e9;

-- One row a week and one for the whole period (week null), by split: is enough of it covered to say anything?
-- 90 % of the days that lie between each source's first covered day and its as_of.
create or replace temp macro weeks_in(since, until, by_what, platforms, sources, channels) as table
with days as (
    select source_days.week, place.split, source_days.is_covered
    from (select 1) as one  -- nothing covered is one unknown row, not none
    left join (
        select distinct source_key, split_of(by_what, platform, source, channel_label) as split
        from scope(platforms, sources, channels)
    ) as place on true
    left join source_days
        on
            place.source_key = source_days.source_key
            and source_days.day >= coalesce(since, source_days.day)
            and source_days.day < coalesce(until, date '9999-01-01')
)
select
    week, split,
    count(is_covered) > 0 and count(*) filter (where is_covered) >= 0.9 * count(is_covered) as is_known
from days
group by grouping sets ((week, split), (split))
having (week is not null or grouping(week) = 1) and (split is not null or by_what = '');

-- The splits in whose sources anybody ever spoke as staff. Elsewhere nobody is known to be staff, so what staff did is
-- unknown, never 0.
create or replace temp macro team_in(by_what, platforms, sources, channels) as table
select distinct split_of(by_what, platform, source, channel_label) as split, true as is_known
from scope(platforms, sources, channels)
where source_key in (select source_key from staff_hours);

-- The asks of a period: those *asked* in it, whenever they were answered. hours: the wait, or how long it has been so
-- far. Inferred replies count only where they are asked for.
create or replace temp macro asks_in(since, until, by_what, platforms, sources, channels, population, inferred) as table
select
    asks.*,
    split_of(by_what, place.platform, place.source, place.channel_label) as split,
    place.as_of, place.target_hours,
    case when inferred then least(asks.reply_at, asks.inferred_reply_at) else asks.reply_at end as answered_at,
    case when answered_at = asks.reply_at then asks.reply_by when inferred then asks.inferred_reply_by end
    as answered_by,
    case when inferred then least(asks.staff_reply_at, asks.inferred_staff_reply_at) else asks.staff_reply_at end
    as staff_answered_at,
    case when inferred then least(asks.peer_reply_at, asks.inferred_peer_reply_at) else asks.peer_reply_at end
    as peer_answered_at,
    coalesce(staff_answered_at <= answered_at, false) as is_staff_first,  -- a tie is theirs
    hours_between(asks.asked_at, coalesce(answered_at, place.as_of)) as hours,
    hours_between(asks.asked_at, place.as_of) as age_hours,
    (
        coalesce(
            case
                when inferred then least(asks.business_reply, asks.business_inferred_reply) else asks.business_reply
            end,
            place.business_as_of
        ) - asks.business_asked
    ) / 3.6e9 as business_hours,
    (place.business_as_of - asks.business_asked) / 3.6e9 as business_age_hours
from asks
inner join scope(platforms, sources, channels) as place on asks.place_id = place.place_id
where
    asks.asked_at >= coalesce(since, asks.asked_at)
    and asks.asked_at < coalesce(until, timestamptz '9999-01-01 00:00:00+00')
    and case population when 'openers' then asks.is_opener else asks.needs_reply end;

-- Wilson 1927: the interval of a share of k in n.
create or replace temp macro z() as 1.959963984540054;
create or replace temp macro wilson_middle(k, n) as (k + z() * z() / 2) / (n + z() * z());
create or replace temp macro wilson_half(k, n) as
    z() / (n + z() * z()) * sqrt(k * (n - k) / nullif(n, 0)::double + z() * z() / 4);
create or replace temp macro wilson_low(k, n) as
    case when n > 0 then greatest(0, wilson_middle(k, n) - wilson_half(k, n)) end;
create or replace temp macro wilson_high(k, n) as
    case when n > 0 then least(1, wilson_middle(k, n) + wilson_half(k, n)) end;

-- Newcombe 1998, method 10: the difference of two shares from each one's own interval. Zou and Donner 2008 show that it
-- holds for any two independent figures with intervals, so Kaplan-Meier shares take their log-log bands.
create or replace temp macro difference_low(one, one_low, other, other_high) as
    one - other - sqrt(pow(one - one_low, 2) + pow(other_high - other, 2));
create or replace temp macro difference_high(one, one_high, other, other_low) as
    one - other + sqrt(pow(one_high - one, 2) + pow(other - other_low, 2));

-- Kaplan and Meier 1958, by week and for the whole period (week null): one row an ask in the order of the waits. The
-- share still waiting after `hours` is the product of kept over the rows up to there, Greenwood's variance the sum of
-- spread: ties need no care, as (n-1)/n * (n-2)/(n-1) = (n-2)/n. Asks that nobody has answered count for as long as
-- they have waited.
create or replace temp macro waits_in(
    since, until, by_what, platforms, sources, channels, population, inferred
) as table
with waits as (
    select unnest([week, null]) as week, split, hours, answered_at is not null as is_answered
    from asks_in(since, until, by_what, platforms, sources, channels, population, inferred)
),
ranked as (
    select
        *,
        row_number() over (partition by week, split order by hours desc, is_answered) as at_risk
    from waits
)
select
    week, split, hours, is_answered,
    case when is_answered then (at_risk - 1) / at_risk else 1 end as kept,
    case when is_answered then 1 / nullif(at_risk * (at_risk - 1), 0) else 0 end as spread
from ranked;

-- The share answered, and its log-log band (Kalbfleisch and Prentice 1980), from the share still waiting.
create or replace temp macro band_step(still_waiting, variance) as
    exp(z() * sqrt(variance) / nullif(abs(ln(nullif(still_waiting, 0))), 0));

-- Aalen and Johansen 1978: the waits for a first reply by staff, where a peer's can come first; then nobody waits for
-- staff any more. By week and for the whole period (week null), one row a moment at which a wait ends or is as long as
-- the data goes: so_far is the share that staff were first to answer by then.
create or replace temp macro staff_waits_in(
    since, until, by_what, platforms, sources, channels, population, inferred
) as table
with waits as (
    select unnest([week, null]) as week, split, hours, answered_at is not null as is_answered, is_staff_first
    from asks_in(since, until, by_what, platforms, sources, channels, population, inferred)
),
moments as (
    select
        week, split, hours, count(*) as gone,
        count(*) filter (where is_staff_first) as reached, count(*) filter (where is_answered) as ended
    from waits
    group by week, split, hours
),
risk as (
    select *, sum(gone) over (partition by week, split order by hours desc)::double as at_risk from moments
),
curve as (
    select
        *,
        coalesce(product(1 - ended / at_risk) over (
            partition by week, split order by hours rows between unbounded preceding and 1 preceding
        ), 1) as waiting_before
    from risk
)
select
    *, sum(waiting_before * reached / at_risk) over (partition by week, split order by hours) as so_far
from curve;

-- Who was there when, up to the end of the period, by split. Whole weeks where the period is cut at Mondays, else
-- days. Of the time before it: the week that leads up to it, and who was there in either, the last visit to each
-- channel before it. What they are in the period hangs on nothing else.
create or replace temp macro presence_in(since, until, is_whole_weeks, by_what, platforms, sources, channels) as table
with place as (
    select place_id, split_of(by_what, platform, source, channel_label) as split
    from scope(platforms, sources, channels)
),
present as not materialized (
    select place_id, person_id, week, week as day, next_day, first_at, last_at from member_weeks
    where is_whole_weeks
    union all
    select place_id, person_id, week, day, next_day, first_at, last_at from member_days
    where not is_whole_weeks
),
lately as (
    select place.split, present.* exclude (place_id, next_day)
    from present
    inner join place on present.place_id = place.place_id
    where
        present.week >= coalesce(since::date - 14, date '0001-01-01')
        and present.day < coalesce(until, date '9999-01-01')
)
select split, person_id, week, first_at, last_at, day >= coalesce(since, day) as is_inside
from lately
union all
select place.split, present.person_id, present.week, present.first_at, present.last_at, false as is_inside
from present
inner join place on present.place_id = place.place_id
where
    present.week < since::date - 14
    and coalesce(present.next_day >= since, true)
    and present.person_id in (select person_id from lately);
