-- One row a line that answers another person's: the guess, where there is one, else what ties it.
select
    said.message_id as line,
    arg_max(answered.message_id, resolved.basis = 'inferred') as guessed,
    any_value(answered.message_id) filter (where resolved.basis <> 'inferred') as tied
from resolved
inner join messages as said on resolved.line_id = hash(said.source_key, said.message_id)
inner join messages as answered on resolved.target = hash(answered.source_key, answered.message_id)
where resolved.basis <> 'continued'
group by said.message_id
