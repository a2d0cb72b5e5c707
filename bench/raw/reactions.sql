select message_id, member_id from reactions
