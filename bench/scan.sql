-- The least work a question to all messages can be: look at each of them once.
select
    count(*) as messages,
    max(text) as last_text
from messages
