DELETE FROM users WHERE users.user_id IN ('a','b') AND id = 4;
