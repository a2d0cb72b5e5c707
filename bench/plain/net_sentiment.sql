-- A plain count of labels. Left out: quantification, and the bootstrap.
select
    spoken.week,
    100 * (count(*) filter (where label = 'positive') - count(*) filter (where label = 'negative'))
    / nullif(count(label), 0) as points,
    count(*) as messages
from spoken() as spoken
left join scores on spoken.text_key = scores.text_key
where not spoken.is_staff
group by spoken.week
order by spoken.week
