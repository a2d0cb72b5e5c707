-- title: Net sentiment
-- asks: Do members sound more pleased or more displeased?
-- formula: 100 * (share positive - share negative), of members' classified messages; -100 to 100
-- unit: points
-- better: higher
-- leaves out: what holds no words or is in a language the scorer does not know: it is unclassified, and told beside
-- needs: others' posts
-- source: Saerens, Latinne and Decaestecker 2002 for the shares; bootstrap by member (Efron 1979)
-- finish: net
--
-- The shares are estimated (metrics/quantify.py), not counted: the range spans the estimators' disagreement and the
-- swing of a bootstrap over members. The level leans on the scorer, which misses sarcasm and slang and reads complaints
-- too kindly: trust the change against your own past.
with said as (
    select
        sentiments.week, split_of($by, place.platform, place.source, place.channel_label) as split,
        (sentiments.person_id % 64)::utinyint as bucket, count(*) as messages,
        (100 * list_position(['negative', 'neutral', 'positive'], sentiments.label) + sentiments.cell)::smallint as kind
    from sentiments
    inner join scope($platforms, $sources, $channels) as place on sentiments.place_id = place.place_id
    where
        sentiments.said_at >= coalesce($since_at, timestamptz '0001-01-01 00:00:00+00')
        and sentiments.said_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
    group by all
),
summed as (
    select week, split, bucket, kind, sum(messages)::bigint as messages
    from said
    group by grouping sets ((week, split, bucket, kind), (split, bucket, kind))
)
select
    weeks.week, weeks.split, weeks.is_known, summed.bucket, summed.kind, coalesce(summed.messages, 0) as messages
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join summed
    on weeks.week is not distinct from summed.week and weeks.split is not distinct from summed.split
order by weeks.split nulls first, weeks.week nulls first
