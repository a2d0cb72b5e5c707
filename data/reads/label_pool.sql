-- What may be drawn for people to label: of each stratum the first 200 in a random order, which $seed decides.
-- A stratum is a platform (but for the five busiest, all together), what the scorer said, and how sure it was.
-- Only what was said since words are kept, and what the scorer itself said, whatever people said since.
with heard as (
    select
        sentiments.line_id, sentiments.text_key, sources.platform, scores.label,
        greatest(scores.negative, scores.neutral, scores.positive) as confidence
    from sentiments
    inner join sources on sentiments.source_key = sources.source_key
    inner join scores on sentiments.text_key = scores.text_key
    inner join scorer on scores.scorer = scorer.name and scores.version = scorer.version
    where
        scores.label is not null
        and sentiments.said_at >= (select min(sent_at) from messages where text <> '')
),
busiest as (
    select platform from heard group by platform order by count(*) desc, platform limit 5
),
placed as (
    select
        line_id, text_key, label, confidence,
        if(platform in (select platform from busiest), platform, 'elsewhere') as platform,
        case when confidence < 0.5 then 0 when confidence < 0.7 then 1 else 2 end as sureness
    from heard
)
select
    line_id, text_key, platform, label, sureness,
    count(*) over stratum as lines, avg(confidence) over stratum as confidence,
    row_number() over (partition by platform, label, sureness order by hash(hash(line_id, $seed)), line_id) as turn
from placed
window stratum as (partition by platform, label, sureness)
qualify turn <= 200
order by platform, label, sureness, turn
