select
    source_key, message_id, channel_id, member_id, sent_at, text, kind, conversation_id, parent_id, deleted_at, text_key
from messages
