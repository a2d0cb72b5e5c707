select member_id, name, is_bot, is_staff from members
