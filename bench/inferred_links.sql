-- One row a line that answers another person's: the guess, where there is one, else what ties it.
with link as (
    select line_id, target, basis from resolved where basis <> 'continued'
    union all
    select line_id, target, 'inferred' as basis from guesses
)
select
    said.message_id as line,
    arg_max(answered.message_id, link.basis = 'inferred') as guessed,
    any_value(answered.message_id) filter (where link.basis <> 'inferred') as tied
from link
inner join messages as said on link.line_id = hash(said.source_key, said.message_id)
inner join messages as answered on link.target = hash(answered.source_key, answered.message_id)
group by said.message_id
