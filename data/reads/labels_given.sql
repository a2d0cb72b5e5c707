-- How many members' messages the scorer gave each label on each platform. No label: unclassified.
select sources.platform, heard.label, count(*)::bigint as messages
from sentiments
inner join sources on sentiments.source_key = sources.source_key
left join (
    select scores.text_key, scores.label
    from scores
    inner join scorer on scores.scorer = scorer.name and scores.version = scorer.version
) as heard on sentiments.text_key = heard.text_key
group by all
order by all
