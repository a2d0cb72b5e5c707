-- One row an opener: what opened it, and when it was first answered, by ties alone and with guesses.
select
    messages.message_id as line,
    asks.reply_at as tied_at,
    least(asks.reply_at, asks.inferred_reply_at) as guessed_at
from asks
inner join messages on asks.ask_id = hash(messages.source_key, messages.message_id)
where asks.is_opener
